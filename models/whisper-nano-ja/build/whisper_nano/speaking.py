"""Speak sentences with Open JTalk so that their alignment stays known."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from importlib.resources import files
from typing import Protocol

import numpy as np
import torch
from scipy.signal import resample_poly
from whisper.audio import HOP_LENGTH, N_FFT, mel_filters

from whisper_nano import settings
from whisper_nano.alignment import DurationTree, read_durations
from whisper_nano.phones import accents_of, phone_ids, phones_of
from whisper_nano.speech_store import MEL_BINS, SMALLEST_POWER, Utterance
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

    def speak(self, text: str, rng: np.random.Generator) -> Utterance | None:
        """Speak a sentence in a random voice, pitch and rate; None where that is not possible."""
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
        seconds = self._trees[voice.name].seconds(labels) / faster
        return Clip(
            text=text,
            samples=at_16_khz(samples, rate),
            phones=phones,
            accent=accents_of(labels),
            borders=np.concatenate([[0], np.cumsum(seconds)]).astype(np.float32),
        )


def read_voice_durations(voice: settings.Voice) -> DurationTree:
    """The duration tree of a voice, the embedded one included."""
    embedded = str(files("pyopenjtalk") / "htsvoice" / "mei_normal.htsvoice")
    return read_durations(voice.file or embedded)


def log_mel_power(samples: np.ndarray) -> np.ndarray:
    """Whisper's spectrogram before its normalisation.

    Source: `log_mel_spectrogram` in openai/whisper, whisper/audio.py.

    Args:
        samples: shape (n,), float32, 16 kHz.

    Returns:
        log10 of the power in Mel bands, shape (n // 160, MEL_BINS), float16.
    """
    window = torch.hann_window(N_FFT)
    spectrum = torch.stft(
        torch.from_numpy(samples), N_FFT, HOP_LENGTH, window=window, return_complex=True
    )
    power = mel_filters("cpu", MEL_BINS) @ spectrum[:, :-1].abs().square()
    return power.clamp(min=SMALLEST_POWER).log10().T.numpy().astype(np.float16)


def at_16_khz(samples: np.ndarray, rate: int) -> np.ndarray:
    """Samples of any rate in Hz at 16 kHz, float32, their peak always the same."""
    ratio = Fraction(SAMPLE_RATE, rate).limit_denominator(1000)
    samples = resample_poly(samples, ratio.numerator, ratio.denominator)
    return (samples / (np.abs(samples).max() + 1e-9) * _PEAK).astype(np.float32)
