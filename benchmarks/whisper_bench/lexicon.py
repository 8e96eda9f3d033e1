"""Dictionaries of any size, drawn from the lexicon that Open JTalk carries.

Everyday words are no use as terms, and short ones are heard in others. So long nouns that
wordfreq does not know come first. Words of katakana alone, many of them spellings of others, come
after those with kanji, and names of places and firms last, for the largest lists.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from whisper_terms.errors import Fault, UserError
from whisper_terms.homophones import open_lexicon, word_frequencies
from whisper_terms.kana import is_kana
from whisper_terms.sharding import digest
from whisper_terms.tables import write_text

# Any noun, its kind, written form and reading: see homophones.py for the layout.
_NOUN = re.compile(
    "名詞,([^,\0]+,[^,\0]*),[^,\0]*,[^,\0]*,[^,\0]*,([^,\0]+),([^,\0]+),[^,\0]+,".encode()
)
_WORDS = {"一般,*", "サ変接続,*", "形容動詞語幹,*"}
_NAMES = {"固有名詞,一般", "固有名詞,組織", "固有名詞,地域"}
# Hiragana would bring in spellings of other words, and parts of sentences.
_TERM = re.compile("[一-鿿々ァ-ヺー]{3,}")
# From this length on a noun comes before the shorter ones.
_LONG = 4


def draw_terms(count: int) -> list[tuple[str, str]]:
    """Nouns with their readings in katakana, the same in every run.

    A smaller list is the beginning of a larger one. A noun with two readings is left out, and so
    is one that is also a name that is read otherwise.

    Args:
        count: how many.

    Returns:
        Surface and reading; surfaces are distinct.

    Raises:
        UserError: the lexicon has fewer.
    """
    frequencies = word_frequencies()
    terms = sorted(
        _unambiguous_nouns(),
        key=lambda noun: (
            noun.is_name,
            is_kana(noun.surface),
            noun.surface in frequencies,
            len(noun.surface) < _LONG,
            digest(noun.surface),
        ),
    )
    if len(terms) < count:
        problem = f"the lexicon has {len(terms)} nouns that serve as terms"
        raise UserError(Fault(problem, "ask for fewer terms", value=str(count)))
    return [(noun.surface, noun.reading) for noun in terms[:count]]


def write_dictionary(path: Path, readings: Mapping[str, str]) -> None:
    """Write a dictionary: the reading of each surface, neither of which holds a comma."""
    lines = ["surface,reading", *(",".join(term) for term in readings.items())]
    write_text(path, "\n".join(lines) + "\n")


class _Noun(NamedTuple):
    surface: str
    reading: str
    is_name: bool


def _unambiguous_nouns() -> Iterator[_Noun]:
    readings: defaultdict[str, set[str]] = defaultdict(set)
    kinds: defaultdict[str, set[str]] = defaultdict(set)
    for match in _NOUN.finditer(*open_lexicon()):
        kind, surface, reading = (group.decode() for group in match.groups())
        readings[surface].add(reading)
        kinds[surface].add(kind)
    for surface, (reading, *others) in readings.items():
        known = kinds[surface] & (_WORDS | _NAMES)
        if known and not others and _TERM.fullmatch(surface) and is_kana(reading):
            yield _Noun(surface, reading, not known & _WORDS)
