"""Where the terms stand in a text."""

from collections import Counter
from collections.abc import Iterable, Mapping
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
    when normalised is never found. A spelling that several terms share belongs to the term whose
    surface it is, else to the first, unless another of them is wanted (`spans`). A match never cuts
    through a Latin word or a number (AI is not in "said"); Japanese has no such borders, so リン is
    found in プリン. Nor does it reach from one clause into the next (肺炎 is not in
    原因は肺。炎症もある), unless it is spelled so.
    """

    def __init__(self, terms: Iterable[Term]):
        self.terms = {term.term_id: term for term in terms}
        # Whose a form is, the first before others.
        self._owners: dict[str, tuple[str, ...]] = {}
        # Where the spellings of a form hold a stop themselves.
        self._stops: dict[str, frozenset[int]] = {}
        for term in self.terms.values():
            self._add(term.surface, term)
        for term in self.terms.values():
            for alias in term.aliases:
                self._add(alias, term)
        self._owners.pop("", None)
        self._lengths = sorted({len(form) for form in self._owners}, reverse=True)

    def _add(self, spelling: str, term: Term) -> None:
        form = normalise(spelling)
        known = self._owners.get(form.characters, ())
        self._owners[form.characters] = tuple(dict.fromkeys([*known, term.term_id]))
        if form.stops:
            stops = self._stops.get(form.characters, frozenset())
            self._stops[form.characters] = stops | form.stops

    def _reaches_on(self, text: NormalisedText, start: int, end: int) -> bool:
        """Whether a match goes from one clause into the next."""
        inside = {stop - start for stop in text.stops if start < stop < end}
        return bool(inside) and not inside <= self._stops.get(text.characters[start:end], set())

    def occurrences(self, text: NormalisedText) -> list[Span]:
        """Every place that spells a term, nested and overlapping ones too; longest first."""
        found = []
        for length in self._lengths:
            for start in range(len(text.characters) - length + 1):
                end = start + length
                owners = self._owners.get(text.characters[start:end])
                if owners is None or text.splits_word(start) or text.splits_word(end):
                    continue
                if not self._reaches_on(text, start, end):
                    found.append(Span(start, end, owners[0]))
        return found

    def spans(self, text: NormalisedText, wanted: Mapping[str, int] | None = None) -> list[Span]:
        """The terms of a text in its order, longest first where they overlap.

        肺炎 inside 誤嚥性肺炎 is therefore not a span of its own.

        Args:
            text: where to look.
            wanted: how often each term was said, which decides whose a shared spelling is.
        """
        taken = [False] * len(text.characters)
        chosen = []
        for span in self.occurrences(text):
            if not any(taken[span.start : span.end]):
                taken[span.start : span.end] = [True] * (span.end - span.start)
                chosen.append(span)
        chosen.sort()
        return self._credited(text, chosen, Counter(wanted)) if wanted else chosen

    def _credited(
        self, text: NormalisedText, spans: Iterable[Span], left: Counter[str]
    ) -> list[Span]:
        """The spans, each that of an owner that is still wanted, if there is one."""
        credited = []
        for span in spans:
            owners = self._owners[text.characters[span.start : span.end]]
            owner = next((one for one in owners if left[one] > 0), owners[0])
            left[owner] -= 1
            credited.append(span._replace(term_id=owner))
        return credited

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

    def canonical(self, text: NormalisedText, wanted: Mapping[str, int] | None = None) -> str:
        """The characters of a text with every alias replaced by its term's surface.

        Arguments are those of `spans`.
        """
        parts = []
        position = 0
        for span in self.spans(text, wanted):
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
