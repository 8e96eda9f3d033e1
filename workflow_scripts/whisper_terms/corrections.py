"""A table that turns a recogniser's own mishearings of the terms back into the terms.

The base model listens to the synthetic speech of every term; what it writes instead is put into a
table, and wherever it writes the same again, the term is put in its place. Nothing is trained, and
the table serves any recogniser that mishears alike.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from whisper_terms.scoring.lexicon import Lexicon, Term
from whisper_terms.scoring.normalise import normalise
from whisper_terms.scoring.tokens import is_word
from whisper_terms.scoring.utterance import ScoredUtterance, count_utterance

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
        ordinary: are words or parts of ordinary sentences, which must stay.
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
        kept = [Term(f"kept {term_id}", *_forms(term)) for term_id, term in lexicon.terms.items()]
        self._found = Lexicon([*kept, *(Term(text, text) for text in corrections)])

    @classmethod
    def from_rows(cls, rows: Sequence[Mapping[str, str]], lexicon: Lexicon) -> Self:
        """Correct by rows of CORRECTIONS."""
        return cls({row["heard"]: row["surface"] for row in rows}, lexicon)

    def correct(self, text: str) -> str:
        """The text with its mishearings corrected, else as it was.

        A text whose characters can't be told apart in the normalised text, such as one with
        half-width kana of two characters, stays.
        """
        characters = [normalise(character).characters for character in text]
        whole = normalise(text)
        if "".join(characters) != whole.characters:
            return text
        # Position in the text of each normalised character.
        origin = [at for at, kept in enumerate(characters) for _ in kept]
        parts, position = [], 0
        for span in self._found.spans(whole):
            if span.term_id in self._surfaces:
                parts += [text[position : origin[span.start]], self._surfaces[span.term_id]]
                position = origin[span.end - 1] + 1
        return "".join([*parts, text[position:]])


class _Ordinary:
    """What may stand in ordinary text: words of the analyser, and parts of known sentences."""

    def __init__(self, sentences: Iterable[str], lexicon: Lexicon):
        # What is between the terms; a line end is in no mishearing.
        parts = (part for sentence in sentences for part in _between_terms(sentence, lexicon))
        self._text = "\n".join(parts)

    def __contains__(self, text: str) -> bool:
        return text in self._text or is_word(text)


def _mishearings(row: Mapping[str, str], lexicon: Lexicon) -> Iterator[str]:
    """What was written in place of the row's own term."""
    utterance = ScoredUtterance("", "", None, row["text"], row["heard"])
    for mishearing in count_utterance(utterance, lexicon, list).mishearings:
        if mishearing.term_id == row["term_id"]:
            yield mishearing.heard


def _between_terms(sentence: str, lexicon: Lexicon) -> Iterator[str]:
    text, position = normalise(sentence), 0
    for span in lexicon.spans(text):
        yield text.characters[position : span.start]
        position = span.end
    yield text.characters[position:]


def _forms(term: Term) -> tuple[str, str, tuple[str, ...]]:
    return term.surface, term.reading, term.aliases
