"""What each ingredient of a recipe is worth: the table and the plot of an ablation."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from whisper_bench.marks import table_lines

_HEADER = [
    *("system", "term recall % (95 %)", "precision %", "CER, terms %", "CER, general % (95 %)"),
    *("U-CER, all %", "right→wrong, wrong→right, general", "the same, all", "α"),
]
# The measures that the plot shows, with their ends, of these test sets.
_ACROSS, _UPRIGHT = ("terms", "term_recall"), ("all", "u_cer")
Row = Mapping[str, str]


class System(NamedTuple):
    """A system's rows of eval.tsv by test set, and the alpha that was chosen for it."""

    name: str
    sets: Mapping[str, Row]
    alpha: str

    def percent(self, test_set: str, measure: str) -> str:
        """A rate in percent; a dash where it is not defined."""
        value = self.sets[test_set][measure]
        return f"{100 * float(value):.1f}" if value else "–"

    def with_interval(self, test_set: str, measure: str) -> str:
        """A rate in percent with its interval."""
        ends = (self.percent(test_set, f"{measure}_{end}") for end in ("low", "high"))
        return f"{self.percent(test_set, measure)} ({' to '.join(ends)})"

    def flips(self, test_set: str) -> str:
        """Utterances that got wrong, and right."""
        return ", ".join(self.sets[test_set][name] for name in ("right_to_wrong", "wrong_to_right"))


def read_systems(scores: Sequence[Row], alphas: Mapping[str, str]) -> list[System]:
    """The systems of an eval.tsv, in their order.

    Args:
        scores: its rows.
        alphas: the chosen alpha by recipe.
    """
    sets: dict[str, dict[str, Row]] = {}
    for row in scores:
        sets.setdefault(row["system"], {})[row["test_set"]] = row
    return [System(name, rows, alphas.get(name, "")) for name, rows in sets.items()]


def markdown_table(systems: Sequence[System]) -> str:
    """One line a system."""
    lines = [
        [
            system.name,
            system.with_interval("terms", "term_recall"),
            system.percent("terms", "term_precision"),
            system.percent("terms", "cer"),
            system.with_interval("general", "cer"),
            system.percent("all", "u_cer"),
            system.flips("general"),
            system.flips("all"),
            system.alpha,
        ]
        for system in systems
    ]
    return table_lines([_HEADER, *lines])


def plot(systems: Sequence[System], path: Path) -> None:
    """Term recall against the errors outside the terms, with 95 % intervals, as a picture."""
    import matplotlib

    # The same picture from the same numbers, with text that can be searched.
    matplotlib.rcParams.update({"svg.hashsalt": "ablation", "svg.fonttype": "none"})
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 5.5), layout="constrained")
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
    figure.savefig(path, metadata={"Date": None})


def _points(systems: Sequence[System]) -> Iterator[list[tuple[float, float, float]]]:
    """For both axes the value in percent, and how far its interval reaches down and up."""
    for system in systems:
        point = []
        for test_set, measure in (_ACROSS, _UPRIGHT):
            row = system.sets[test_set]
            value, low, high = (100 * float(row[measure + end]) for end in ("", "_low", "_high"))
            point.append((value, value - low, high - value))
        yield point
