"""Open JTalk through pyopenjtalk-plus: the embedded engine."""

import hashlib
import math
import unicodedata
from functools import cache
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path

import numpy as np
import pyopenjtalk

from whisper_terms.errors import Fault, UserError
from whisper_terms.speech.engine import SpokenText, Voice


class OpenJTalk:
    """The engine; deterministic, and safe to use from one thread only."""

    name = "openjtalk"

    def __init__(self) -> None:
        self.version = version("pyopenjtalk-plus")
        self._synthesisers: dict[Path, pyopenjtalk.HTSEngine] = {}

    def speak(self, spoken: SpokenText, voice: Voice) -> tuple[np.ndarray, int]:
        """Speak a text; see `Engine.speak`.

        The vocal tract is changed by claiming another sample rate for the samples. That would
        also shift pitch and rate, so both are asked for with the opposite shift.
        """
        synthesiser = self._synthesiser(_voice_path(voice))
        # The engine keeps these from call to call, so both are set every time.
        synthesiser.set_speed(voice.speed / voice.vocal_tract)
        synthesiser.add_half_tone(voice.half_tone - 12 * math.log2(voice.vocal_tract))
        samples = np.asarray(synthesiser.synthesize(full_context_labels(spoken)))
        if not samples.size:
            raise UserError(Fault("gives no sound", "check the reading", value=spoken.text))
        # Samples are in the range of int16, and some exceed it; loudness is set later.
        rate = synthesiser.get_sampling_frequency()
        return (samples / 32768).astype(np.float32), round(rate * voice.vocal_tract)

    def voice_digest(self, voice: Voice) -> str:
        """The SHA-256 of the voice file, shortened."""
        return _file_digest(_voice_path(voice))

    def _synthesiser(self, path: Path) -> pyopenjtalk.HTSEngine:
        if path not in self._synthesisers:
            try:
                self._synthesisers[path] = pyopenjtalk.HTSEngine(str(path).encode())
            except RuntimeError as error:
                cure = "give an HTS voice (.htsvoice) for Open JTalk"
                raise UserError(Fault(f"is no usable voice: {error}", cure, path)) from error
        return self._synthesisers[path]


def full_context_labels(spoken: SpokenText) -> list[str]:
    """The labels from which the HTS engine speaks a text.

    A term stays as it is written where the analyser, in this very sentence, says it as wanted:
    then it also knows its accent. Elsewhere its pronunciation takes its place.
    """
    text = spoken.text
    for replacement in spoken.replacements:
        wanted = text.count(replacement.surface)
        if wanted and _said(text).count(_sound(replacement.pronunciation)) < wanted:
            text = text.replace(replacement.surface, replacement.pronunciation)
    return pyopenjtalk.extract_fullcontext(text)


def _said(text: str) -> str:
    return _sound("".join(word["pron"] for word in pyopenjtalk.run_frontend(text)))


def _sound(katakana: str) -> str:
    """Katakana without what is not heard: devoicing marks, separators, width."""
    text = unicodedata.normalize("NFKC", katakana)
    return "".join(c for c in text if c not in "’'・ ")


def _voice_path(voice: Voice) -> Path:
    if not voice.file:
        return Path(str(files("pyopenjtalk") / "htsvoice" / "mei_normal.htsvoice"))
    path = Path(voice.file)
    if not path.is_file():
        cure = f"check speech.voices: {voice.name}: file"
        raise UserError(Fault("no such voice file", cure, path))
    return path


@cache
def _file_digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]
