"""The plot of the way between two models: what each point knows, and what it has forgotten."""

from collections.abc import Sequence
from pathlib import Path

from whisper_terms.interpolation import Point
from whisper_terms.plots import new_figure, save_figure


def plot_points(points: Sequence[Point], chosen: Point, path: Path) -> None:
    """Draw the share of wrong tokens of the development set over alpha, as SVG.

    Args:
        points: the base model first.
        chosen: the one that is taken.
        path: file to write.
    """
    figure = new_figure(6, 4)
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
    save_figure(figure, path)
