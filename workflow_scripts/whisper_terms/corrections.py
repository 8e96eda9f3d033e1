"""A table that turns a recogniser's own mishearings of the terms back into the terms.

The base model listens to the synthetic speech of every term; what it writes instead is put into a
table, and wherever it writes the same again, the term is put in its place. Nothing is trained, and
the table serves any recogniser that mishears alike.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Self

from whisper_terms.scoring.lexicon import Lexicon, Term
from whisper_terms.scoring.normalise import normalise
from whisper_terms.scoring.tokens import ginza_tokens, is_word
from whisper_terms.scoring.utterance import find_mishearings

CORRECTIONS = "heard surface term_id times".split()
# Once may be an accident of one voice; a single character stands in too many words.
_LEAST_TIMES, _LEAST_CHARACTERS = 2, 2
# What stands for two terms is corrected to one only if that one is so many times as frequent.
_PREVAILS = 3


@dataclass(frozen=True)
class Correction:
    """A mishearing.

    Attributes:
        heard: what is written, normalised.
        term_id: the term that was said.
        times: how often that was so.
    """

    heard: str
    term_id: str
    times: int


@dataclass(frozen=True)
class CorrectionTable:
    """The mishearings that can be corrected, and how many can't.

    Attributes:
        corrections: sorted by term, the most frequent first.
        rare: were heard once, or are one character long.
        ordinary: are terms, words or parts of ordinary sentences, which must stay.
        shared: stand for several terms.
    """

    corrections: list[Correction]
    rare: int
    ordinary: int
    shared: int


def find_corrections(
    heard: Iterable[Mapping[str, str]], said: Iterable[str], lexicon: Lexicon
) -> CorrectionTable:
    """Find the mishearings that stand for one term and for nothing else.

    Args:
        heard: rows of `hearing.HEARD`.
        said: term-free sentences: what stands in them is never a mishearing.
        lexicon: the terms.
    """
    times: defaultdict[str, Counter[str]] = defaultdict(Counter)
    sentences = [*said]
    for row in heard:
        for text in _mishearings(row, lexicon):
            times[text][row["term_id"]] += 1
        sentences.append(row["text"])
    ordinary = _Ordinary(sentences, lexicon)
    found, dropped = [], Counter()
    for text, terms in times.items():
        (term_id, count), *others = terms.most_common()
        if len(text) < _LEAST_CHARACTERS or count < _LEAST_TIMES:
            dropped["rare"] += 1
        elif others and count < _PREVAILS * others[0][1]:
            dropped["shared"] += 1
        elif text in ordinary:
            dropped["ordinary"] += 1
        else:
            found.append(Correction(text, term_id, count))
    found.sort(key=lambda one: (one.term_id, -one.times, one.heard))
    return CorrectionTable(found, dropped["rare"], dropped["ordinary"], dropped["shared"])


def correction_rows(table: CorrectionTable, lexicon: Lexicon) -> Iterator[dict[str, object]]:
    """Rows of CORRECTIONS."""
    for one in table.corrections:
        yield {
            "heard": one.heard,
            "surface": lexicon.terms[one.term_id].surface,
            "term_id": one.term_id,
            "times": one.times,
        }


class Corrector:
    """Puts terms in the place of their mishearings."""

    def __init__(self, corrections: Mapping[str, str], lexicon: Lexicon):
        """Correct by a table.

        Args:
            corrections: the surface to write, by what is heard.
            lexicon: the terms; one that is written as it should be stays.
        """
        self._surfaces = dict(corrections)
        forms = (form for term in lexicon.terms.values() for form in (term.surface, *term.aliases))
        kept = [Term(f"kept {number}", form) for number, form in enumerate(forms)]
        self._found = Lexicon([*kept, *(Term(text, text) for text in corrections)])

    @classmethod
    def from_rows(cls, rows: Sequence[Mapping[str, str]], lexicon: Lexicon) -> Self:
        """Correct by rows of CORRECTIONS."""
        return cls({row["heard"]: row["surface"] for row in rows}, lexicon)

    def correct(self, text: str) -> str:
        """The text with its mishearings corrected, else as it was.

        A mishearing is made of whole words, as far as the analyser sees words in it: の期 is not
        corrected in この期間. A text whose characters are not normalised one by one, such as one
        with half-width kana of two characters or with C++, stays.
        """
        characters = [normalise(character).characters for character in text]
        whole = normalise(text)
        words = ginza_tokens(text)
        if not "".join(characters) == "".join(words) == whole.characters:
            return text
        borders = {0, *accumulate(map(len, words))}
        # Position in the text of each normalised character.
        origin = [at for at, kept in enumerate(characters) for _ in kept]
        parts, position = [], 0
        for span in self._found.spans(whole):
            if span.term_id in self._surfaces and {span.start, span.end} <= borders:
                parts += [text[position : origin[span.start]], self._surfaces[span.term_id]]
                position = origin[span.end - 1] + 1
        return "".join([*parts, text[position:]])


class _Ordinary:
    """What may stand in ordinary text: terms, words of the analyser, parts of known sentences."""

    def __init__(self, sentences: Iterable[str], lexicon: Lexicon):
        # What is between the terms; a line end is in no mishearing.
        parts = (part for sentence in sentences for part in _between_terms(sentence, lexicon))
        self._text, self._lexicon = "\n".join(parts), lexicon

    def __contains__(self, text: str) -> bool:
        return text in self._text or is_word(text) or self._is_term(text)

    def _is_term(self, text: str) -> bool:
        spans = self._lexicon.spans(normalise(text))
        return any(span.end - span.start == len(text) for span in spans)


def _mishearings(row: Mapping[str, str], lexicon: Lexicon) -> Iterator[str]:
    """What was written in place of the row's own term."""
    for one in find_mishearings(normalise(row["text"]), normalise(row["heard"]), lexicon):
        # A part of a text may be normalised otherwise alone: the sign of C++.
        if one.term_id == row["term_id"] and normalise(one.heard).characters == one.heard:
            yield one.heard


def _between_terms(sentence: str, lexicon: Lexicon) -> Iterator[str]:
    text, position = normalise(sentence), 0
    for span in lexicon.spans(text):
        yield text.characters[position : span.start]
        position = span.end
    yield text.characters[position:]
