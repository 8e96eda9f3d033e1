"""whisper_terms.spectrogram: the same values as openai-whisper's, and the same transcription."""

import sys

import numpy as np
import pytest
import torch
from whisper.audio import N_SAMPLES, log_mel_spectrogram

from whisper_terms import spectrogram


def _noise(samples: int) -> np.ndarray:
    return np.random.default_rng(samples).normal(0, 0.1, samples).astype(np.float32)


@pytest.mark.parametrize("samples", [201, 319, 320, 321, 16_000, 61_437, 480_001])
@pytest.mark.parametrize("padding", [0, 100, 560, 561, N_SAMPLES])
def test_the_spectrogram_is_that_of_openai_whisper(samples: int, padding: int) -> None:
    sound = _noise(samples)
    ours = spectrogram.padded_spectrogram(sound, 80, padding)
    theirs = log_mel_spectrogram(sound, 80, padding)
    assert ours.shape == theirs.shape
    torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-6)


@pytest.mark.parametrize("samples", [0, 1])
def test_next_to_nothing_before_the_padding(samples: int) -> None:
    sound = _noise(samples)
    ours = spectrogram.padded_spectrogram(sound, 80, N_SAMPLES)
    torch.testing.assert_close(ours, log_mel_spectrogram(sound, 80, N_SAMPLES), rtol=0, atol=1e-6)


def test_silence_of_a_quiet_recording_is_the_same() -> None:
    sound = _noise(16_000) * 1e-6
    ours = spectrogram.padded_spectrogram(sound, 128, N_SAMPLES)
    torch.testing.assert_close(ours, log_mel_spectrogram(sound, 128, N_SAMPLES), rtol=0, atol=1e-6)


def test_the_package_keeps_its_own_function() -> None:
    module = sys.modules["whisper.transcribe"]
    assert module.log_mel_spectrogram is log_mel_spectrogram
    assert spectrogram.transcribe is not module.transcribe
    seen = spectrogram.transcribe.__globals__["log_mel_spectrogram"]
    assert seen is spectrogram.padded_spectrogram
    # Another version of the package may take its spectrogram otherwise: then ours would be idle.
    assert "log_mel_spectrogram" in module.transcribe.__code__.co_names
