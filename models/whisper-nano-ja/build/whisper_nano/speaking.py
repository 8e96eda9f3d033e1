"""Speak sentences with Open JTalk so that their alignment stays known."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from importlib.resources import files
from typing import Protocol

import numpy as np
from scipy.signal import resample_poly

from whisper_nano import settings
from whisper_nano.alignment import DurationTree, read_durations
from whisper_nano.mixing import VoiceMixer
from whisper_nano.phones import accents_of, phone_ids, phones_of
from whisper_nano.spectrogram import log_mel_power
from whisper_nano.speech_store import Utterance
from whisper_terms.audio import SAMPLE_RATE
from whisper_terms.errors import UserError
from whisper_terms.progress import progress
from whisper_terms.speech.engine import SpokenText, Voice
from whisper_terms.speech.openjtalk import OpenJTalk, full_context_labels

_PEAK = 0.6


class SentenceSpeaker(Protocol):
    """Whoever speaks sentences of known phones."""

    def speak(self, text: str, rng: np.random.Generator) -> Utterance | None:
        """Speak a sentence in some voice; None where that is not possible."""
        ...


def speak_part(
    speaker: SentenceSpeaker, texts: Sequence[str], part: int, size: int, seed: int
) -> list[Utterance]:
    """Speak the sentences of one part of the store; those that can't be spoken are left out.

    Each sentence's random numbers follow from its place, whatever else is spoken.

    Args:
        speaker: who speaks.
        texts: all sentences.
        part: number of the part.
        size: sentences in a part.
        seed: of everything random.
    """
    chosen = list(enumerate(texts))[part * size : (part + 1) * size]
    spoken = (
        speaker.speak(text, np.random.default_rng([seed, index]))
        for index, text in progress(chosen, f"speak part {part}")
    )
    return [utterance for utterance in spoken if utterance and utterance.frames]


@dataclass(frozen=True)
class Clip:
    """A recording of a sentence.

    Attributes:
        text: the sentence.
        samples: 16 kHz, float32.
        phones, accent, borders: see `Utterance`.
    """

    text: str
    samples: np.ndarray
    phones: np.ndarray
    accent: np.ndarray
    borders: np.ndarray

    def utterance(self) -> Utterance:
        """The recording as networks hear it."""
        power = log_mel_power(self.samples)
        return Utterance(self.text, power, self.phones, self.accent, self.borders)


class Speaker:
    """All voices, with their duration trees."""

    def __init__(self, speech: settings.Speech):
        self._voices, self._rates = speech.voices, speech.rates
        self._trees = {voice.name: read_voice_durations(voice) for voice in speech.voices}
        shares = np.array([voice.share for voice in speech.voices])
        self._shares = shares / shares.sum()
        self._engine = OpenJTalk()
        self._mixed = speech.mixed
        mixtures = speech.mixtures.values() if speech.mixed else ()
        self._mixers = [MixedSpeaker(voices, speech.rates) for voices in mixtures]
        shares = np.array([sum(voice.share for voice in voices) for voices in mixtures])
        self._mixer_shares = shares / shares.sum()

    def speak(self, text: str, rng: np.random.Generator) -> Utterance | None:
        """Speak a sentence in a random voice, pitch and rate; None where that is not possible."""
        if self._mixers and rng.random() < self._mixed:
            mixer = self._mixers[rng.choice(len(self._mixers), p=self._mixer_shares)]
            return mixer.speak(text, rng)
        voice = self._voices[rng.choice(len(self._shares), p=self._shares)]
        tone, faster = rng.uniform(*voice.half_tones), rng.choice(self._rates)
        clip = self.record(text, voice, float(tone), float(faster))
        return clip and clip.utterance()

    def record(
        self, text: str, voice: settings.Voice, half_tone: float, faster: float
    ) -> Clip | None:
        """Speak a sentence and play the recording faster by a factor.

        Vocal tract, pitch and rate all change by that factor. It leaves the engine's own speed at
        1, where the durations of the tree are exact.
        """
        labels = full_context_labels(SpokenText(text))
        phones = phone_ids(phones_of(labels)) if labels else None
        if phones is None:
            return None
        played = Voice(
            voice.name,
            voice.file,
            half_tone=half_tone + 12 * math.log2(faster),
            speed=faster,
            vocal_tract=faster,
        )
        try:
            samples, rate = self._engine.speak(SpokenText(text), played)
        except UserError:
            return None
        return Clip(
            text=text,
            samples=at_16_khz(samples, rate),
            phones=phones,
            accent=accents_of(labels),
            borders=_borders(self._trees[voice.name].seconds(labels) / faster),
        )


class MixedSpeaker:
    """A new voice for every sentence, mixed from some voices."""

    def __init__(self, voices: Sequence[settings.Voice], rates: Sequence[float]):
        lowest, highest = zip(*(voice.half_tones for voice in voices), strict=True)
        self._half_tones, self._rates = (max(lowest), min(highest)), rates
        self._mixer = VoiceMixer([_voice_path(voice) for voice in voices])

    def speak(self, text: str, rng: np.random.Generator) -> Utterance | None:
        """Speak a sentence; None where that is not possible."""
        labels = full_context_labels(SpokenText(text))
        phones = phone_ids(phones_of(labels)) if labels else None
        tone, faster = rng.uniform(*self._half_tones), float(rng.choice(self._rates))
        spoken = None if phones is None else self._mixer.speak(labels, float(tone), rng)
        if spoken is None:
            return None
        samples, seconds = spoken
        return Clip(
            text=text,
            samples=at_16_khz(samples, round(self._mixer.rate * faster)),
            phones=phones,
            accent=accents_of(labels),
            borders=_borders(seconds / faster),
        ).utterance()


def read_voice_durations(voice: settings.Voice) -> DurationTree:
    """The duration tree of a voice, the embedded one included."""
    return read_durations(_voice_path(voice))


def at_16_khz(samples: np.ndarray, rate: int) -> np.ndarray:
    """Samples of any rate in Hz at 16 kHz, float32, their peak always the same."""
    ratio = Fraction(SAMPLE_RATE, rate).limit_denominator(1000)
    samples = resample_poly(samples, ratio.numerator, ratio.denominator)
    return (samples / (np.abs(samples).max() + 1e-9) * _PEAK).astype(np.float32)


def _borders(seconds: np.ndarray) -> np.ndarray:
    """Where phones start and the last one ends, from what each takes: float32."""
    return np.concatenate([[0], np.cumsum(seconds)]).astype(np.float32)


def _voice_path(voice: settings.Voice) -> str:
    return voice.file or str(files("pyopenjtalk") / "htsvoice" / "mei_normal.htsvoice")
