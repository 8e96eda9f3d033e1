"""What the report says of words that sound like another."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from whisper_terms.tables import TERM, split_list

Row = Mapping[str, str]


@dataclass(frozen=True)
class WordLine:
    """A word that was said and sounds like another: how often it was heard, and what else was.

    `instead` holds the other words of its sound that the system wrote for it, with counts.
    """

    reading: str
    word: str
    is_term: bool
    said: int
    before: int
    after: int
    instead: tuple[str, ...]


def word_lines(rows: Sequence[Row], base: str, system: str) -> list[WordLine]:
    """The words that one system was to hear, those of one sound together.

    Args:
        rows: of homophones_eval.tsv.
        base, system: names of systems.
    """
    before = {(row["reading"], row["word"]): row for row in rows if row["system"] == base}
    return [
        WordLine(
            reading=row["reading"],
            word=row["word"],
            is_term=row["kind"] == TERM,
            said=int(row["occurrences"]),
            before=int(before[row["reading"], row["word"]]["heard"]),
            after=int(row["heard"]),
            instead=tuple(split_list(row["heard_as"])),
        )
        for row in rows
        if row["system"] == system
    ]
