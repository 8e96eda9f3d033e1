"""Open JTalk through pyopenjtalk-plus: the embedded engine."""

import math
import re
import unicodedata
from collections.abc import Iterable, Sequence
from functools import cache
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path

import numpy as np
import pyopenjtalk
from pyopenjtalk.types import NJDFeature

from whisper_terms.errors import Fault, UserError
from whisper_terms.sharding import file_sha256
from whisper_terms.speech.engine import SpokenText, Voice

# Signs that are not heard, and kana that sound like others.
_SAME_SOUND = str.maketrans("ヂヅヲ", "ジズオ", "’'・")
# Raised when `full_context_labels` makes other labels of the same text.
_LABELS = 1
# Far beyond the few times full scale that speech reaches.
_LOUDEST = 1e6


class OpenJTalk:
    """The engine; deterministic, and safe to use from one thread only."""

    name = "openjtalk"

    def __init__(self) -> None:
        self.version = f"{version('pyopenjtalk-plus')}-{_LABELS}"
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
        # Hundreds of the same vowel in a row, for one, make the filter overflow.
        if not np.abs(samples).max() < _LOUDEST:
            raise UserError(Fault("can't be spoken", "shorten the text", value=spoken.text))
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

    Raises:
        UserError: the analyser says a term otherwise even where its pronunciation is written.
    """
    text, replaced = spoken.text, []
    words = pyopenjtalk.run_frontend(text)
    for term in spoken.replacements:
        spans = _spans(words, term.surface)
        said = [_said(words[span]) for span in spans]
        if len(said) < text.count(term.surface) or set(said) - {_sound(term.pronunciation)}:
            text = text.replace(term.surface, term.pronunciation)
            words = pyopenjtalk.run_frontend(text)
            replaced.append(term.pronunciation)
    for pronunciation in replaced:
        _insist(words, pronunciation)
        if _said(words).count(_sound(pronunciation)) < text.count(pronunciation):
            cure = "write 、 around the term in the sentence, or correct its reading"
            problem = f"the sentence is not said with {pronunciation}"
            raise UserError(Fault(problem, cure, value=spoken.text))
    return pyopenjtalk.make_label(words)


def _spans(words: Sequence[NJDFeature], text: str) -> list[slice]:
    """Where a text stands among analysed words, wherever it begins and ends with a word."""
    borders = {0: 0}
    written = ""
    for number, word in enumerate(words, start=1):
        written += _written(word["string"])
        borders[len(written)] = number
    wanted = _written(text)
    found = (match.span() for match in re.finditer(re.escape(wanted), written)) if wanted else ()
    return [slice(borders[a], borders[b]) for a, b in found if a in borders and b in borders]


def _insist(words: Sequence[NJDFeature], pronunciation: str) -> None:
    """Say kana as they stand: in some sentences the analyser says コウシ as コーシ."""
    wanted = _sound(pronunciation)
    for span in _spans(words, pronunciation):
        if len(_said(words[span])) == len(wanted) and _said(words[span]) != wanted:
            rest = wanted
            for word in words[span]:
                length = len(_sound(word["pron"]))
                word["pron"], rest = rest[:length], rest[length:]


def _said(words: Iterable[NJDFeature]) -> str:
    return _sound("".join(word["pron"] for word in words))


def _sound(katakana: str) -> str:
    """Katakana without what is not heard: devoicing marks, separators, width, ヅ for ズ."""
    return _written(katakana).translate(_SAME_SOUND)


def _written(text: str) -> str:
    """The analyser makes everything as wide as a kanji, and drops spaces."""
    return "".join(unicodedata.normalize("NFKC", text).split())


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
    return file_sha256(path)[:16]
