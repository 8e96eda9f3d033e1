"""Recordings as Whisper hears them: mono, 16 kHz; read without ffmpeg."""

from math import gcd
from pathlib import Path

import numpy as np
import soundfile
from scipy.signal import resample_poly

from whisper_terms.errors import Fault, UserError

SAMPLE_RATE = 16_000  # Hz


def read_audio(path: str | Path) -> np.ndarray:
    """Read a recording (WAV, FLAC, MP3, Ogg; any rate, any number of channels).

    Channels are averaged; the rate is changed by polyphase filtering.

    Returns:
        float32, shape (samples,), 16,000 a second, nominally in [-1, 1]

    Raises:
        UserError: the file is missing, can't be decoded, is empty, or holds NaN or infinity.
    """
    path = Path(path)
    if not path.is_file():
        raise UserError(Fault("no such recording", "check the path", path))
    try:
        samples, rate = _read_mono(path)
    except (soundfile.SoundFileError, RuntimeError, ValueError) as error:
        raise UserError(
            Fault(
                f"the audio can't be decoded: {error}",
                "give WAV, FLAC, MP3 or Ogg; `ffmpeg -i FILE FILE.wav` converts most others",
                path,
            )
        ) from error
    if not len(samples):
        raise UserError(Fault("the recording has no samples", "record it again", path))
    if not np.isfinite(samples).all():
        raise UserError(
            Fault("the recording holds NaN or infinite samples", "export it again", path)
        )
    if rate == SAMPLE_RATE:
        return samples
    divisor = gcd(SAMPLE_RATE, rate)
    return resample_poly(samples, SAMPLE_RATE // divisor, rate // divisor).astype(np.float32)


def _read_mono(path: Path) -> tuple[np.ndarray, int]:
    """Minute by minute, so that an hour of stereo is never in memory as such."""
    with soundfile.SoundFile(path) as source:
        rate = source.samplerate
        minutes = source.blocks(blocksize=60 * rate, dtype="float32", always_2d=True)
        # (samples, channels) -> (samples,)
        mono = [minute.mean(axis=1) for minute in minutes]
    return np.concatenate(mono) if mono else np.zeros(0, np.float32), rate
