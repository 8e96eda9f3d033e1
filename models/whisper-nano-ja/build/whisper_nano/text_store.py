"""Analysed sentences on disk: tokens, phones, and which phones a token stands for."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from whisper_nano.ragged import load_ragged, save_ragged


@dataclass(frozen=True)
class Sentence:
    """An analysed sentence.

    Attributes:
        text: as written.
        tokens: Whisper's ids, shape (tokens,).
        spans: first and last place of each token in the sequence of phones, fractions of a phone
            included; shape (tokens, 2).
        phones: numbers in PHONES, shape (phones,).
        accent: pitch of each phone, shape (phones,): 1 high, -1 low, 0 neither.
        durations: seconds of each phone in each voice, shape (phones, voices).
    """

    text: str
    tokens: np.ndarray
    spans: np.ndarray
    phones: np.ndarray
    accent: np.ndarray
    durations: np.ndarray


def save_sentences(path: str | Path, sentences: Sequence[Sentence]) -> None:
    """Write analysed sentences (.npz)."""
    arrays = ("tokens", "spans", "phones", "accent", "durations")
    save_ragged(
        path,
        {"text": [sentence.text for sentence in sentences]},
        {name: [getattr(sentence, name) for sentence in sentences] for name in arrays},
    )


def load_sentences(path: str | Path) -> list[Sentence]:
    """Read what `save_sentences` wrote."""
    columns = load_ragged(path)
    rows = zip(*columns.values(), strict=True)
    return [Sentence(**dict(zip(columns, row, strict=True))) for row in rows]
