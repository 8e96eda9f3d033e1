"""Scores as plain text for a terminal."""

import unicodedata
from collections.abc import Mapping, Sequence

from whisper_terms.scoring.bootstrap import RESAMPLES, SEED, paired_bootstrap
from whisper_terms.scoring.columns import EVAL
from whisper_terms.scoring.homophones import share_of_right_words
from whisper_terms.scoring.summary import SystemCounts

# What stands where a measure has no value. ASCII only: terminals disagree on the width of – and →.
ABSENT = "-"
GAP = "  "

Row = Mapping[str, object]


def before_after_table(eval_rows: Sequence[Row]) -> str:
    """The measures that matter most, a line for each row of eval.tsv; rates in percent."""
    header = [
        "system",
        "test set",
        "term recall % (95%)",
        "precision %",
        "CER % (95%)",
        "U-CER % (95%)",
        "right->wrong",
        "wrong->right",
    ]
    lines = [
        [
            str(row["system"]),
            str(row["test_set"]),
            _percent_with_interval(row, "term_recall"),
            _percent(row["term_precision"]),
            _percent_with_interval(row, "cer"),
            _percent_with_interval(row, "u_cer"),
            str(row["right_to_wrong"]),
            str(row["wrong_to_right"]),
        ]
        for row in eval_rows
    ]
    return aligned([header, *lines], left_columns=2)


def measures_table(eval_rows: Sequence[Row]) -> str:
    """Every measure of eval.tsv a line, every system and test set a column; as in the table."""
    lines = [
        [name, *(str(row[name]) if row[name] != "" else ABSENT for row in eval_rows)]
        for name in EVAL
        if name != "model"
    ]
    return aligned(lines, left_columns=1)


def comparison_lines(
    systems: SystemCounts, resamples: int = RESAMPLES, seed: int = SEED
) -> list[str]:
    """A sentence for each system: its character error rate against the base's, paired."""
    base_name, *others = systems
    base = systems[base_name]
    lines = []
    for name in others:
        change = paired_bootstrap(
            [one.errors for one in base],
            [one.errors for one in systems[name]],
            [one.characters for one in base],
            resamples,
            seed,
        )
        if change:
            lines.append(
                f"{name} against {base_name}: CER {100 * change.difference:+.1f} points (95%: "
                f"{100 * change.interval.low:+.1f} to {100 * change.interval.high:+.1f}), "
                f"better in {100 * change.share_better:.1f}% of {resamples} resamples"
            )
    return lines


def homophone_lines(rows: Sequence[Row]) -> list[str]:
    """A line for each system: how many words that sound like another it wrote right."""
    lines = []
    for system in dict.fromkeys(str(row["system"]) for row in rows):
        heard, said = share_of_right_words(rows, system)
        lines.append(f"{system}: {heard} of {said} words that sound like another are right")
    return lines


def aligned(lines: Sequence[Sequence[str]], left_columns: int) -> str:
    """Lines of cells as columns; the first `left_columns` are flush left, the others right."""
    widths = [max(map(display_width, column)) for column in zip(*lines, strict=True)]

    def pad(column: int, cell: str) -> str:
        blanks = " " * (widths[column] - display_width(cell))
        return cell + blanks if column < left_columns else blanks + cell

    return "\n".join(
        GAP.join(pad(column, cell) for column, cell in enumerate(line)).rstrip() for line in lines
    )


def display_width(text: str) -> int:
    """The columns a text takes in a terminal: two for a wide character, none for a mark."""
    return sum(map(_character_width, text))


def _character_width(character: str) -> int:
    if unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def _percent(value: object) -> str:
    return ABSENT if value == "" else f"{100 * float(value):.1f}"


def _percent_with_interval(row: Row, name: str) -> str:
    rate, low, high = (_percent(row[name + end]) for end in ("", "_low", "_high"))
    return rate if low == ABSENT else f"{rate} ({low}-{high})"
