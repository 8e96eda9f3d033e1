"""What an encoder would say of a sentence, without speaking it.

A sentence's phones, timed by a voice's durations, give its alignment codes. With rate and borders
varied, phones confused, neighbours blurred and noise added they resemble what a trained encoder
says of a speaker whom it does not know, at a thousandth of the cost of speech. So the decoder
learns spelling from all the text there is.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import layer_norm

from whisper_nano.codes import FRAME_SECONDS, WIDTH, code_phones, encode_alignment
from whisper_nano.layout import Layout
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
_VOWELS = np.array([PHONE_IDS[phone] for phone in "a i u e o N".split()])


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

    def later(self, seconds: float) -> "Placed":
        """The same, so much later."""
        return replace(self, start=self.start + seconds)

    def token_seconds(self) -> np.ndarray:
        """Start and end of each token, shape (tokens, 2)."""
        return self.start + np.interp(
            self.sentence.spans, np.arange(len(self.borders)), self.borders
        )


@dataclass(frozen=True)
class Simulation:
    """What simulated encodings are computed from: a sixteenth of their size.

    Attributes:
        said, heard: phones of each frame, and what they may be taken for; shape (batch, frames).
        doubt: how far they are: 0 to 1; same shape.
        accent: pitch; same shape.
        blur: weight of each frame's neighbours, shape (batch, 1, 1).
        chosen: the frames that are given, shape (batch, kept).
        places: their numbers in the 30-s window; same shape.
        deviation: of the noise, shape (batch, 1, 1).
        seed: of the noise.
    """

    said: Tensor
    heard: Tensor
    doubt: Tensor
    accent: Tensor
    blur: Tensor
    chosen: Tensor
    places: Tensor
    deviation: Tensor
    seed: int

    def encodings(self) -> Tensor:
        """Noisy alignment codes, layer-normalised as an encoder's are; (batch, kept, WIDTH).

        They are computed where the tensors are; the noise is another on another kind of device.
        """
        phones = torch.lerp(code_phones(self.said), code_phones(self.heard), self.doubt[..., None])
        phones = _blur(phones, self.blur)
        phones = phones.gather(1, self.chosen[..., None].expand(-1, -1, phones.shape[2]))
        codes = encode_alignment(phones, self.accent.gather(1, self.chosen), self.places)
        generator = torch.Generator(codes.device).manual_seed(self.seed)
        noise = torch.randn(codes.shape, generator=generator, device=codes.device)
        # Where neighbours are alike, so are the errors.
        noise = _blur(noise, self.blur) * ((1 + 2 * self.blur) / (1 + 2 * self.blur**2) ** 0.5)
        return layer_norm(codes + noise * self.deviation, (WIDTH,))


def time_phones(sentence: Sentence, rng: np.random.Generator) -> np.ndarray:
    """Borders of the phones in seconds, shape (phones + 1,), for a speaker that nobody knows."""
    voices = rng.dirichlet(np.ones(sentence.durations.shape[1]))
    rate = rng.uniform(0.72, 1.4)
    seconds = sentence.durations @ voices * rate
    consonants = ~np.isin(sentence.phones, _VOWELS)
    seconds = seconds * np.exp(rng.normal(0, 0.2, len(seconds)) + rng.normal(0, 0.25) * consonants)
    seconds[0], seconds[-1] = rng.uniform(0, 0.4, 2)
    return np.concatenate([[0], np.cumsum(seconds)])


def simulate(
    placed: Sequence[Sequence[Placed]],
    layout: Layout,
    share: float,
    noise: float,
    rng: np.random.Generator,
) -> tuple[Simulation, Layout]:
    """What an encoder might say of windows.

    Args:
        placed: the sentences of each window, inside its region.
        layout: of the windows.
        share: how many of the frames are given, at random: most of a phone's are alike.
        noise: the noise's greatest standard deviation.
        rng: source of everything random.

    Returns:
        The simulation, and the layout of the kept frames.
    """
    shape = len(placed), layout.frames
    said = np.full(shape, SILENCE, np.int64)
    heard, doubt = said.copy(), np.zeros(shape, np.float32)
    accent = np.zeros(shape, np.float32)
    for row, sentences in enumerate(placed):
        confused = rng.uniform(0, 0.12)  # share of the phones
        for one in sentences:
            first = layout.regions[row].first
            _write(
                [values[row] for values in (said, heard, doubt, accent)], one, first, confused, rng
            )
    blur = _column(rng.uniform(0, 0.5, len(placed)))
    kept, chosen = layout.thinned(share, rng)
    deviation = _column(rng.uniform(0, noise, len(placed)))
    said, heard, doubt, accent = map(torch.from_numpy, (said, heard, doubt, accent))
    seed = int(rng.integers(2**62))
    simulation = Simulation(said, heard, doubt, accent, blur, chosen, kept.places, deviation, seed)
    return simulation, kept


def _write(
    rows: Sequence[np.ndarray],
    placed: Placed,
    first: int,
    confused: float,
    rng: np.random.Generator,
) -> None:
    """Put one sentence into the rows of a window whose region starts at frame `first`."""
    said, heard, doubt, accent = rows
    phones, pitch = placed.sentence.phones.astype(int), placed.sentence.accent.astype(np.float32)
    other, doubts = _confuse(phones, confused, rng)
    pitch[rng.random(len(pitch)) < rng.uniform(0, 0.25)] *= -1
    pitch *= rng.uniform(0.2, 1)

    start = max(0, math.ceil(placed.start / FRAME_SECONDS) - first)
    inside = np.arange(start, min(len(said), int(placed.end / FRAME_SECONDS) - first))
    seconds = (first + inside + 0.5) * FRAME_SECONDS - placed.start
    borders = _heard_borders(placed, rng)
    places = np.clip(np.searchsorted(borders, seconds) - 1, 0, len(phones) - 1)
    said[inside], accent[inside] = phones[places], pitch[places]
    # Some phones are taken for others as a whole, and of the rest some moments.
    brief, brief_doubts = _confuse(phones[places], rng.uniform(0, 0.04), rng)
    whole = doubts[places] > 0
    heard[inside] = np.where(whole, other[places], brief)
    doubt[inside] = np.where(whole, doubts[places], brief_doubts)


def _heard_borders(placed: Placed, rng: np.random.Generator) -> np.ndarray:
    """Where the phones seem to start and the last one to end: seconds, shape (phones + 1,), rising.

    Of a speaker whom it does not know, an encoder may hear every vowel too early or too late.
    """
    borders = placed.borders + rng.normal(0, rng.uniform(0, 0.012), len(placed.borders))
    borders[:-1] += rng.normal(0, 0.012) * np.isin(placed.sentence.phones, _VOWELS)
    return np.maximum.accumulate(borders)


def _blur(codes: Tensor, weight: Tensor) -> Tensor:
    """Mix each frame with its neighbours: codes of shape (batch, frames, width)."""
    blurred = codes.clone()
    blurred[:, 1:] += weight * codes[:, :-1]
    blurred[:, :-1] += weight * codes[:, 1:]
    return blurred / (1 + 2 * weight)


def _column(values: np.ndarray) -> Tensor:
    """One value for each window, shape (batch, 1, 1), float32."""
    return torch.from_numpy(values.astype(np.float32))[:, None, None]


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
