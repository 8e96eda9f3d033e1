"""SpecAugment: what is hidden of a spectrogram, and when."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from small_trainings import RECIPE, changed, train, weights
from transformers import WhisperFeatureExtractor

from whisper_terms.encodings import window_features
from whisper_terms.spec_augment import mask_spectrograms

SILENCE = -0.7
UNCACHED = RECIPE.model_copy(update={"cached_encoder": False, "epochs": 1})


def spectrograms(count: int, heard: int, bins: int = 80) -> torch.Tensor:
    """Windows in which something sounds in the first frames, in every bin."""
    features = torch.full((count, bins, 3000), SILENCE)
    features[:, :, :heard] = torch.rand(count, bins, heard)
    return features


def hide(features: torch.Tensor, seed: int = 0) -> torch.Tensor:
    torch.manual_seed(seed)
    return mask_spectrograms(features)


def runs(hidden: torch.Tensor) -> list[int]:
    """The lengths of the runs of true values of a row."""
    edges = np.flatnonzero(np.diff(np.pad(hidden.numpy().astype(int), 1)))
    return (edges[1::2] - edges[::2]).tolist()


@pytest.mark.parametrize(("bins", "widest"), [(80, 15), (128, 24)])
@pytest.mark.parametrize(("heard", "longest"), [(2999, 70), (200, 40), (37, 7), (4, 0)])
def test_bands_and_moments_keep_to_their_bounds(bins, widest, heard, longest):
    features = spectrograms(60, heard, bins)
    hidden = (hide(features) != features)[:, :, :heard]
    bands, moments = hidden.all(2), hidden.all(1)
    # Whole bins and whole frames are hidden, and nothing else.
    assert torch.equal(hidden, bands[:, :, None] | moments[:, None, :])
    for band, moment in zip(bands, moments, strict=True):
        # Two of each kind; where they meet they are one.
        assert len(runs(band)) <= 2 and sum(runs(band)) <= 2 * widest
        assert len(runs(moment)) <= 2 and sum(runs(moment)) <= 2 * longest
    assert max(max(runs(one), default=0) for one in bands) > 0.8 * widest
    assert max(max(runs(one), default=0) for one in moments) >= 0.8 * longest


def test_shares_on_average():
    features = spectrograms(400, 500)
    hidden = (hide(features) != features)[:, :, :500]
    # Two spans, each half as wide as the widest, less what they share.
    assert float(hidden.all(2).float().mean()) == pytest.approx(0.18, abs=0.01)
    assert float(hidden.all(1).float().mean()) == pytest.approx(70 / 500, abs=0.01)
    # Anywhere, the first and the last included.
    assert hidden.all(2).any(0).all() and hidden.all(1).any(0).all()


def test_what_is_hidden_is_silent_and_the_rest_stays():
    features = spectrograms(20, 300)
    before = features.clone()
    after = hide(features)
    assert torch.equal(features, before)
    assert (after[after != features] == SILENCE).all()


def test_every_window_has_its_own_and_the_seed_decides():
    features = spectrograms(1, 300).repeat(2, 1, 1)
    first = hide(features, seed=1)
    assert not torch.equal(first[0], first[1])
    assert torch.equal(first, hide(features, seed=1))
    assert not torch.equal(first, hide(features, seed=2))
    # New ones in the next step.
    assert not torch.equal(first, mask_spectrograms(features))


def test_a_silent_window_stays():
    features = torch.full((2, 80, 3000), -1.5)
    assert torch.equal(hide(features), features)


@pytest.mark.parametrize("bins", [80, 128])
def test_silence_is_that_of_whispers_own_features(windows, bins):
    extractor = WhisperFeatureExtractor(feature_size=bins)
    # Its last utterance ends at 3.3 s; a frame looks 12.5 ms ahead.
    clean = torch.from_numpy(window_features(windows[0], extractor))
    empty = clean[:, 340:].unique()
    assert len(empty) == 1
    hidden = hide(clean.repeat(50, 1, 1)) != clean
    assert hidden.any() and not hidden[:, :, 335:].any()
    assert hide(clean[None])[0][hide(clean[None])[0] != clean].unique() == empty


class TestTraining:
    @pytest.mark.parametrize("trained", ["all", "decoder"])
    def test_it_changes_what_is_trained_and_the_seed_decides(
        self, make_base, windows, tmp_path, trained
    ):
        recipe = UNCACHED.model_copy(update={"train": trained})
        augmented = recipe.model_copy(update={"spec_augment": True})
        plain, one, again = (
            weights(train(make_base(), windows, tmp_path / str(number), {}, chosen))
            for number, chosen in enumerate([recipe, augmented, augmented])
        )
        assert changed(plain, one)
        assert not changed(one, again)

    def test_the_development_set_is_heard_as_it_is(self, make_base, windows, tmp_path):
        base, heard = make_base(), {True: [], False: []}

        def listen(model, arguments, inputs):
            heard[model.training] += inputs["input_features"].unbind()

        base.model.register_forward_pre_hook(listen, with_kwargs=True)
        dev = [replace(one, id=f"{one.id}-dev", split="dev") for one in windows]
        update = {"train": "all", "spec_augment": True, "patience": 1, "kl": 0.0}
        train(base, windows + dev, tmp_path / "state", {}, UNCACHED.model_copy(update=update))
        extractor = base.feature_extractor
        clean = [torch.from_numpy(window_features(one, extractor)) for one in windows]
        same = {
            training: [any(torch.equal(one, other) for other in clean) for one in features]
            for training, features in heard.items()
        }
        assert same[False] and all(same[False])
        assert same[True] and not any(same[True])
