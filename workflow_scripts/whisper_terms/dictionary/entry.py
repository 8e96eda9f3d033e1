"""A term as the user gave it."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from whisper_terms.kana import can_be_rival
from whisper_terms.sharding import digest


@dataclass(frozen=True, slots=True)
class Entry:
    """A row of a dictionary, normalised, before its reading is settled.

    Attributes:
        surface: the text to be written (NFC, single spaces).
        reading: katakana, with "・" or a space only between parts; "" if none was given. From a
            two-column file it may be other text to be spoken, such as kanji.
        aliases: other spellings that also count as right.
        term_class: the kind of term, which chooses its carrier sentences.
        sentences: the user's own sentences; each holds the surface.
        weight: how much oftener than others it is spoken (> 0).
        file: the dictionary, as the path was given.
        row: its 1-based line in the file, the header counted.
    """

    surface: str
    reading: str
    aliases: tuple[str, ...]
    term_class: str
    sentences: tuple[str, ...]
    weight: float
    file: str
    row: int

    @property
    def spellings(self) -> tuple[str, ...]:
        """All that counts as the term."""
        return (self.surface, *self.aliases)

    @property
    def term_id(self) -> str:
        """The term's name in tables and paths; it depends on the surface alone."""
        return "t" + hashlib.sha1(self.surface.encode(), usedforsecurity=False).hexdigest()[:10]


def prompt_order(entries: Iterable[Entry]) -> list[str]:
    """The surfaces as a prompt wants them: the heaviest first, equals in the dictionary's order."""
    return [entry.surface for entry in sorted(entries, key=lambda entry: -entry.weight)]


def entry_digest(entry: Entry) -> str:
    """A digest of all that changes how the term is spoken, and what is spoken beside it.

    Weight, and where the row stands, leave it as it is. So do aliases that could not be an everyday
    word of the same sound; one that could is no rival of the term.
    """
    words = sorted(filter(can_be_rival, entry.aliases))
    return digest([entry.surface, entry.reading, entry.term_class, entry.sentences, words])
