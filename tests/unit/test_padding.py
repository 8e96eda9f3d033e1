"""A sample of the padding stands for all of it."""

import copy
from pathlib import Path

import pytest
import torch
from whisper.audio import N_FRAMES, log_mel_spectrogram, pad_or_trim

from whisper_terms.audio import read_audio
from whisper_terms.batching import transcribe_together
from whisper_terms.padding import sample_padding, stretches

ROOT = Path(__file__).parents[2]
DEMO = sorted((ROOT / "recordings" / "demo").glob("*.flac"))[:6]
OPTIONS = {"language": "ja", "temperature": 0.0, "condition_on_previous_text": False, "fp16": False}


@pytest.fixture(scope="module")
def windows():
    """Spectrograms of recordings of several lengths, as `transcribe` makes them."""
    mels = [log_mel_spectrogram(read_audio(path)) for path in DEMO]
    assert len({mel.shape[1] for mel in mels}) > 1
    return torch.stack([pad_or_trim(mel, N_FRAMES) for mel in mels])


def sampled(model, frames):
    return sample_padding(copy.deepcopy(model), frames)


class TestStretches:
    def test_frames_that_sound_are_one_each_and_the_padding_is_cut_evenly(self):
        borders = stretches(torch.tensor([3, 1, 0]), 2, 12)
        assert borders.tolist() == [
            [0, 1, 2, 3, 7, 12],
            [0, 1, 3, 6, 9, 12],
            [0, 2, 4, 7, 9, 12],
        ]

    def test_no_more_than_there_are(self):
        every = list(range(13))
        assert stretches(torch.tensor([3]), 9, 12).tolist() == [every]
        assert stretches(torch.tensor([3, 12]), 5, 12).tolist() == [every, every]

    @pytest.mark.parametrize("frames", [1, 7, 192])
    def test_together_they_are_the_window(self, frames):
        borders = stretches(torch.tensor([1, 213, 700, 1499]), frames, 1500)
        assert (borders[:, 0] == 0).all() and (borders[:, -1] == 1500).all()
        assert (borders.diff() >= 1).all()


def test_all_of_it_is_the_model_itself(bundled, windows):
    with torch.inference_mode():
        encodings = sampled(bundled, 1500).encoder(windows)
        torch.testing.assert_close(encodings[..., :-1], bundled.encoder(windows), rtol=0, atol=1e-3)
    assert not encodings[..., -1].any()


def test_a_sample_is_near_to_it(bundled, windows):
    """As near as it is only because each frame counts for those that it stands for."""
    heard = 2 * int((windows != 0).any(1).sum(1).min()) // 5
    with torch.inference_mode():
        exact = bundled.encoder(windows)[:, :heard]
        near = sampled(bundled, 192).encoder(windows)
        # What a window without the rest of the padding would give.
        context = 2 * (near.shape[1] - 1)
        cut = copy.deepcopy(bundled.encoder)
        cut.positional_embedding = cut.positional_embedding[: context // 2]
        short = cut(windows[..., :context])[:, :heard]
    near, weight = near[:, :heard, :-1], near[..., -1]
    assert torch.allclose(weight.double().exp().sum(1), torch.full((len(DEMO),), 1500.0).double())
    errors = [float((one - exact).norm() / exact.norm()) for one in (near, short)]
    assert errors[0] < 0.01 < 10 * errors[0] < errors[1]


def test_recordings_are_heard_as_before(bundled):
    recordings = [read_audio(path) for path in DEMO]
    exact = transcribe_together(bundled, recordings, **OPTIONS)
    quick = transcribe_together(sampled(bundled, 192), recordings, **OPTIONS)
    # Nothing here is at the edge: in all 142 recordings of the demonstration three texts differ.
    assert [one.segments[0]["text"] for one in quick] == [one.segments[0]["text"] for one in exact]


def test_a_prompt_and_a_full_window(bundled):
    """30 s that are full of speech leave nothing to sample."""
    full = torch.cat([torch.from_numpy(read_audio(path)) for path in DEMO * 3])[: 30 * 16_000]
    options = OPTIONS | {"initial_prompt": "痙攣、心窩部痛", "carry_initial_prompt": True}
    (exact,), (quick,) = (
        transcribe_together(one, [full.numpy()], **options)
        for one in (bundled, sampled(bundled, 192))
    )
    assert [one["text"] for one in quick.segments] == [one["text"] for one in exact.segments]
