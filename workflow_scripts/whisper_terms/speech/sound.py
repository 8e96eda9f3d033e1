"""From an engine's samples to the recordings that Whisper trains on."""

from io import BytesIO
from pathlib import Path

import numpy as np
import soundfile

from whisper_terms.speech.resampling import resample
from whisper_terms.tables import atomic_path

SAMPLE_RATE = 16_000
# Samples this close to full scale would be clipped by a decoder's rounding.
_PEAK = 0.99
_FRAME = SAMPLE_RATE // 50
# Frames this far below the loudest one are silence: 30 dB for the level of speech; 50 dB at the
# ends, where breath and closing consonants are soft.
_PAUSE_POWER, _SILENCE_POWER = 1e-3, 1e-5


def finish(samples: np.ndarray, rate: int, loudness: float) -> np.ndarray:
    """Resample to 16 kHz, cut the silence around the speech, set the loudness.

    Args:
        samples: shape (n,), float32, mono.
        rate: their rate in Hz.
        loudness: wanted RMS level of the speech in dB below full scale; pauses do not count.

    Returns:
        Shape (m,), float32, 16 kHz, peaks below 0.99. Where the wanted loudness would clip,
        the level is lower.
    """
    samples = resample(samples, rate, SAMPLE_RATE)
    peak = float(np.abs(samples).max(initial=0))
    if peak == 0:
        return samples
    gain = 10 ** (loudness / 20) / _speech_level(samples)
    return _trim(samples) * np.float32(min(gain, _PEAK / peak))


def write_recording(target: str | Path, samples: np.ndarray) -> None:
    """Write samples (16 kHz, mono) with 16 bits, in the format that the name ends with, atomically.

    They are encoded in memory, because libsndfile waits for the disk whenever it closes a file:
    a twentieth of the time that speaking takes.
    """
    encoded, form = BytesIO(), Path(target).suffix.removeprefix(".")
    soundfile.write(encoded, samples, SAMPLE_RATE, format=form, subtype="PCM_16")
    with atomic_path(target) as temporary:
        temporary.write_bytes(encoded.getbuffer())


def is_written(path: Path) -> bool:
    """Whether a recording is there: a power failure may leave a file without its content."""
    return path.exists() and path.stat().st_size > 0


def _speech_level(samples: np.ndarray) -> float:
    """The RMS over the frames that hold speech."""
    power = _frame_power(samples)
    return float(np.sqrt(power[power >= power.max() * _PAUSE_POWER].mean()))


def _trim(samples: np.ndarray) -> np.ndarray:
    """Cut silence at both ends to one frame, so that timestamps say where speech is."""
    power = _frame_power(samples)
    loud = np.flatnonzero(power >= power.max() * _SILENCE_POWER)
    return samples[max(0, loud[0] - 1) * _FRAME : (loud[-1] + 2) * _FRAME]


def _frame_power(samples: np.ndarray) -> np.ndarray:
    """Mean square by frame of 20 ms: shape (n,) -> (ceil(n / 320),)."""
    padded = np.pad(samples, (0, -len(samples) % _FRAME)).reshape(-1, _FRAME)
    return np.square(padded, dtype=np.float64).mean(axis=1)
