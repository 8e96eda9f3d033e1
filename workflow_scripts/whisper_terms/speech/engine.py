"""What every speech engine takes and gives."""

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:  # numpy is not needed to plan utterances
    import numpy as np


@dataclass(frozen=True)
class Voice:
    """A voice, or a variant of one.

    Attributes:
        name: its name in the manifest.
        file: an .htsvoice path, or "" for the embedded voice; a speaker's name with Coqui.
        half_tone: pitch shift in semitones.
        speed: speaking rate as a factor.
        vocal_tract: stretch of the spectrum as a factor; below 1 the speaker sounds larger.
    """

    name: str
    file: str = ""
    half_tone: float = 0.0
    speed: float = 1.0
    vocal_tract: float = 1.0

    def settings(self) -> dict[str, object]:
        """What shapes the sound: everything but the name."""
        values = asdict(self)
        del values["name"]
        return values


@dataclass(frozen=True)
class Replacement:
    """How a term in a text is to be said.

    Attributes:
        surface: the term as it stands in the text.
        reading: its katakana spelling.
        pronunciation: its katakana as said, long vowels written ー.
    """

    surface: str
    reading: str
    pronunciation: str


@dataclass(frozen=True)
class SpokenText:
    """A written text, and how the terms in it are said."""

    text: str
    replacements: tuple[Replacement, ...] = ()


class Engine(Protocol):
    """A speech synthesiser.

    Attributes:
        name: the engine's name in paths and in the manifest.
        version: changes whenever the same request would sound different.
    """

    name: str
    version: str

    def speak(self, spoken: SpokenText, voice: Voice) -> "tuple[np.ndarray, int]":
        """Speak a text.

        Returns:
            The samples, float32, mono, nominally in [-1, 1], and their rate in Hz.

        Raises:
            UserError: the text or the voice can't be spoken.
        """
        ...

    def voice_digest(self, voice: Voice) -> str:
        """A digest of the voice's own file, so that another file of the same name is noticed."""
        ...
