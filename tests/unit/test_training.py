"""Fine-tuning: what changes, and what it learns."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch
from small_models import write_small_model
from small_trainings import RECIPE, changed, train, weights
from transformers import WhisperForConditionalGeneration
from transformers.modeling_outputs import BaseModelOutput

from whisper_terms import token_loss, training
from whisper_terms.base_model import load_base, special_ids
from whisper_terms.config import Recipe
from whisper_terms.errors import UserError
from whisper_terms.examples import Collator, make_dataset
from whisper_terms.labels import window_label
from whisper_terms.training import window_loss


class TestWhatIsTrained:
    @pytest.mark.parametrize("cached", [True, False])
    def test_a_frozen_encoder_stays_bit_for_bit(
        self, make_base, windows, encodings, tmp_path, cached
    ):
        base = make_base()
        before = weights(base.model)
        recipe = RECIPE.model_copy(update={"epochs": 1, "cached_encoder": cached})
        model = train(base, windows, tmp_path / "state", encodings if cached else {}, recipe)
        names = changed(before, weights(model))
        assert not any(name.startswith("model.encoder.") for name in names)
        # Of the decoder, everything; proj_out is its embedding.
        assert names == {name for name in before if not name.startswith("model.encoder.")}
        assert not model.training
        assert {value.dtype for value in model.state_dict().values()} == {torch.float32}

    def test_all_weights(self, make_base, windows, tmp_path):
        base = make_base()
        before = weights(base.model)
        recipe = RECIPE.model_copy(
            update={"epochs": 1, "train": "all", "cached_encoder": False, "warmup_steps": 0}
            | {"replay": 0.0}
        )
        names = changed(before, weights(train(base, windows[:2], tmp_path / "state", {}, recipe)))
        assert names == set(before) - {"model.encoder.embed_positions.weight"}

    def test_cross_attention_alone(self, make_base, windows, encodings, tmp_path):
        base = make_base()
        before = weights(base.model)
        recipe = RECIPE.model_copy(update={"epochs": 1, "train": "cross_attention"})
        names = changed(before, weights(train(base, windows, tmp_path / "s", encodings, recipe)))
        assert names == {name for name in before if ".encoder_attn" in name}

    def test_low_rank_pairs_are_added_to_the_matrices(
        self, make_base, windows, encodings, tmp_path
    ):
        base = make_base()
        before = weights(base.model)
        targets = ("q_proj", "fc1")
        update = {"epochs": 1, "train": "lora", "lora_rank": 2, "lora_targets": targets}
        recipe = RECIPE.model_copy(update=update | {"warmup_steps": 0})
        model = train(base, windows, tmp_path / "s", encodings, recipe)
        assert isinstance(model, WhisperForConditionalGeneration)
        after = weights(model)
        names = changed(before, after)
        assert names == {
            name
            for name in before
            if name.startswith("model.decoder.layers.")
            and name.endswith(tuple(f"{one}.weight" for one in targets))
        }
        for name in names:
            assert torch.linalg.matrix_rank(after[name] - before[name], atol=1e-6) <= 2

    def test_the_config_stays(self, windows, encodings, tmp_path):
        # Written and read once: saving fills in some keys.
        base = load_base(str(write_small_model(tmp_path / "model")))
        before, generation = base.model.config.to_dict(), base.model.generation_config.to_dict()
        recipe = RECIPE.model_copy(update={"epochs": 1})
        model = train(base, windows, tmp_path / "state", encodings, recipe)
        assert model.config.to_dict() == before
        assert model.generation_config.to_dict() == generation

    def test_nothing_to_train_on(self, make_base, windows, tmp_path):
        with pytest.raises(UserError, match="no window in the train set"):
            train(make_base(), windows[3:], tmp_path / "state", {})

    @pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
    def test_no_such_device(self, make_base, windows, encodings, tmp_path):
        with pytest.raises(UserError, match="the device can't be used"):
            train(make_base(), windows, tmp_path / "state", encodings, device="cuda")


class TestLoss:
    def loss(self, base, windows, encodings):
        rows = make_dataset(windows, base, "ja", True, encodings)
        batch = Collator(base.model.config.pad_token_id)(rows.__getitems__(range(len(windows))))
        return window_loss(base.model, batch)

    @pytest.mark.parametrize("frozen", [True, False])
    def test_cached_encodings_give_the_loss_of_the_encoder(
        self, make_base, windows, encodings, frozen
    ):
        base = make_base()
        base.model.train()
        base.model.get_encoder().requires_grad_(not frozen)
        cached = self.loss(base, windows, encodings)
        direct = self.loss(base, windows, {})
        # As near as half precision is.
        assert float(cached.detach()) == pytest.approx(float(direct.detach()), rel=1e-4)
        other = self.loss(base, windows[:2], encodings)
        assert float(other.detach()) != pytest.approx(float(direct.detach()), rel=1e-4)

    def test_and_the_same_gradients(self, make_base, windows, encodings):
        gradients = []
        for files in (encodings, {}):
            base = make_base()
            base.model.train()
            base.model.get_encoder().requires_grad_(False)
            self.loss(base, windows, files).backward()
            of_encoder = [weight.grad for weight in base.model.get_encoder().parameters()]
            assert of_encoder == [None] * len(of_encoder)
            gradients.append(
                torch.cat([w.grad.flatten() for w in base.model.parameters() if w.grad is not None])
            )
        difference = (gradients[0] - gradients[1]).norm() / gradients[1].norm()
        assert difference < 1e-3

    def test_it_is_that_of_transformers(self, make_base, windows, encodings):
        base = make_base()
        rows = make_dataset(windows, base, "ja", True, encodings)
        batch = Collator(base.model.config.pad_token_id)(rows.__getitems__(range(len(windows))))
        ours = window_loss(base.model, batch)
        theirs = base.model(**{k: v for k, v in batch.items() if k not in ("weights", "replay")})
        torch.testing.assert_close(ours, theirs.loss)

    def test_weights_are_how_often_an_answer_counts(self, make_base, windows, encodings):
        base = make_base()
        base.model.eval()
        rows = make_dataset(windows[:1], base, "ja", True, encodings, 3.0, {"t0": "前"})
        batch = Collator(base.model.config.pad_token_id)([rows[0]])
        weighted = window_loss(base.model, batch)
        logits = base.model(
            encoder_outputs=batch["encoder_outputs"], decoder_input_ids=batch["decoder_input_ids"]
        ).logits[0]
        asked = [i for i, label in enumerate(batch["labels"][0].tolist()) if label != -100]
        often = [i for i in asked for _ in range(int(batch["weights"][0, i]))]
        assert len(often) > len(asked)
        by_hand = torch.nn.functional.cross_entropy(logits[often], batch["labels"][0, often])
        torch.testing.assert_close(weighted, by_hand)

    def test_a_frozen_encoder_has_no_dropout(self, make_base, windows):
        base = make_base()
        base.model.get_encoder().requires_grad_(False)
        for layer in base.model.get_encoder().layers:
            layer.dropout = 0.5
        base.model.train()
        losses = {float(self.loss(base, windows[:1], {}).detach()) for _ in range(3)}
        assert len(losses) == 1


class TestDivergence:
    """The loss beside the cross-entropy, on windows of which the last are replay."""

    @pytest.fixture
    def batch(self, make_base, windows, encodings):
        base = make_base()
        rows = make_dataset(windows, base, "ja", True, encodings)
        return Collator(base.model.config.pad_token_id)(rows.__getitems__(range(len(windows))))

    def test_none_from_oneself(self, make_base, batch):
        model, reference = make_base().model, make_base().model
        plain = window_loss(model, batch)
        torch.testing.assert_close(window_loss(model, batch, reference, kl=1.0), plain)

    def test_it_is_that_of_the_replay(self, make_base, batch):
        model, reference = make_base().model, make_base().model
        with torch.no_grad():
            for weight in model.model.decoder.parameters():
                weight.add_(0.05 * torch.randn_like(weight))
        more = window_loss(model, batch, reference, kl=2.0) - window_loss(model, batch)
        # By hand, from whole distributions.
        apart = ("labels", "weights", "replay")
        inputs = {name: value for name, value in batch.items() if name not in apart}
        asked = batch["labels"] != -100
        with torch.no_grad():
            p = reference(**inputs).logits.softmax(-1)
            q = model(**inputs).logits.softmax(-1)
        divergence = (p * (p / q).log()).sum(-1)
        assert batch["replay"].tolist() == [False] * 3 + [True] * 4
        by_hand = 2 * (divergence * asked)[3:].sum() / asked.sum()
        assert by_hand > 0
        torch.testing.assert_close(more.detach(), by_hand, rtol=1e-3, atol=1e-5)

    def test_it_holds_the_answers_to_replay(self, make_base, windows, encodings, tmp_path, batch):
        drift = {}
        for kl in (0.0, 5.0):
            recipe = RECIPE.model_copy(update={"kl": kl})
            model = train(make_base(), windows, tmp_path / str(kl), encodings, recipe)
            plain = window_loss(model, batch)
            with torch.no_grad():
                drift[kl] = float(window_loss(model, batch, make_base().model, kl=1.0) - plain)
        assert 0 <= drift[5.0] < drift[0.0]


def test_scores_are_multiplied_in_the_precision_of_the_training(
    make_base, windows, encodings, tmp_path, monkeypatch
):
    seen = []
    real = token_loss._log_probabilities

    def log_probabilities(states, matrix):
        seen.append((states.dtype, matrix.dtype))
        return real(states, matrix)

    monkeypatch.setattr(token_loss, "_log_probabilities", log_probabilities)
    # A CPU that does not multiply it itself does so slowly.
    monkeypatch.setattr(training, "has_bfloat16", lambda device: True)
    recipe = RECIPE.model_copy(update={"epochs": 1, "kl": 1.0})
    train(make_base(), windows, tmp_path / "state", encodings, recipe)
    assert set(seen) == {(torch.bfloat16, torch.bfloat16)}


def test_noise_is_as_large_as_asked_for(make_base, windows, encodings, monkeypatch):
    base = make_base()
    rows = make_dataset(windows, base, "ja", True, encodings)
    batch = Collator(base.model.config.pad_token_id)(rows.__getitems__(range(len(windows))))
    clean = batch["encoder_outputs"].last_hidden_state
    heard = []
    real = type(base.model).forward

    def forward(self, **inputs):
        heard.append(inputs["encoder_outputs"].last_hidden_state)
        return real(self, **inputs)

    monkeypatch.setattr(type(base.model), "forward", forward)
    base.model.train()
    window_loss(base.model, batch, noise=0.3)
    window_loss(base.model, batch, noise=0.3)
    window_loss(base.model, batch)
    # Not on the development set, while training goes on.
    window_loss(base.model.eval(), batch, noise=0.3)
    noise = heard[0] - clean
    assert float(noise.std() / clean.std()) == pytest.approx(0.3, rel=0.02)
    assert not torch.equal(heard[0], heard[1])
    assert torch.equal(heard[2], clean) and torch.equal(heard[3], clean)


def decode(model, encoding, prompt):
    """What the model answers, greedily: every token, the last included."""
    hidden = BaseModelOutput(last_hidden_state=torch.from_numpy(encoding.astype(np.float32))[None])
    tokens = list(prompt)
    with torch.no_grad():
        while len(tokens) < 60 and tokens[-1] != 50_257:
            scores = model(encoder_outputs=hidden, decoder_input_ids=torch.tensor([tokens])).logits
            tokens.append(int(scores[0, -1].argmax()))
    return tokens[len(prompt) :]


@pytest.mark.parametrize("timestamps", [True, False])
def test_it_learns_the_whole_label_and_to_end(make_base, windows, tmp_path, timestamps):
    base = make_base()
    recipe = Recipe(
        replay=0, epochs=2, batch_size=2, learning_rate=3e-3, warmup_steps=5, timestamps=timestamps
    )
    # Different lengths, so that the shorter label is padded: its end must be learned too.
    chosen = [replace(windows[0], utterances=windows[0].utterances[:1]), windows[1]]
    # A random encoder hears no difference between tones.
    chance = np.random.default_rng(0)
    encodings = {window.id: tmp_path / f"{window.id}.npy" for window in chosen}
    for path in encodings.values():
        np.save(path, chance.normal(size=(1500, 64)).mean(0) * 30 + np.zeros((1500, 1), "f2"))
    model = train(base, chosen * 20, tmp_path / "state", encodings, recipe)
    special = special_ids(base.tokenizer)
    prompt = [special.start, special.language, special.transcribe]
    prompt += [] if timestamps else [special.no_timestamps]
    encode = partial(base.tokenizer.encode, add_special_tokens=False)
    for window in chosen:
        _, targets, _ = window_label(window, encode, special, timestamps)
        answer = decode(model, np.load(encodings[window.id]), prompt)
        assert answer == targets[len(prompt) - 1 :]
