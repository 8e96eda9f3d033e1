"""Plots that are the same file whenever they are drawn from the same numbers."""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def new_figure(width: float, height: float) -> "Figure":
    """An empty figure; width and height in inches."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")


def save_figure(figure: "Figure", path: Path) -> None:
    """Write a figure as SVG, whose text can be searched, without date or random names."""
    import matplotlib

    with matplotlib.rc_context({"svg.hashsalt": "whisper-terms", "svg.fonttype": "none"}):
        figure.savefig(path, format="svg", metadata={"Date": None})
