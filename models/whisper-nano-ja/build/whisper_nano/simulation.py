"""What an encoder would say of a sentence, without speaking it.

A sentence's phones, timed by a voice's durations, give its alignment codes. With the rate varied,
phones confused, neighbours blurred and noise added they resemble the output of a trained encoder,
at a thousandth of the cost of speech. So the decoder learns spelling from all the text there is.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import layer_norm

from whisper_nano.codes import FRAME_SECONDS, WIDTH, encode_alignment
from whisper_nano.frames import take_frames
from whisper_nano.phones import PHONE_IDS, PHONES, SILENCE
from whisper_nano.text_store import Sentence

# Phones that sound alike. What is in two groups with another is confused with it twice as often.
_ALIKE = [
    group.split()
    for group in (
        "a i u e o|b d g r by gy ry|p t k py ky h|s sh z j ch ts h f hy|m n N ny my|r d n ry"
        "|y i|w u|pau cl sil|ky ch gy j hy|k cl t"
    ).split("|")
]


@dataclass(frozen=True)
class Placed:
    """A sentence in a window.

    Attributes:
        sentence: what is said.
        borders: seconds at which its phones start and the last one ends, from the sentence's own
            start; shape (phones + 1,).
        start: seconds from the start of the window.
    """

    sentence: Sentence
    borders: np.ndarray
    start: float

    @property
    def end(self) -> float:
        """Seconds at which it has ended, the silence around it included."""
        return self.start + float(self.borders[-1])

    @property
    def speech(self) -> tuple[float, float]:
        """Seconds at which the speech itself starts and ends."""
        return self.start + float(self.borders[1]), self.start + float(self.borders[-2])

    def token_seconds(self) -> np.ndarray:
        """Start and end of each token, shape (tokens, 2)."""
        return self.start + np.interp(
            self.sentence.spans, np.arange(len(self.borders)), self.borders
        )


def time_phones(sentence: Sentence, rng: np.random.Generator) -> np.ndarray:
    """Borders of the phones in seconds, shape (phones + 1,), for a speaker that nobody knows."""
    voices = rng.dirichlet(np.ones(sentence.durations.shape[1]))
    rate = rng.uniform(0.72, 1.4)
    seconds = sentence.durations @ voices * rate
    seconds = seconds * np.exp(rng.normal(0, 0.15, len(seconds)))
    seconds[0], seconds[-1] = rng.uniform(0.1, 0.4, 2)
    return np.concatenate([[0], np.cumsum(seconds)])


def simulate_alignment(
    placed: Sequence[Placed], frames: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """What an encoder might take for the alignment of a window.

    Returns:
        The share of each phone in each frame, shape (frames, phones), and the pitch of each frame,
        shape (frames,), both float32.
    """
    shares = np.zeros((frames, len(PHONES)), np.float32)
    shares[:, SILENCE] = 1
    accent = np.zeros(frames, np.float32)
    confused = rng.uniform(0, 0.12)  # share of the phones
    for one in placed:
        _write(shares, accent, one, confused, rng)
    return _blur(shares, rng.uniform(0, 0.5)), accent


def encode_simulated(
    shares: np.ndarray,
    accent: np.ndarray,
    frames: Tensor,
    noise: float,
    rng: np.random.Generator,
) -> Tensor:
    """Noisy alignment codes of windows, layer-normalised as an encoder's output is.

    Args:
        shares: shape (batch, frames, phones).
        accent: shape (batch, frames).
        frames: the numbers of the frames to encode, shape (batch, kept).
        noise: the noise's greatest standard deviation.
        rng: source of everything random.

    Returns:
        Shape (batch, kept, WIDTH).
    """
    codes = encode_alignment(torch.from_numpy(shares), torch.from_numpy(accent))
    codes = take_frames(codes, frames)
    deviation = rng.uniform(0, noise, (len(codes), 1, 1)).astype(np.float32)
    noisy = codes + torch.from_numpy(rng.standard_normal(codes.shape, np.float32) * deviation)
    return layer_norm(noisy, (WIDTH,))


def _write(
    shares: np.ndarray,
    accent: np.ndarray,
    placed: Placed,
    confused: float,
    rng: np.random.Generator,
) -> None:
    """Put one sentence into the window."""
    phones, pitch = placed.sentence.phones.astype(int), placed.sentence.accent.astype(np.float32)
    heard, doubt = _confuse(phones, confused, rng)
    pitch[rng.random(len(pitch)) < 0.08] *= -1
    pitch *= rng.uniform(0.3, 1)

    first = int(placed.start / FRAME_SECONDS)
    window = np.arange(first, min(len(shares), int(placed.end / FRAME_SECONDS)))
    seconds = (window + 0.5) * FRAME_SECONDS - placed.start
    places = np.clip(np.searchsorted(placed.borders, seconds) - 1, 0, len(phones) - 1)
    shares[window] = 0
    shares[window, phones[places]] += 1 - doubt[places]
    shares[window, heard[places]] += doubt[places]
    accent[window] = pitch[places]


def _confuse(
    phones: np.ndarray, share: float, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """For some of the phones another one, and how far it is taken for that: 0 to 1."""
    heard, doubt = phones.copy(), np.zeros(len(phones), np.float32)
    chosen = np.flatnonzero(rng.random(len(phones)) < share)
    reached = _CONFUSIONS[phones[chosen]] < rng.random((len(chosen), 1))
    heard[chosen] = np.minimum(reached.sum(1), len(PHONES) - 1)
    doubt[chosen] = rng.random(len(chosen))
    return heard, doubt


def _blur(shares: np.ndarray, weight: float) -> np.ndarray:
    """Mix each frame with its neighbours."""
    blurred = shares.copy()
    blurred[1:] += weight * shares[:-1]
    blurred[:-1] += weight * shares[1:]
    return blurred / blurred.sum(1, keepdims=True)


def _confusions() -> np.ndarray:
    """Cumulative chances that a phone (row) is taken for another (column)."""
    counts = np.full((len(PHONES), len(PHONES)), 1e-3)
    for group in _ALIKE:
        ids = [PHONE_IDS[phone] for phone in group]
        for one in ids:
            for other in ids:
                counts[one, other] += one != other
    return np.cumsum(counts / counts.sum(1, keepdims=True), 1)


_CONFUSIONS = _confusions()
