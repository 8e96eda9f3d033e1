"""The user's own sentences, such as lines of manuals, for the terms that stand in them.

Standard library only: Snakemake reads them while it builds its graph.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import cache
from itertools import pairwise
from pathlib import Path

from whisper_terms.dictionary import Entry
from whisper_terms.errors import Fault, UserError
from whisper_terms.replay import read_replay

_HIRAGANA = re.compile("[ぁ-ゖー]+")


def read_sentences(paths: Iterable[str | Path]) -> list[str]:
    """Read sentences, one a line; blank lines and repetitions are passed over.

    Raises:
        UserError: with the faults of all files: one is missing, not UTF-8, or holds no sentence.
    """
    sentences, faults = inspect_sentences(paths)
    if faults:
        raise UserError(faults)
    return sentences


def inspect_sentences(paths: Iterable[str | Path]) -> tuple[list[str], list[Fault]]:
    """As `read_sentences`, with what is wrong as a list, so that it can be told with the rest."""
    sentences: dict[str, None] = {}
    faults: list[Fault] = []
    for path in paths:
        try:
            sentences |= dict.fromkeys(read_replay(path))
        except UserError as error:
            faults += error.faults
    return list(sentences), faults


def share_sentences(entries: Sequence[Entry], sentences: Iterable[str]) -> list[Entry]:
    """Entries with the sentences that they stand in, after those that they have.

    A term stands in a sentence where its surface does, and not inside a longer word of kanji,
    katakana or letters (腹水 not in 腹水穿刺, AI not in PAIR). Of hiragana nobody can tell (がん
    in がんばる), so a term in hiragana alone gets none. A sentence with several terms serves none
    of them: how the others in it are said would be a guess. Nor does one with another spelling of
    a term, which would be taught in the surface's place, or one without a term.
    """
    spellings = _Spellings(spelling for entry in entries for spelling in entry.spellings)
    shared: dict[str, list[str]] = {}
    for sentence in sentences:
        # A bar would divide it in a table's cell, and nobody says one.
        text = " ".join(unicodedata.normalize("NFC", sentence).replace("|", " ").split())
        found = set(spellings.found_in(text))
        if len(found) == 1 and not _HIRAGANA.fullmatch(*found):
            shared.setdefault(found.pop(), []).append(text)
    return [
        replace(entry, sentences=tuple(dict.fromkeys([*entry.sentences, *more])))
        if (more := shared.get(entry.surface))
        else entry
        for entry in entries
    ]


class _Spellings:
    """Finds spellings of terms in texts; a hundred thousand of them as quickly as forty."""

    def __init__(self, spellings: Iterable[str]):
        self._known = set(spellings)
        lengths: dict[str, set[int]] = {}
        for spelling in self._known:
            lengths.setdefault(spelling[0], set()).add(len(spelling))
        self._lengths = {first: sorted(found, reverse=True) for first, found in lengths.items()}

    def found_in(self, text: str) -> Iterator[str]:
        """The spellings in a text, the longest where several begin; those do not overlap."""
        inside = _inside_words(text)
        start = 0
        while start < len(text):
            for length in self._lengths.get(text[start], ()):
                end = start + length
                if text[start:end] in self._known and not inside & {start, end}:
                    yield text[start:end]
                    start = end
                    break
            else:
                start += 1


def _inside_words(text: str) -> set[int]:
    """The places between two characters of one script whose words run on."""
    borders = enumerate(pairwise(map(_script, text)), start=1)
    return {place for place, (left, right) in borders if left and left == right}


@cache
def _script(character: str) -> str:
    """kanji, katakana or letters (and digits); "" for hiragana and signs."""
    # Full-width letters are letters, half-width katakana are katakana.
    even = unicodedata.normalize("NFKC", character)[:1]
    if "ァ" <= even <= "ヺ" or even == "ー":
        return "katakana"
    if even in "々〆" or unicodedata.name(even, "").startswith("CJK UNIFIED"):
        return "kanji"
    return "letters" if even.isalnum() and not "ぁ" <= even <= "ゖ" else ""
