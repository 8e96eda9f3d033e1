"""Spoken sentences on disk: power in Mel bands, and the exact times of their phones."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from whisper_nano.codes import FRAME_SECONDS
from whisper_nano.ragged import load_ragged, save_ragged


@dataclass(frozen=True)
class Utterance:
    """A spoken sentence.

    Attributes:
        text: the sentence.
        log_power: log10 of the power in Mel bands, 100 a second; shape (n, MEL_BINS).
        phones: numbers in PHONES, shape (phones,).
        accent: pitch of each phone, shape (phones,): 1 high, -1 low, 0 neither.
        borders: seconds at which the phones start and the last one ends, shape (phones + 1,).
    """

    text: str
    log_power: np.ndarray
    phones: np.ndarray
    accent: np.ndarray
    borders: np.ndarray

    @property
    def frames(self) -> int:
        """Number of the encoder's frames, 20 ms each."""
        return len(self.log_power) // 2

    @property
    def spectrogram(self) -> np.ndarray:
        """The power as networks take it, shape (MEL_BINS, 2 * frames)."""
        return self.log_power[: 2 * self.frames].T

    def frame_targets(self) -> tuple[np.ndarray, np.ndarray]:
        """Phone number and pitch in the middle of each frame: two arrays of shape (frames,)."""
        middles = (np.arange(self.frames) + 0.5) * FRAME_SECONDS
        places = np.minimum(np.searchsorted(self.borders[1:], middles), len(self.phones) - 1)
        return self.phones[places], self.accent[places]


def save_part(path: str | Path, utterances: Sequence[Utterance]) -> None:
    """Write one part of the store (.npz)."""
    arrays = ("log_power", "phones", "accent", "borders")
    save_ragged(
        path,
        {"text": [utterance.text for utterance in utterances]},
        {name: [getattr(utterance, name) for utterance in utterances] for name in arrays},
    )


def load_parts(paths: Sequence[str | Path]) -> list[Utterance]:
    """The utterances of parts, in their order."""
    utterances = []
    for path in paths:
        columns = load_ragged(path)
        rows = zip(*columns.values(), strict=True)
        utterances += [Utterance(**dict(zip(columns, row, strict=True))) for row in rows]
    return utterances
