"""openai-whisper's `transcribe`, without the spectrogram of the silence behind a recording.

`transcribe` puts 30 s of zeros behind every recording before it takes the spectrogram, and then
uses the length of what they gave alone, where the language is known: each window ends with the
recording and is filled up with zeros. For a recording of 4 s that is seven eighths of the work.
Here only the first few of these zeros are transformed, and the rest is filled in with the values
that they gave, which are the same.
"""

from collections.abc import Callable
from threading import Lock
from types import FunctionType

import numpy as np
import torch
from torch import Tensor
from whisper.audio import HOP_LENGTH, N_FFT, log_mel_spectrogram
from whisper.transcribe import transcribe as _original

# The last column of so many zeros sees no sound: it lies half a window and a step before their end.
_SILENCE = N_FFT + HOP_LENGTH
# Recordings are transcribed in threads, and the transform of an hour takes 1.6 GB while it is made.
_one_at_a_time = Lock()


def padded_spectrogram(
    audio: np.ndarray | Tensor,
    n_mels: int = 80,
    padding: int = 0,
    device: str | torch.device | None = None,
) -> Tensor:
    """What `whisper.audio.log_mel_spectrogram` gives, with the padding's columns filled in.

    Args:
        audio: float32, shape (samples,), 16,000 a second.
        n_mels: Mel bins.
        padding: zeros behind the audio, in samples.
        device: where it is computed.

    Returns:
        float32, shape (n_mels, (samples + padding) // 160).
    """
    with _one_at_a_time:
        heard = log_mel_spectrogram(audio, n_mels, min(padding, _SILENCE), device)
    missing = (len(audio) + padding) // HOP_LENGTH - heard.shape[1]
    return torch.cat([heard, heard[:, -1:].expand(-1, missing)], dim=1)


def _with_global(function: Callable, name: str, value: object) -> Callable:
    """A copy of a function that sees another value of one global; the function stays as it is."""
    seen = {**function.__globals__, name: value}
    copy = FunctionType(function.__code__, seen, function.__name__, function.__defaults__)
    copy.__kwdefaults__ = function.__kwdefaults__
    return copy


transcribe = _with_global(_original, "log_mel_spectrogram", padded_spectrogram)
