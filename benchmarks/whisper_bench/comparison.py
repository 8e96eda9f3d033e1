"""Recipes beside each other, such as those of an ablation: their table and their plot."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from whisper_bench.markdown import percent, percent_with_interval, table
from whisper_terms.plots import new_figure, save_figure
from whisper_terms.tables import read_table

_HEADER = [
    *("system", "term recall % (95 %)", "precision %", "CER, terms %", "CER, general % (95 %)"),
    *("U-CER, all %", "right→wrong, wrong→right, general", "the same, all", "α", "training, s"),
]
# The measures that the plot shows, with their ends, of these test sets.
_ACROSS, _UPRIGHT = ("terms", "term_recall"), ("all", "u_cer")
Row = Mapping[str, str]


class System(NamedTuple):
    """A system's rows of eval.tsv by test set, its alpha, and how many seconds it trained."""

    name: str
    sets: Mapping[str, Row]
    alpha: str
    seconds: str

    def flips(self, test_set: str) -> str:
        """Utterances that got wrong, and right."""
        return ", ".join(self.sets[test_set][name] for name in ("right_to_wrong", "wrong_to_right"))


def read_systems(scores: Sequence[Row], folder: Path) -> list[System]:
    """The systems of an eval.tsv, in their order.

    Args:
        scores: its rows.
        folder: results/MODEL, which has the recipes' chosen alphas and their times.
    """
    sets: dict[str, dict[str, Row]] = {}
    for row in scores:
        sets.setdefault(row["system"], {})[row["test_set"]] = row
    return [
        System(name, rows, _alpha(folder / name), _seconds(folder / "benchmarks/fine_tune", name))
        for name, rows in sets.items()
    ]


def _alpha(recipe: Path) -> str:
    """The chosen alpha of a recipe's folder; "" where nothing was interpolated."""
    path = recipe / "interpolation.tsv"
    rows = read_table(path, ["alpha", "chosen"]) if path.is_file() else []
    return next((row["alpha"] for row in rows if row["chosen"]), "")


def _seconds(folder: Path, recipe: str) -> str:
    """How long a recipe's training took by Snakemake's benchmark file; "" without one."""
    path = folder / f"{recipe}.tsv"
    return f"{float(read_table(path, ['s'])[0]['s']):.0f}" if path.is_file() else ""


def markdown_table(systems: Sequence[System]) -> str:
    """One line a system."""
    lines = [
        [
            system.name,
            percent_with_interval(system.sets["terms"], "term_recall"),
            percent(system.sets["terms"], "term_precision"),
            percent(system.sets["terms"], "cer"),
            percent_with_interval(system.sets["general"], "cer"),
            percent(system.sets["all"], "u_cer"),
            system.flips("general"),
            system.flips("all"),
            system.alpha,
            system.seconds,
        ]
        for system in systems
    ]
    return table(_HEADER, lines, range(1, len(_HEADER)))


def plot(systems: Sequence[System], path: Path) -> None:
    """Term recall against the errors outside the terms, with 95 % intervals, as a picture."""
    figure = new_figure(8, 5.5)
    axes = figure.subplots()
    for system, (across, upright) in zip(systems, _points(systems), strict=True):
        bars = {"xerr": [[one] for one in across[1:]], "yerr": [[one] for one in upright[1:]]}
        axes.errorbar(across[0], upright[0], fmt="o", elinewidth=0.4, markersize=4, **bars)
        axes.annotate(
            system.name, (across[0], upright[0]), (4, 3), textcoords="offset points", size=7
        )
    axes.set_xlabel("term recall, %")
    axes.set_ylabel("U-CER, all recordings, %")
    axes.grid(alpha=0.3)
    save_figure(figure, path)


def _points(systems: Sequence[System]) -> Iterator[list[tuple[float, float, float]]]:
    """For both axes the value in percent, and how far its interval reaches down and up."""
    for system in systems:
        point = []
        for test_set, measure in (_ACROSS, _UPRIGHT):
            row = system.sets[test_set]
            value, low, high = (100 * float(row[measure + end]) for end in ("", "_low", "_high"))
            point.append((value, value - low, high - value))
        yield point
