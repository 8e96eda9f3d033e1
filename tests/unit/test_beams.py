"""Beam search on several windows: what openai-whisper finds in each of them alone."""

from pathlib import Path

import pytest
import torch
from whisper.audio import N_FRAMES, log_mel_spectrogram, pad_or_trim
from whisper.decoding import DecodingOptions

from whisper_terms.audio import read_audio
from whisper_terms.beams import decode_windows
from whisper_terms.openai_format import load_openai
from whisper_terms.padding import sample_padding

ROOT = Path(__file__).parents[2]
DEMO = sorted((ROOT / "recordings" / "demo").glob("*.flac"))
OPTIONS = DecodingOptions(language="ja", fp16=False, beam_size=5)


@pytest.fixture(scope="module")
def windows() -> torch.Tensor:
    """Three sentences and silence."""
    spoken = [log_mel_spectrogram(read_audio(path), padding=30 * 16_000) for path in DEMO[:3]]
    return torch.stack([*(pad_or_trim(one, N_FRAMES) for one in spoken), torch.zeros(80, N_FRAMES)])


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"beam_size": 2},
        {"patience": 2.0},
        {"prompt": "痙攣、心窩部痛"},
        {"length_penalty": 0.5},
        {"without_timestamps": True},
        # Most sentences have more tokens: what is unfinished counts.
        {"sample_len": 6},
        {"language": None},
    ],
    ids=str,
)
def test_together_as_the_package_finds_alone(bundled, windows, changed):
    options = DecodingOptions(**(vars(OPTIONS) | changed))
    for window, one in zip(windows, decode_windows(bundled, windows, options), strict=True):
        alone = bundled.decode(window, options)
        assert (one.tokens, one.text, one.language) == (alone.tokens, alone.text, alone.language)
        assert one.avg_logprob == pytest.approx(alone.avg_logprob, abs=1e-4)
        assert one.no_speech_prob == pytest.approx(alone.no_speech_prob, abs=1e-4)
        torch.testing.assert_close(one.audio_features, alone.audio_features, rtol=1e-3, atol=1e-3)


def test_a_search_finds_likelier_texts(bundled, windows):
    """Else it would be greedy decoding by another name."""
    greedy = decode_windows(bundled, windows, DecodingOptions(language="ja", fp16=False))
    searched = decode_windows(bundled, windows, OPTIONS)
    pairs = list(zip(greedy, searched, strict=True))
    assert all(many.avg_logprob > one.avg_logprob - 1e-4 for one, many in pairs)
    assert any(one.tokens != many.tokens for one, many in pairs)


def test_a_window_does_not_depend_on_those_beside_it(bundled, windows):
    together = decode_windows(bundled, windows, OPTIONS)
    turned = decode_windows(bundled, windows.flip(0), OPTIONS)
    assert [one.tokens for one in together] == [one.tokens for one in reversed(turned)]


def test_beams_share_a_sampled_padding(bundled_file, bundled, windows):
    sampled = sample_padding(load_openai(bundled_file, "cpu"), 400)
    exact, quick = (decode_windows(one, windows[:3], OPTIONS) for one in (bundled, sampled))
    assert [one.text for one in quick] == [one.text for one in exact]


def test_nothing_is_left_in_the_model(bundled, windows):
    """A hook of the cache that stays would grow with every window."""
    decode_windows(bundled, windows[:1], OPTIONS)
    assert not any(module._forward_hooks for module in bundled.modules())
