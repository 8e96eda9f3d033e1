"""Check dictionaries and settle how each term is read and said.

A dictionary is a CSV or TSV file with a header row (surface, reading, aliases, class, sentences,
weight; only surface is needed), a file without a header of `spoken text, written text`, or an
export of the user dictionary of Google/Mozc, Microsoft IME or ATOK; UTF-8, UTF-16 or CP932.
Missing readings are estimated and marked: look these over before you train on them. All problems
of all files are told at once, and then nothing is written.
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from whisper_terms.dictionary import Entry, inspect_dictionaries
from whisper_terms.errors import Fault, UserError, run_script
from whisper_terms.progress import progress
from whisper_terms.tables import TERMS, join_list, write_table

if TYPE_CHECKING:
    from whisper_terms.readings import Reading


def parse_arguments(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--dictionary", required=True, nargs="+", metavar="FILE", help="the files to check"
    )
    parser.add_argument(
        "--output", required=True, type=Path, help="the table of terms to write (results/terms.tsv)"
    )
    return parser.parse_args(arguments)


def settle_entries(entries: list[Entry], faults: list[Fault]) -> list[tuple[Entry, "Reading"]]:
    """The entries with their readings.

    Args:
        entries: what was read of the dictionaries.
        faults: what is wrong with them; their rows are passed over here.

    Raises:
        UserError: with these faults and those of the readings.
    """
    # Only here: the analyser takes a second to load, and --help or a missing file needs none.
    from whisper_terms.readings import settle_reading

    faults = list(faults)
    wrong = {(str(fault.file), fault.row) for fault in faults}
    settled = []
    for entry in progress(entries, "readings", len(entries)):
        if (entry.file, entry.row) in wrong:
            continue
        try:
            settled.append((entry, settle_reading(entry.surface, entry.reading)))
        except UserError as error:
            faults += (replace(fault, file=entry.file, row=entry.row) for fault in error.faults)
    if faults:
        raise UserError(faults)
    return settled


def term_row(entry: Entry, reading: "Reading") -> dict[str, object]:
    """The row of a term in results/terms.tsv."""
    return {
        "term_id": entry.term_id,
        "surface": entry.surface,
        "reading": reading.reading,
        "pronunciation": reading.pronunciation,
        "reading_source": reading.source,
        "aliases": join_list(entry.aliases),
        "class": entry.term_class,
        "weight": f"{entry.weight:g}",
        "file": entry.file,
        "row": entry.row,
        "sentences": join_list(entry.sentences),
    }


def summary(readings: list["Reading"], table: Path) -> str:
    """One line on what was found."""
    estimated = sum(reading.source == "estimated" for reading in readings)
    text = f"{_count(len(readings), 'term')}, {_count(estimated, 'reading')} estimated"
    if estimated:
        text += f" (check {'it' if estimated == 1 else 'them'}: reading_source in {table})"
    return text


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def main() -> None:
    arguments = parse_arguments()
    settled = settle_entries(*inspect_dictionaries(arguments.dictionary))
    write_table(arguments.output, TERMS, (term_row(entry, reading) for entry, reading in settled))
    print(summary([reading for _, reading in settled], arguments.output), file=sys.stderr)


if __name__ == "__main__":
    run_script(main)
