"""The tables of the benchmarks: one line a case, the same columns for all parts."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from whisper_terms.tables import read_table, write_table

COLUMNS = "part case size seconds peak_mb rate unit baseline ratio target note".split()
MACHINE = "name value".split()
# Figures of a number that are written.
_FIGURES = 4


@dataclass(frozen=True)
class Row:
    """A case that was measured.

    Attributes:
        part: the benchmark's part, such as planning.
        case: what was run.
        size: on how much.
        seconds: wall-clock time.
        work: how much was done in that time, counted in the unit.
        unit: of the work, such as terms.
        peak_mb: largest resident memory in MB (10^6 bytes) of the process and its children
            together; None where it was not measured.
        target: what the project wants, and whether it was met; "" for nothing.
        note: whatever else is to be said.
    """

    part: str
    case: str
    size: str
    seconds: float
    work: float
    unit: str
    peak_mb: float | None = None
    target: str = ""
    note: str = ""

    @property
    def rate(self) -> float:
        """Units a second."""
        return self.work / self.seconds

    def cells(self, baseline: "Row | None" = None) -> dict[str, str]:
        """The line of a table.

        Args:
            baseline: what it is compared with: the ratio is rate over rate, so 2 is twice as fast.
                None for a case that is itself the baseline, whose ratio is 1.

        Raises:
            ValueError: the two count their work in different units.
        """
        against = baseline or self
        if against.unit != self.unit:
            raise ValueError(f"{self.unit} are compared with {against.unit}")
        return {
            "part": self.part,
            "case": self.case,
            "size": self.size,
            "seconds": figures(self.seconds),
            "peak_mb": "" if self.peak_mb is None else f"{self.peak_mb:.0f}",
            "rate": figures(self.rate),
            "unit": f"{self.unit}/s",
            "baseline": _name(against, self),
            "ratio": figures(self.rate / against.rate),
            "target": self.target,
            "note": self.note,
        }


def judge(wish: str, met: bool) -> str:
    """The cell of a target."""
    return f"{wish}: {'met' if met else 'missed'}"


def figures(value: float) -> str:
    """A number with four figures and without an exponent."""
    if value == 0:
        return "0"
    shown = f"{float(f'{value:.{_FIGURES - 1}e}'):.10f}".rstrip("0").rstrip(".")
    return shown or "0"


def write_rows(path: str | Path, rows: Iterable[dict[str, str]]) -> None:
    """Write the lines of a part, and show them."""
    rows = list(rows)
    write_table(path, COLUMNS, rows)
    for row in rows:
        print("  ".join(f"{name} {value}" for name, value in row.items() if value))


def read_rows(path: str | Path) -> list[dict[str, str]]:
    """The lines of a part; raises UserError where the table is missing or lacks a column."""
    return read_table(path, COLUMNS)


def _name(baseline: Row, row: Row) -> str:
    """The baseline's case; its size too, where that is another."""
    return baseline.case if baseline.size == row.size else f"{baseline.case}, {baseline.size}"
