"""Other speakers, rooms, microphones and noise, made from the power in Mel bands.

The voices are few, and an encoder that has heard only them does not understand another. Working on
power spectra instead of samples costs a few milliseconds an utterance, so that every step hears
every sentence from somebody else, somewhere else.
"""

import numpy as np
from scipy.ndimage import uniform_filter1d
from scipy.signal import lfilter

from whisper_nano.speech_store import SMALLEST_POWER

FRAMES_PER_SECOND = 100


def augment(log_power: np.ndarray, rng: np.random.Generator, frames: int) -> tuple[np.ndarray, int]:
    """Let somebody else say an utterance, somewhere in a window, in some room.

    Args:
        log_power: log10 of the power in Mel bands, shape (bins, n); at most `frames` are used.
        rng: source of everything random.
        frames: length of the window, 100 a second.

    Returns:
        Whisper's input features, shape (bins, frames), float32, and the place of the utterance's
        first frame: an even number, so that the encoder's frames fall together.
    """
    speech = 10 ** _change_speaker(log_power.astype(np.float32), rng)
    window, first = _place(speech, rng, frames)
    if rng.random() < 0.3:
        window = _reverberate(window, rng.uniform(0.15, 0.6), rng.uniform(0.02, 0.2))
    if rng.random() < 0.75:
        # The loudest frames: there are some in a window that is mostly silence, too.
        level = np.percentile(speech.mean(0), 97)
        window = window + _noise(rng, window.shape) * level / 10 ** (rng.uniform(3, 40) / 10)
    if rng.random() < 0.15:
        window = _limit_band(window, rng.integers(1, 7), rng.integers(60, 79))
    features = normalise(window * 10 ** rng.uniform(-2.5, 1))
    _hide(features, rng)
    return features, first


def background(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    """Features of a window in which nobody speaks: noise, or nothing at all; shape (bins, n)."""
    if rng.random() < 0.3:
        return normalise(np.zeros(shape))
    colour = 10 ** _random_curve(rng.normal(0, 0.7, 4), shape[0])
    return normalise(10 ** rng.uniform(-6, 0) * colour * rng.gamma(2, 0.5, shape))


def normalise(power: np.ndarray) -> np.ndarray:
    """Whisper's features from power: (bins, n) -> (bins, n), float32.

    Source: `log_mel_spectrogram` in openai/whisper, whisper/audio.py.
    """
    log_power = np.log10(np.maximum(power, SMALLEST_POWER))
    log_power = np.maximum(log_power, log_power.max() - 8)
    return ((log_power + 4) / 4).astype(np.float32)


def _change_speaker(log_power: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Another vocal tract, other formants, another voice source and microphone."""
    bins = len(log_power)
    if rng.random() < 0.85:
        log_power = _warp_frequencies(log_power, _random_warp(rng, bins))
    if rng.random() < 0.5:
        smooth = uniform_filter1d(log_power, rng.choice([5, 9, 15]), axis=0, mode="nearest")
        # Below 1 the formants become duller, above sharper.
        log_power = smooth + (log_power - smooth) * np.float32(rng.uniform(0.55, 1.35))
    if rng.random() < 0.85:
        colour = _random_curve(rng.normal(0, 0.4, 6), bins)
        tilt = np.linspace(0, rng.uniform(-1.3, 0.8), bins)[:, None]
        log_power = log_power + (colour + tilt).astype(np.float32)
    return log_power


def _random_warp(rng: np.random.Generator, bins: int) -> np.ndarray:
    """For each band the band, a fraction included, whose power it takes; shape (bins,)."""
    knots = np.linspace(0, bins - 1, 6)
    moved = knots * rng.uniform(0.84, 1.18)
    if rng.random() < 0.7:
        moved[1:-1] += rng.normal(0, 2.2, 4)
    warp = np.interp(np.arange(bins), knots, np.maximum.accumulate(moved))
    return np.clip(warp, 0, bins - 1)


def _warp_frequencies(log_power: np.ndarray, source: np.ndarray) -> np.ndarray:
    """Move the spectrum along the Mel axis: band i takes what was at `source[i]`."""
    below = np.floor(source).astype(int)
    above = np.minimum(below + 1, len(log_power) - 1)
    share = (source - below)[:, None].astype(np.float32)
    return log_power[below] * (1 - share) + log_power[above] * share


def _random_curve(knots: np.ndarray, bins: int) -> np.ndarray:
    """A broken line through `knots` over all bands: shape (bins, 1)."""
    places = np.linspace(0, bins - 1, len(knots))
    return np.interp(np.arange(bins), places, knots)[:, None]


def _place(speech: np.ndarray, rng: np.random.Generator, frames: int) -> tuple[np.ndarray, int]:
    bins, length = speech.shape
    first = int(rng.integers(0, frames - length + 1)) if frames > length else 0
    first -= first % 2
    window = np.full((bins, frames), SMALLEST_POWER, np.float32)
    window[:, first : first + length] = speech[:, : frames - first]
    return window, first


def _reverberate(power: np.ndarray, decay_seconds: float, wet: float) -> np.ndarray:
    """Add an exponential tail that falls by 60 dB in `decay_seconds`: power, so by 10^-6."""
    decay = 10 ** (-6 / (decay_seconds * FRAMES_PER_SECOND))
    return power + 8 * wet * lfilter([0, 1 - decay], [1, -decay], power, axis=1)


def _noise(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    """Coloured noise of mean power 1, weaker in high bands."""
    knots = rng.normal(0, 0.5, 4) - np.linspace(0, rng.uniform(0, 2), 4)
    colour = 10 ** _random_curve(knots, shape[0])
    return colour / colour.mean() * rng.gamma(2, 0.5, shape)


def _limit_band(power: np.ndarray, low: int, high: int) -> np.ndarray:
    """A telephone: bands below `low` and from `high` on are weak."""
    power = power.copy()
    power[:low] *= 1e-3
    power[high:] *= 1e-4
    return power


def _hide(features: np.ndarray, rng: np.random.Generator) -> None:
    """Blank bands and moments, so that no phone hangs on a single cue.

    After Park et al., "SpecAugment: a simple data augmentation method for automatic speech
    recognition" (2019, arXiv:1904.08779).
    """
    bins, frames = features.shape
    for _ in range(2):
        if rng.random() < 0.35:
            width = rng.integers(1, 11)
            first = rng.integers(bins - width + 1)
            features[first : first + width] = features.mean()
        if rng.random() < 0.25:
            width = rng.integers(2, 13)
            first = rng.integers(max(1, frames - width) + 1)
            features[:, first : first + width] = features.min()
