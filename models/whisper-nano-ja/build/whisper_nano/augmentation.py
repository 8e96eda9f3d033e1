"""Other speakers, rooms, microphones and noise, made from the power in Mel bands.

The voices are few, and an encoder that has heard only them does not understand another. Working on
power spectra of whole batches instead of samples costs about a millisecond a window, so that every
step hears every sentence from somebody else, somewhere else.
"""

from functools import cache

import numpy as np
import torch
from scipy.signal import lfilter
from torch import Tensor
from torch.nn.functional import avg_pool1d

from whisper_nano.spectrogram import MEL_BINS, SMALLEST_POWER, log_mel_power
from whisper_terms.audio import SAMPLE_RATE

FRAMES_PER_SECOND = 100
_BANK = 30_000  # frames of noise, of which every window takes a piece


def augment(log_power: Tensor, heard: Tensor, rng: np.random.Generator) -> Tensor:
    """Let somebody else say what is said in windows, each in some room.

    Args:
        log_power: log10 of the power in Mel bands, shape (batch, MEL_BINS, n).
        heard: where the microphone is on, shape (batch, n), bool; elsewhere there is digital
            silence, as Whisper pads a recording.
        rng: source of everything random.

    Returns:
        Whisper's input features, same shape, float32.
    """
    batch = len(log_power)
    speech = 10 ** _change_speakers(log_power, rng)
    level = torch.quantile(speech.mean(1), 0.97, dim=1)
    for one in np.flatnonzero(rng.random(batch) < 0.2):
        speech[one] = _reverberate(speech[one], rng.uniform(0.15, 0.6), rng.uniform(0.02, 0.2))
    power = speech + _noise(level, log_power.shape[2], rng)
    power *= heard[:, None]
    for one in np.flatnonzero(rng.random(batch) < 0.1):
        _limit_band(power[one], rng.integers(1, 7), rng.integers(60, 79))
    features = normalise(power * 10 ** _column(rng.uniform(-2.5, 1, batch)))
    for one in features:
        _hide(one, rng)
    return features


def normalise(power: Tensor) -> Tensor:
    """Whisper's features from power: shape (batch, bins, n), float32.

    Source: `log_mel_spectrogram` in openai/whisper, whisper/audio.py.
    """
    log_power = power.clamp(min=SMALLEST_POWER).log10()
    log_power = torch.maximum(log_power, log_power.amax((1, 2), keepdim=True) - 8)
    return (log_power + 4) / 4


def _change_speakers(log_power: Tensor, rng: np.random.Generator) -> Tensor:
    """Other vocal tracts, other formants, other voice sources and microphones."""
    batch, bins, _ = log_power.shape
    log_power = _warp_frequencies(log_power, _random_warps(batch, bins, rng))
    width = int(rng.choice([5, 9, 15]))
    smooth = avg_pool1d(
        log_power.transpose(1, 2), width, 1, width // 2, count_include_pad=False
    ).transpose(1, 2)
    # Below 1 the formants become duller, above sharper.
    sharpness = np.where(rng.random(batch) < 0.5, rng.uniform(0.55, 1.35, batch), 1)
    log_power = smooth + (log_power - smooth) * _column(sharpness)
    colour = _random_curves(rng.normal(0, 0.4, (batch, 6)), bins)
    tilt = np.linspace(0, 1, bins) * rng.uniform(-1.3, 0.8, (batch, 1))
    changed = (colour + tilt) * (rng.random((batch, 1)) < 0.85)
    return log_power + torch.from_numpy(changed.astype(np.float32))[:, :, None]


def _random_warps(batch: int, bins: int, rng: np.random.Generator) -> np.ndarray:
    """For each band the band, a fraction included, whose power it takes; shape (batch, bins)."""
    knots = np.linspace(0, bins - 1, 6)
    moved = knots * rng.uniform(0.84, 1.18, (batch, 1))
    moved[:, 1:-1] += rng.normal(0, 2.2, (batch, 4)) * (rng.random((batch, 1)) < 0.7)
    warps = _random_curves(np.maximum.accumulate(moved, 1), bins)
    unchanged = rng.random((batch, 1)) < 0.15
    return np.where(unchanged, np.arange(bins), np.clip(warps, 0, bins - 1))


def _warp_frequencies(log_power: Tensor, source: np.ndarray) -> Tensor:
    """Move spectra along the Mel axis: band i takes what was at `source[:, i]`."""
    bins = log_power.shape[1]
    below = np.floor(source).astype(int)
    matrix = np.zeros((len(source), bins, bins), np.float32)
    rows, bands = np.ogrid[: len(source), :bins]
    share = (source - below).astype(np.float32)
    matrix[rows, bands, below] = 1 - share
    matrix[rows, bands, np.minimum(below + 1, bins - 1)] += share
    return torch.from_numpy(matrix) @ log_power


def _random_curves(knots: np.ndarray, bins: int) -> np.ndarray:
    """Broken lines through `knots` over all bands: (batch, knots) -> (batch, bins)."""
    places = np.linspace(0, knots.shape[1] - 1, bins)
    below = np.minimum(places.astype(int), knots.shape[1] - 2)
    share = places - below
    return knots[:, below] * (1 - share) + knots[:, below + 1] * share


def _reverberate(power: Tensor, decay_seconds: float, wet: float) -> Tensor:
    """Add an exponential tail that falls by 60 dB in `decay_seconds`: power, so by 10^-6."""
    decay = np.float32(10 ** (-6 / (decay_seconds * FRAMES_PER_SECOND)))
    filtered = lfilter(
        np.array([0, 1 - decay], np.float32), np.array([1, -decay]), power.numpy(), axis=1
    )
    return power + torch.from_numpy((8 * wet * filtered).astype(np.float32))


def _noise(level: Tensor, frames: int, rng: np.random.Generator) -> Tensor:
    """Coloured noise for windows whose speech has a level; mostly weaker in high bands, or none.

    Where nobody speaks at all, its level is random.
    """
    batch = len(level)
    knots = rng.normal(0, 0.5, (batch, 4))
    knots -= np.linspace(0, 1, 4) * rng.uniform(0, 2, (batch, 1)) * (rng.random((batch, 1)) < 0.7)
    colour = 10 ** _random_curves(knots, MEL_BINS)
    silent = level < 100 * SMALLEST_POWER
    level = torch.where(silent, 10 ** _column(rng.uniform(-4, 2, batch))[:, 0, 0], level)
    ratio = 10 ** (rng.uniform(3, 40, batch) / 10)
    noisy = (rng.random(batch) < 0.5) | (silent.numpy() & (rng.random(batch) < 0.6))
    loud = _column(noisy / ratio)[:, 0, 0] * level
    colour = torch.from_numpy((colour / colour.mean(1, keepdims=True)).astype(np.float32))
    bank = _noise_bank()
    firsts = rng.integers(0, bank.shape[1] - frames, batch)
    pieces = torch.stack([bank[:, first : first + frames] for first in firsts.tolist()])
    return pieces * (colour * loud[:, None])[:, :, None]


@cache
def _noise_bank() -> Tensor:
    """White noise of mean power 1: shape (MEL_BINS, _BANK).

    Of samples, because neighbouring frames share most of theirs and a wide band varies less than
    a narrow one.
    """
    length = _BANK * SAMPLE_RATE // FRAMES_PER_SECOND
    samples = np.random.default_rng(0).standard_normal(length, np.float32)
    power = 10 ** torch.from_numpy(log_mel_power(samples).T.astype(np.float32))
    return power / power.mean()


def _limit_band(power: Tensor, low: int, high: int) -> None:
    """A telephone: bands below `low` and from `high` on are weak."""
    power[:low] *= 1e-3
    power[high:] *= 1e-4


def _hide(features: Tensor, rng: np.random.Generator) -> None:
    """Blank bands and moments, so that no phone hangs on a single cue.

    After Park et al., "SpecAugment: a simple data augmentation method for automatic speech
    recognition" (2019, arXiv:1904.08779).
    """
    bins, frames = features.shape
    for _ in range(2):
        if rng.random() < 0.35:
            width = int(rng.integers(1, 11))
            first = int(rng.integers(bins - width + 1))
            features[first : first + width] = features.mean()
        if rng.random() < 0.25:
            width = int(rng.integers(2, 13))
            first = int(rng.integers(max(1, frames - width) + 1))
            features[:, first : first + width] = features.min()


def _column(values: np.ndarray) -> Tensor:
    """One value for each window, shape (batch, 1, 1), float32."""
    return torch.from_numpy(np.asarray(values, np.float32))[:, None, None]
