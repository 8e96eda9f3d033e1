"""Where a window is heard: noise, reverberation, telephone lines."""

import numpy as np
import pytest

from whisper_terms.audio import SAMPLE_RATE
from whisper_terms.rooms import hear_in

KINDS = ["noise", "reverberation", "telephone"]


def tone(hertz: float, seconds: float = 1.0) -> np.ndarray:
    time = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    return (0.3 * np.sin(2 * np.pi * hertz * time)).astype(np.float32)


def level(samples: np.ndarray) -> float:
    return float(np.sqrt(np.square(samples, dtype=float).mean()))


@pytest.fixture
def spoken() -> np.ndarray:
    """A tone of 1 s between silences of 0.5 s."""
    silence = np.zeros(SAMPLE_RATE // 2, np.float32)
    return np.concatenate([silence, tone(440), silence])


@pytest.mark.parametrize("kind", KINDS)
def test_a_room_is_the_same_whenever_it_is_heard(spoken, kind):
    before = spoken.copy()
    heard = hear_in(spoken, f"{kind}:one")
    assert (heard.dtype, heard.shape) == (np.float32, spoken.shape)
    assert np.isfinite(heard).all()
    np.testing.assert_array_equal(heard, hear_in(spoken, f"{kind}:one"))
    assert not np.array_equal(heard, hear_in(spoken, f"{kind}:two"))
    np.testing.assert_array_equal(spoken, before)


def test_no_room_changes_nothing(spoken):
    assert hear_in(spoken, "") is spoken
    silence = np.zeros(100, np.float32)
    assert hear_in(silence, "noise:one") is silence


@pytest.mark.parametrize("seed", range(12))
def test_noise_is_5_to_25_db_below_the_speech(spoken, seed):
    noise = hear_in(spoken, f"noise:{seed}") - spoken
    ratio = 20 * np.log10(level(tone(440)) / level(noise))
    assert 4.5 < ratio < 25.5
    # Everywhere, also where nobody speaks.
    assert level(noise[:4000]) > 0.3 * level(noise)


def test_noises_have_different_colours(spoken):
    shares = []
    for seed in range(12):
        power = np.square(np.abs(np.fft.rfft(hear_in(spoken, f"noise:{seed}") - spoken)))
        shares.append(power[: len(power) // 8].sum() / power.sum())
    assert min(shares) < 0.4 and max(shares) > 0.85


@pytest.mark.parametrize("seed", range(6))
def test_a_room_echoes_after_the_speech_and_dies_away(spoken, seed):
    heard = hear_in(spoken, f"reverberation:{seed}")
    end = round(1.5 * SAMPLE_RATE)
    assert not heard[: SAMPLE_RATE // 2 - 10].any() or level(heard[:7000]) < 1e-6
    first, last = level(heard[end : end + 800]), level(heard[-800:])
    assert first > 0.01 * level(tone(440)) and last < 0.1 * first
    assert level(heard) == pytest.approx(level(spoken), rel=1e-3)


@pytest.mark.parametrize(("hertz", "passes"), [(60, False), (1000, True), (6000, False)])
def test_a_telephone_passes_the_middle_band(hertz, passes):
    # Beside a tone that passes, against which the weak one is measured.
    heard = hear_in(tone(2000) + tone(hertz), "telephone:one")
    spectrum = np.abs(np.fft.rfft(heard))
    assert (spectrum[hertz] > 0.5 * spectrum[2000]) == passes
