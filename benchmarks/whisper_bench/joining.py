"""Recordings in a row, of which it is known when each of them sounds."""

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from whisper_terms.audio import SAMPLE_RATE
from whisper_terms.errors import Fault, UserError

# A frame sounds whose root mean square is at most so far below that of the loudest.
THRESHOLD_DB = -40
_FRAME = SAMPLE_RATE // 100  # samples: 10 ms, half of Whisper's step
# Seconds of silence before each recording, which take turns: a model can't learn them.
GAPS = (0.3, 0.7, 0.5, 1.0, 0.4, 0.8)


class Span(NamedTuple):
    """From when to when, in seconds."""

    start: float
    end: float

    def overlap(self, other: "Span") -> float:
        """The seconds that two spans share; 0 for none."""
        return max(0.0, min(self.end, other.end) - max(self.start, other.start))


class Joined(NamedTuple):
    """Sound, float32 at 16 kHz, and when somebody speaks in it."""

    samples: np.ndarray
    spoken: list[Span]

    @property
    def seconds(self) -> float:
        return len(self.samples) / SAMPLE_RATE


def trim(samples: np.ndarray, audio: Path) -> np.ndarray:
    """A recording from the first frame that sounds to the last, see THRESHOLD_DB.

    Args:
        samples: float32, shape (samples,), 16 kHz.
        audio: whose they are, for the error.

    Raises:
        UserError: nothing sounds.
    """
    frames = np.pad(samples, (0, -len(samples) % _FRAME)).reshape(-1, _FRAME).astype(np.float64)
    loudness = np.sqrt(np.square(frames).mean(axis=1))
    if not loudness.any():
        raise UserError(Fault("the recording is silent", "remove its row", audio))
    sounding = np.flatnonzero(loudness >= 10 ** (THRESHOLD_DB / 20) * loudness.max())
    return samples[sounding[0] * _FRAME : (sounding[-1] + 1) * _FRAME]


def join(sounds: Iterable[np.ndarray]) -> Joined:
    """Put trimmed recordings in a row, with digital silence before each and after the last."""
    parts, spoken, length = [], [], 0
    for number, sound in enumerate(sounds):
        gap = round(GAPS[number % len(GAPS)] * SAMPLE_RATE)
        start = length + gap
        length = start + len(sound)
        parts += [np.zeros(gap, np.float32), sound]
        spoken.append(Span(start / SAMPLE_RATE, length / SAMPLE_RATE))
    last = np.zeros(round(GAPS[0] * SAMPLE_RATE), np.float32)
    return Joined(np.concatenate([*parts, last]), spoken)
