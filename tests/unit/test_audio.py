import numpy as np
import pytest
import soundfile

from whisper_terms.audio import read_audio
from whisper_terms.errors import UserError


def _tone(rate: int, seconds: float = 1.0, frequency: float = 440.0) -> np.ndarray:
    return 0.5 * np.sin(2 * np.pi * frequency * np.arange(int(rate * seconds)) / rate)


def _loudest_frequency(samples: np.ndarray) -> float:
    """Hz"""
    return float(np.argmax(np.abs(np.fft.rfft(samples))) * 16_000 / len(samples))


@pytest.mark.parametrize("suffix", ["wav", "flac", "mp3", "ogg"])
def test_stereo_of_a_cd_becomes_mono_at_16_khz(tmp_path, suffix):
    path = tmp_path / f"stereo.{suffix}"
    left, right = _tone(44_100), _tone(44_100)
    soundfile.write(path, np.stack([left, right], axis=1), 44_100)
    samples = read_audio(path)
    assert samples.dtype == np.float32 and samples.ndim == 1
    # MP3 pads to whole frames of 1,152 samples.
    assert abs(len(samples) - 16_000) < 1_000
    assert _loudest_frequency(samples) == pytest.approx(440, abs=2)
    assert np.abs(samples[4_000:12_000]).max() == pytest.approx(0.5, abs=0.03)


def test_channels_are_averaged(tmp_path):
    path = tmp_path / "opposite.wav"
    soundfile.write(path, np.stack([_tone(16_000), -_tone(16_000)], axis=1), 16_000)
    assert np.abs(read_audio(path)).max() < 1e-4


@pytest.mark.parametrize("rate", [8_000, 11_025, 22_050, 48_000, 96_000])
def test_any_rate_keeps_length_and_pitch(tmp_path, rate):
    path = tmp_path / "tone.wav"
    soundfile.write(path, _tone(rate), rate)
    samples = read_audio(path)
    assert len(samples) == 16_000
    assert _loudest_frequency(samples) == pytest.approx(440, abs=1)


def test_what_whisper_cannot_hear_does_not_alias(tmp_path):
    path = tmp_path / "high.wav"
    soundfile.write(path, _tone(48_000, frequency=10_000), 48_000)
    assert np.abs(read_audio(path)[1_000:-1_000]).max() < 0.01


def test_16_khz_is_left_as_it_is(tmp_path):
    path = tmp_path / "speech.wav"
    tone = _tone(16_000).astype(np.float32)
    soundfile.write(path, tone, 16_000, subtype="FLOAT")
    assert np.array_equal(read_audio(path), tone)


def test_minutes_are_joined_without_a_seam(tmp_path):
    path = tmp_path / "long.wav"
    tone = _tone(8_000, seconds=61).astype(np.float32)
    soundfile.write(path, tone, 8_000, subtype="FLOAT")
    assert len(read_audio(path)) == 61 * 16_000
    assert np.abs(np.diff(read_audio(path)[59 * 16_000 : 61 * 16_000 - 100])).max() < 0.1


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "no such recording"),
        (b"", "can't be decoded"),
        (b"not audio at all", "can't be decoded"),
        (np.zeros(0, np.float32), "no samples"),
        (np.array([0, np.nan, 0], np.float32), "NaN"),
        (np.array([0, np.inf, 0], np.float32), "infinite"),
    ],
)
def test_says_what_is_wrong(tmp_path, content, message):
    path = tmp_path / "bad.wav"
    if isinstance(content, np.ndarray):
        soundfile.write(path, content, 16_000, subtype="FLOAT")
    elif content is not None:
        path.write_bytes(content)
    with pytest.raises(UserError, match=message) as caught:
        read_audio(path)
    assert str(path) in str(caught.value)


def test_a_directory_is_no_recording(tmp_path):
    with pytest.raises(UserError, match="no such recording"):
        read_audio(tmp_path)
