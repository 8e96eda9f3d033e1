"""What the report shows of eval.tsv: the table before and after."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from whisper_terms.config.defaults import UNTRAINED
from whisper_terms.errors import Fault, UserError
from whisper_terms.recordings import ALL_SETS
from whisper_terms.scoring.columns import EVAL
from whisper_terms.tables import read_numbered

# What stands where there is no value.
ABSENT = "–"

Row = dict[str, float | None]


@dataclass(frozen=True)
class Column:
    """A column of the table: one of eval.tsv, how to show it, and what it means.

    `percent` columns are fractions in the file. `against_base` columns mean nothing for the base.
    """

    name: str
    heading: str
    definition: str
    higher_is_better: bool = False
    percent: bool = True
    against_base: bool = False


COLUMNS = (
    Column(
        "term_recall",
        "terms heard",
        "Recall: of the places where a term was said, the share where the term, or an accepted "
        "spelling of it, was written.",
        higher_is_better=True,
    ),
    Column(
        "term_precision",
        "precision",
        "Of the places where a term was written, the share where it had been said.",
        higher_is_better=True,
    ),
    Column(
        "u_cer",
        "errors outside terms",
        "U-CER: wrong, missing and surplus characters outside the terms, per character said there.",
    ),
    Column(
        "cer",
        "all errors",
        "CER: wrong, missing and surplus characters, per character said; an accepted spelling that "
        "differs from the reference counts as errors here.",
    ),
    Column(
        "wer",
        "word errors",
        "WER: wrong, missing and surplus words, per word said; words as GiNZA cuts them.",
    ),
    Column(
        "false_accepts_per_hour",
        "false terms per hour",
        "Terms written in recordings in which none was said, per hour of those recordings.",
        percent=False,
    ),
    Column(
        "right_to_wrong",
        "became wrong",
        "Sentences that the base wrote without a fault and this system did not.",
        percent=False,
        against_base=True,
    ),
    Column(
        "wrong_to_right",
        "became right",
        "Sentences that this system wrote without a fault and the base did not.",
        higher_is_better=True,
        percent=False,
        against_base=True,
    ),
)


@dataclass(frozen=True)
class Cell:
    """A value as shown; `interval` is empty where there is none."""

    text: str
    interval: str = ""
    best: bool = False


@dataclass(frozen=True)
class Group:
    """The lines of the table for one test set: a system and its cells each."""

    test_set: str
    utterances: int
    minutes: float | None
    occurrences: int
    lines: list[tuple[str, list[Cell]]]


class Evaluation:
    """The measures of eval.tsv by system and test set, both in the order of the file.

    Attributes:
        base: the first system, against which the others are compared.
        chosen: the system that the report is about: the first recipe, else the second system;
            None if only the base was measured.
        main_set: the test set of the headline: all together, else the first that holds terms.
        term_sets, free_sets: the single test sets that hold terms, and those without a term.
    """

    def __init__(self, rows: dict[tuple[str, str], Row]):
        self.rows = rows
        self.systems = list(dict.fromkeys(system for system, _ in rows))
        self.base = self.systems[0]
        others = self.systems[1:]
        self.chosen = next(
            (one for one in others if one not in UNTRAINED), next(iter(others), None)
        )
        self.test_sets = [test_set for system, test_set in rows if system == self.base]
        single = [one for one in self.test_sets if one != ALL_SETS]
        self.term_sets = [one for one in single if self._base_row(one)["term_occurrences"]]
        self.free_sets = [one for one in single if one not in self.term_sets]
        every = [ALL_SETS] if ALL_SETS in self.test_sets else []
        self.main_set = (every + self.term_sets + self.free_sets)[0]

    def value(self, system: str, test_set: str, name: str) -> float | None:
        """A measure, or None where the file has none."""
        return self.rows.get((system, test_set), {}).get(name)

    def _base_row(self, test_set: str) -> Row:
        return self.rows[self.base, test_set]


def read_evaluation(path: str | Path, model: str) -> Evaluation:
    """Read the rows of one model from eval.tsv.

    Raises:
        UserError: the file is missing or malformed, or holds nothing of the model.
    """
    rows: dict[tuple[str, str], Row] = {}
    faults = []
    for number, row in read_numbered(path, EVAL):
        if row["model"] != model:
            continue
        try:
            values = {name: float(row[name]) if row[name] else None for name in EVAL[3:]}
        except ValueError as error:
            faults.append(Fault(f"not a number: {error}", "evaluate again", path, number))
            continue
        rows[row["system"], row["test_set"]] = values
    if not rows and not faults:
        faults.append(Fault("holds no row of the model", "check --model", path, value=model))
    if faults:
        raise UserError(faults)
    return Evaluation(rows)


def percent(value: float | None) -> str:
    """A fraction in percent, without the sign."""
    return ABSENT if value is None else f"{100 * value:.1f}"


def points(change: float) -> str:
    """A change of a fraction, in percentage points with its sign."""
    return f"{100 * change:+.1f}".replace("-", "−")


def count_text(value: float | None) -> str:
    """A number with at most one decimal."""
    return ABSENT if value is None else f"{value:.1f}".removesuffix(".0")


def interval_text(
    evaluation: Evaluation,
    system: str,
    test_set: str,
    name: str,
    show: Callable[[float | None], str] = percent,
) -> str:
    """The interval of a measure, empty where there is none.

    Args:
        evaluation: has it.
        system, test_set, name: which.
        show: writes its ends, as the measure itself is written.
    """
    low, high = (evaluation.value(system, test_set, name + end) for end in ("_low", "_high"))
    return "" if low is None or high is None else f"{show(low)}–{show(high)}"


def table_columns(evaluation: Evaluation) -> list[Column]:
    """The columns that have a value at all."""
    return [
        column
        for column in COLUMNS
        if any(row[column.name] is not None for row in evaluation.rows.values())
    ]


def table_groups(evaluation: Evaluation) -> list[Group]:
    """The lines of the table: sets with terms, sets without, and, if several, all together."""
    sets = evaluation.term_sets + evaluation.free_sets
    if len(sets) != 1:
        sets = sets + [one for one in evaluation.test_sets if one == ALL_SETS]
    return [_group(evaluation, test_set, table_columns(evaluation)) for test_set in sets]


def _group(evaluation: Evaluation, test_set: str, columns: Sequence[Column]) -> Group:
    systems = [system for system in evaluation.systems if (system, test_set) in evaluation.rows]
    shown = {
        column.name: _column_cells(evaluation, systems, test_set, column) for column in columns
    }
    seconds = evaluation.value(evaluation.base, test_set, "seconds")
    return Group(
        test_set=test_set,
        utterances=round(evaluation.value(evaluation.base, test_set, "utterances") or 0),
        minutes=None if seconds is None else seconds / 60,
        occurrences=round(evaluation.value(evaluation.base, test_set, "term_occurrences") or 0),
        lines=[
            (system, [shown[column.name][place] for column in columns])
            for place, system in enumerate(systems)
        ],
    )


def _column_cells(
    evaluation: Evaluation, systems: Sequence[str], test_set: str, column: Column
) -> list[Cell]:
    """The cells of one column, the best marked; where all are equal, none is the best."""
    cells, show = [], percent if column.percent else count_text
    for system in systems:
        if column.against_base and system == evaluation.base:
            cells.append((ABSENT, ""))
            continue
        interval = interval_text(evaluation, system, test_set, column.name, show)
        # What is shown alike is marked alike, so the shown value is what is compared.
        cells.append((show(evaluation.value(system, test_set, column.name)), interval))
    values = {text: float(text) for text, _ in cells if text != ABSENT}
    choose = max if column.higher_is_better else min
    best = choose(values.values()) if len(values) > 1 else None
    return [
        Cell(text, interval, best is not None and values.get(text) == best)
        for text, interval in cells
    ]
