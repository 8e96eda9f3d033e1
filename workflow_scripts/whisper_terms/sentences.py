"""The user's own sentences, such as lines of manuals, for the terms that stand in them.

Standard library only: Snakemake reads them while it builds its graph.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

from whisper_terms.dictionary import Entry
from whisper_terms.errors import Fault, UserError
from whisper_terms.replay import read_replay

# Scripts whose words run on: what borders on a word of the same script may be part of it.
_SCRIPTS = re.compile("([々〆一-鿿]+)|([ァ-ヺー]+)|([A-Za-z0-9]+)")


def read_sentences(paths: Iterable[str | Path]) -> list[str]:
    """Read sentences, one a line; blank lines and repetitions are passed over.

    Raises:
        UserError: with the faults of all files: one is missing, not UTF-8, or holds no sentence.
    """
    sentences: dict[str, None] = {}
    faults: list[Fault] = []
    for path in paths:
        try:
            sentences |= dict.fromkeys(read_replay(path))
        except UserError as error:
            faults += error.faults
    if faults:
        raise UserError(faults)
    return list(sentences)


def share_sentences(entries: Sequence[Entry], sentences: Iterable[str]) -> list[Entry]:
    """Entries with the sentences that they stand in, after those that they have.

    A term stands in a sentence where its surface does, and not inside a longer word of the same
    script (腹水 not in 腹水穿刺, AI not in PAIR). A sentence with several terms serves none of
    them: how the others in it are said would be a guess. Nor does one without a term.
    """
    surfaces = _Surfaces(entry.surface for entry in entries)
    shared: dict[str, list[str]] = {}
    for sentence in sentences:
        # A bar would divide it in a table's cell, and nobody says one.
        text = " ".join(unicodedata.normalize("NFC", sentence).replace("|", " ").split())
        found = set(surfaces.found_in(text))
        if len(found) == 1:
            shared.setdefault(found.pop(), []).append(text)
    return [
        replace(entry, sentences=tuple(dict.fromkeys([*entry.sentences, *more])))
        if (more := shared.get(entry.surface))
        else entry
        for entry in entries
    ]


class _Surfaces:
    """Finds surfaces in texts; a hundred thousand of them as quickly as forty."""

    def __init__(self, surfaces: Iterable[str]):
        self._surfaces = set(surfaces)
        lengths: dict[str, set[int]] = {}
        for surface in self._surfaces:
            lengths.setdefault(surface[0], set()).add(len(surface))
        self._lengths = {first: sorted(found, reverse=True) for first, found in lengths.items()}

    def found_in(self, text: str) -> Iterator[str]:
        """The surfaces in a text, the longest where several begin; those do not overlap."""
        inside = _inside_words(text)
        start = 0
        while start < len(text):
            for length in self._lengths.get(text[start], ()):
                end = start + length
                if text[start:end] in self._surfaces and not inside & {start, end}:
                    yield text[start:end]
                    start = end
                    break
            else:
                start += 1


def _inside_words(text: str) -> set[int]:
    """The places between two characters of the same script, except hiragana."""
    scripts = [match.lastindex if (match := _SCRIPTS.match(one)) else 0 for one in text]
    borders = enumerate(pairwise(scripts), start=1)
    return {place for place, (left, right) in borders if left == right != 0}
