"""The plot of the way between two models: what each point knows, and what it has forgotten."""

from collections.abc import Sequence
from pathlib import Path

from whisper_terms.interpolation import Point


def plot_points(points: Sequence[Point], chosen: Point, path: Path) -> None:
    """Draw the share of wrong tokens of the development set over alpha, as SVG.

    The same points give the same file.

    Args:
        points: the base model first.
        chosen: the one that is taken.
        path: file to write.
    """
    import matplotlib
    from matplotlib.figure import Figure

    # Names of parts by a fixed salt, and text that can be searched.
    with matplotlib.rc_context({"svg.hashsalt": "interpolation", "svg.fonttype": "none"}):
        figure = Figure(figsize=(6, 4), layout="constrained")
        axes = figure.subplots()
        alphas = [point.alpha for point in points]
        axes.plot(alphas, [100 * one.terms.error for one in points], "o-", label="terms")
        axes.plot(alphas, [100 * one.replay.error for one in points], "s-", label="term-free")
        axes.axvline(chosen.alpha, color="grey", linestyle=":", label="taken")
        axes.set_xlabel("alpha: from the base model (0) to the trained one (1)")
        axes.set_ylabel("wrong tokens of the development set, %")
        axes.set_ylim(bottom=0)
        axes.grid(alpha=0.3)
        axes.legend()
        figure.savefig(path, format="svg", metadata={"Date": None})
