"""Noise, reverberation and telephone lines: where a window is heard.

Synthetic speech is cleaner than any recording. What is changed here is whole windows, and all that
is random follows from the room's own name, so that a window sounds the same whenever it is read.
"""

import hashlib

import numpy as np
from scipy.signal import butter, fftconvolve, sosfilt

from whisper_terms.audio import SAMPLE_RATE

_SIGNAL_TO_NOISE = (5.0, 25.0)  # dB
# Power falls with frequency like 1 / f ** x: white noise to brown.
_COLOURS = (0.0, 2.0)
_LOWEST_NOISE = 100  # Hz
_DECAY_SECONDS = (0.2, 0.7)  # to a millionth of the power (RT60)
_REVERBERANT_LEVEL = (0.2, 0.8)  # of the reverberation's amplitude, against the direct sound's
_TELEPHONE_BAND = (300, 3400)  # Hz
# Companding of ITU-T G.711, its mu-law, with 8 bits.
_MU = 255


def hear_in(samples: np.ndarray, room: str) -> np.ndarray:
    """What is heard in a room.

    Args:
        samples: shape (n,), float32, 16 kHz.
        room: its kind (noise, reverberation or telephone), a colon, and whatever tells it from
            others of its kind; or "" for no room at all.

    Returns:
        Shape (n,), float32.
    """
    kind = room.partition(":")[0]
    if not kind or not samples.any():
        return samples
    seed = int.from_bytes(hashlib.sha256(room.encode()).digest()[:8], "big")
    change = {"noise": _add_noise, "reverberation": _reverberate, "telephone": _call}[kind]
    return change(samples, np.random.default_rng(seed)).astype(np.float32)


def _add_noise(samples: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    spectrum = np.fft.rfft(rng.standard_normal(len(samples)))
    # Below it nothing is heard; the colder colours would have most of their power there.
    lowest = _LOWEST_NOISE * len(samples) // SAMPLE_RATE
    frequencies = np.maximum(np.arange(len(spectrum)), max(1, lowest))
    noise = np.fft.irfft(spectrum * frequencies ** (-rng.uniform(*_COLOURS) / 2), len(samples))
    # Against the speech, not against the silence between.
    level = _deviation(samples[np.abs(samples) > 0.01 * np.abs(samples).max()])
    ratio = 10 ** (rng.uniform(*_SIGNAL_TO_NOISE) / 20)
    return samples + noise * (level / ratio / _deviation(noise))


def _reverberate(samples: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Add decaying noise as the impulse response of a room, at the loudness that was."""
    decay = rng.uniform(*_DECAY_SECONDS)
    times = np.arange(1, round(decay * SAMPLE_RATE)) / SAMPLE_RATE
    # The amplitude is the root of the power, which falls to 10 ** -6.
    tail = rng.standard_normal(len(times)) * 10 ** (-3 * times / decay)
    tail *= rng.uniform(*_REVERBERANT_LEVEL) / np.sqrt(np.square(tail).sum())
    heard = fftconvolve(samples, np.concatenate([[1.0], tail]))[: len(samples)]
    return heard * (_deviation(samples) / _deviation(heard))


def _call(samples: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    sections = butter(4, _TELEPHONE_BAND, "bandpass", fs=SAMPLE_RATE, output="sos")
    heard = sosfilt(sections, samples)
    loudest = np.abs(heard).max() * rng.uniform(1, 2)
    level = np.sign(heard) * np.log1p(_MU * np.abs(heard) / loudest) / np.log1p(_MU)
    level = np.round(level * 127) / 127
    return np.sign(level) * np.expm1(np.abs(level) * np.log1p(_MU)) / _MU * loudest


def _deviation(samples: np.ndarray) -> float:
    return float(np.sqrt(np.square(samples, dtype=np.float64).mean()))
