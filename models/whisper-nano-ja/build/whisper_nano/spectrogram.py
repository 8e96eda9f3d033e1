"""Power in Mel bands: Whisper's spectrogram before its normalisation."""

import numpy as np
import torch
from whisper.audio import HOP_LENGTH, N_FFT, mel_filters

MEL_BINS = 80
SMALLEST_POWER = 1e-10


def log_mel_power(samples: np.ndarray) -> np.ndarray:
    """The power of a recording, 100 times a second.

    Source: `log_mel_spectrogram` in openai/whisper, whisper/audio.py.

    Args:
        samples: shape (n,), float32, 16 kHz.

    Returns:
        log10 of the power in Mel bands, shape (n // 160, MEL_BINS), float16.
    """
    window = torch.hann_window(N_FFT)
    spectrum = torch.stft(
        torch.from_numpy(samples), N_FFT, HOP_LENGTH, window=window, return_complex=True
    )
    power = mel_filters("cpu", MEL_BINS) @ spectrum[:, :-1].abs().square()
    return power.clamp(min=SMALLEST_POWER).log10().T.numpy().astype(np.float16)
