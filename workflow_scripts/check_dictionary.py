"""Check dictionaries and settle how each term is read and said.

A dictionary is a CSV or TSV file with a header row (surface, reading, aliases, class, sentences,
weight; only surface is needed), a file without a header of `spoken text, written text`, or an
export of the user dictionary of Google/Mozc, Microsoft IME or ATOK; UTF-8, UTF-16 or CP932.
Missing readings are estimated and marked: look these over before you train on them. Terms that
sound like another term or an everyday word are listed: only their context tells them apart. All
problems of all files are told at once, and then nothing is written.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from whisper_terms.dictionary import inspect_dictionaries
from whisper_terms.errors import run_script
from whisper_terms.sentences import inspect_sentences, share_sentences
from whisper_terms.tables import HOMOPHONES, TERMS, write_table
from whisper_terms.terms import settle_entries, term_rows

if TYPE_CHECKING:
    from whisper_terms.dictionary import Entry
    from whisper_terms.readings import Reading


def parse_arguments(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--dictionary", required=True, nargs="+", metavar="FILE", help="the files to check"
    )
    parser.add_argument(
        "--sentences",
        nargs="*",
        default=[],
        metavar="FILE",
        help="sentences with terms, one a line; each serves the term that stands in it",
    )
    parser.add_argument(
        "--output", required=True, type=Path, help="the table of terms to write (results/terms.tsv)"
    )
    parser.add_argument(
        "--homophones", type=Path, help="a table to write: the terms that sound like another word"
    )
    return parser.parse_args(arguments)


def summary(readings: list["Reading"], table: Path) -> str:
    """One line on what was found."""
    estimated = sum(reading.source == "estimated" for reading in readings)
    text = f"{_count(len(readings), 'term')}, {_count(estimated, 'reading')} estimated"
    if estimated:
        text += f" (check {'it' if estimated == 1 else 'them'}: reading_source in {table})"
    return text


def told(before: Sequence["Entry"], after: Sequence["Entry"], sentences: Sequence[str]) -> str:
    """One line on the sentences from files: how many serve a term."""
    more = [len(new.sentences) - len(old.sentences) for old, new in zip(before, after, strict=True)]
    served = _count(sum(number > 0 for number in more), "term")
    most = f"; one alone has {max(more)}" if any(more) else ""
    return f"{sum(more)} of {_count(len(sentences), 'sentence')} serve {served}{most}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def main() -> None:
    arguments = parse_arguments()
    entries, faults = inspect_dictionaries(arguments.dictionary)
    sentences, wrong = inspect_sentences(arguments.sentences)
    shared = share_sentences(entries, sentences)
    settled = settle_entries(shared, [*faults, *wrong])
    from whisper_terms.homophones import homophone_rows

    rows = term_rows(settled)
    write_table(arguments.output, TERMS, rows)
    print(summary([reading for _, reading in settled], arguments.output), file=sys.stderr)
    if sentences:
        print(told(entries, shared, sentences), file=sys.stderr)
    if arguments.homophones:
        alike = list(homophone_rows(rows))
        write_table(arguments.homophones, HOMOPHONES, alike)
        terms = len({row["term_id"] for row in alike})
        print(f"{_count(terms, 'term')} with homophones: {arguments.homophones}", file=sys.stderr)


if __name__ == "__main__":
    run_script(main)
