"""Where the terms stand in a text."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from whisper_terms.dictionary import Entry
from whisper_terms.scoring.normalise import NormalisedText, normalise
from whisper_terms.tables import read_table, split_list


@dataclass(frozen=True)
class Term:
    """A term as the scorer needs it; the aliases are spellings that count as heard too."""

    term_id: str
    surface: str
    reading: str = ""
    aliases: tuple[str, ...] = ()


class Span(NamedTuple):
    """The characters start … end - 1 of a normalised text that spell a term."""

    start: int
    end: int
    term_id: str


class Lexicon:
    """The terms of a dictionary, to be found in normalised texts.

    A term is found by its surface or an alias, both normalised as the text is; one that is empty
    when normalised is never found. A spelling that two terms share belongs to the term whose
    surface it is, else to the first. A match never cuts through a Latin word or a number (AI is not
    in "said"); Japanese has no such borders, so リン is found in プリン.
    """

    def __init__(self, terms: Iterable[Term]):
        self.terms = {term.term_id: term for term in terms}
        self._owner: dict[str, str] = {}
        for term in self.terms.values():
            self._owner.setdefault(normalise(term.surface).characters, term.term_id)
        for term in self.terms.values():
            for alias in term.aliases:
                self._owner.setdefault(normalise(alias).characters, term.term_id)
        self._owner.pop("", None)
        self._lengths = sorted({len(form) for form in self._owner}, reverse=True)

    def occurrences(self, text: NormalisedText) -> list[Span]:
        """Every place that spells a term, nested and overlapping ones too; longest first."""
        found = []
        for length in self._lengths:
            for start in range(len(text.characters) - length + 1):
                term_id = self._owner.get(text.characters[start : start + length])
                if term_id is None or text.splits_word(start) or text.splits_word(start + length):
                    continue
                found.append(Span(start, start + length, term_id))
        return found

    def spans(self, text: NormalisedText) -> list[Span]:
        """The terms of a text in its order, longest first where they overlap.

        肺炎 inside 誤嚥性肺炎 is therefore not a span of its own.
        """
        taken = [False] * len(text.characters)
        chosen = []
        for span in self.occurrences(text):
            if not any(taken[span.start : span.end]):
                taken[span.start : span.end] = [True] * (span.end - span.start)
                chosen.append(span)
        return sorted(chosen)

    def covered(self, text: NormalisedText) -> Counter[str]:
        """How often each term stands in a text only as a part of another term (肺炎 above)."""
        spans = self.spans(text)
        return Counter(
            occurrence.term_id
            for occurrence in self.occurrences(text)
            if any(
                span.start < occurrence.end
                and occurrence.start < span.end
                and span.term_id != occurrence.term_id
                for span in spans
            )
        )

    def canonical(self, text: NormalisedText) -> str:
        """The characters of a text with every alias replaced by its term's surface."""
        parts = []
        position = 0
        for span in self.spans(text):
            surface = normalise(self.terms[span.term_id].surface).characters
            parts += [text.characters[position : span.start], surface]
            position = span.end
        return "".join([*parts, text.characters[position:]])


def lexicon_of(entries: Iterable[Entry]) -> Lexicon:
    """The terms of dictionaries, where their readings are not settled yet."""
    return Lexicon(Term(one.term_id, one.surface, one.reading, one.aliases) for one in entries)


def read_lexicon(path: str | Path) -> Lexicon:
    """Read the terms of results/terms.tsv; raises UserError for a missing file or column."""
    rows = read_table(path, ["term_id", "surface", "reading", "aliases"])
    return Lexicon(
        Term(row["term_id"], row["surface"], row["reading"], split_list(row["aliases"]))
        for row in rows
    )
