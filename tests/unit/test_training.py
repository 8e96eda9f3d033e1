"""Fine-tuning: what changes, what it learns, and that a killed run ends as an unbroken one does."""

import json
import os
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from small_models import small_base, write_small_model
from small_windows import sounding_windows
from transformers import WhisperForConditionalGeneration
from transformers.modeling_outputs import BaseModelOutput

import fine_tune as script
from whisper_terms.base_model import load_base, special_ids
from whisper_terms.config import Recipe
from whisper_terms.encodings import encode_windows
from whisper_terms.errors import UserError
from whisper_terms.examples import Collator, make_dataset
from whisper_terms.tables import write_table
from whisper_terms.tokenizer import build_tokenizer
from whisper_terms.training import (
    WindowTrainer,
    fine_tune,
    last_checkpoint,
    training_digest,
    window_loss,
)
from whisper_terms.windows import COLUMNS, window_label, window_rows

RECIPE = Recipe(replay=0.4, epochs=3, batch_size=2, learning_rate=1e-3, warmup_steps=1)
# Three windows of terms and two of replay make three steps of an epoch.
STEPS = 3


@pytest.fixture(scope="module")
def tokenizer():
    return build_tokenizer()


@pytest.fixture(scope="module")
def windows(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wavs")
    return sounding_windows(folder, 3) + sounding_windows(folder, 4, kind="replay")


@pytest.fixture
def make_base(tokenizer, tmp_path):
    def make(dropout=0.0):
        base = small_base(tmp_path / "base", tokenizer)
        for layer in base.model.model.decoder.layers:
            layer.dropout = dropout
        return base

    return make


@pytest.fixture(scope="module")
def encodings(tokenizer, windows, tmp_path_factory):
    base = small_base(tmp_path_factory.mktemp("base"), tokenizer)
    store = tmp_path_factory.mktemp("store")
    return encode_windows(windows, base.model, base.feature_extractor, store, "digest")


def train(base, windows, state, encodings, recipe=RECIPE, device="cpu"):
    return fine_tune(
        base,
        windows,
        recipe,
        state,
        first_voice="one",
        language="ja",
        device=device,
        encodings=encodings,
    )


def weights(model):
    return {name: value.detach().clone() for name, value in model.state_dict().items()}


def changed(before, after):
    assert before.keys() == after.keys()
    return {name for name in before if not torch.equal(before[name], after[name])}


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
    window_loss(base.model, batch, noise=0.3)
    window_loss(base.model, batch, noise=0.3)
    window_loss(base.model, batch)
    noise = heard[0] - clean
    assert float(noise.std() / clean.std()) == pytest.approx(0.3, rel=0.02)
    assert not torch.equal(heard[0], heard[1]) and torch.equal(heard[2], clean)


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


class Killed(BaseException):
    """What a signal does, as far as the trainer can tell."""


def interrupt(monkeypatch, step):
    """Make the trainer die in that step, counted from one."""
    steps = iter(range(1, 10**6))
    real = WindowTrainer.compute_loss

    def die(self, *arguments, **others):
        if next(steps) == step:
            raise Killed
        return real(self, *arguments, **others)

    monkeypatch.setattr(WindowTrainer, "compute_loss", die)


def checkpoints(state):
    return sorted(path.name for path in state.glob("checkpoint-*"))


class TestResuming:
    @pytest.fixture(scope="class")
    def unbroken(self, tokenizer, windows, encodings, tmp_path_factory):
        base = small_base(tmp_path_factory.mktemp("base"), tokenizer)
        for layer in base.model.model.decoder.layers:
            layer.dropout = 0.2
        return weights(train(base, windows, tmp_path_factory.mktemp("state"), encodings))

    def broken(self, make_base, windows, encodings, state, monkeypatch, step, recipe=RECIPE):
        with monkeypatch.context() as patch, pytest.raises(Killed):
            interrupt(patch, step)
            train(make_base(0.2), windows, state, encodings, recipe)

    def test_dropout_matters(self, make_base, windows, encodings, tmp_path, unbroken):
        # Else the state of the random numbers would not be tested.
        assert changed(unbroken, weights(train(make_base(), windows, tmp_path / "s", encodings)))

    # In the middle of the second epoch; and at the ends of the first and the second.
    @pytest.mark.parametrize("steps", [[STEPS + 2], [STEPS + 1, STEPS + 1]])
    def test_a_killed_run_ends_with_the_same_weights(
        self, make_base, windows, encodings, tmp_path, monkeypatch, unbroken, steps
    ):
        state = tmp_path / "state"
        for step in steps:
            self.broken(make_base, windows, encodings, state, monkeypatch, step)
        assert checkpoints(state)
        ran = []
        real = WindowTrainer.compute_loss
        monkeypatch.setattr(
            WindowTrainer,
            "compute_loss",
            lambda self, *arguments, **others: ran.append(1) or real(self, *arguments, **others),
        )
        after = weights(train(make_base(0.2), windows, state, encodings))
        assert not changed(unbroken, after)
        # It did go on, and did not begin again.
        assert len(ran) == (3 - len(steps)) * STEPS

    def test_low_rank_pairs_go_on_too(self, make_base, windows, encodings, tmp_path, monkeypatch):
        recipe = RECIPE.model_copy(update={"train": "lora", "lora_rank": 2, "epochs": 2})
        whole = weights(train(make_base(0.2), windows, tmp_path / "whole", encodings, recipe))
        state = tmp_path / "state"
        self.broken(make_base, windows, encodings, state, monkeypatch, STEPS + 2, recipe)
        assert checkpoints(state)
        after = weights(train(make_base(0.2), windows, state, encodings, recipe))
        assert not changed(whole, after)

    def test_killed_before_any_checkpoint(
        self, make_base, windows, encodings, tmp_path, monkeypatch, unbroken
    ):
        state = tmp_path / "state"
        self.broken(make_base, windows, encodings, state, monkeypatch, 2)
        assert checkpoints(state) == []
        assert not changed(unbroken, weights(train(make_base(0.2), windows, state, encodings)))

    def test_killed_between_the_end_and_the_writing(
        self, make_base, windows, encodings, tmp_path, monkeypatch, unbroken
    ):
        state = tmp_path / "state"
        train(make_base(0.2), windows, state, encodings)
        interrupt(monkeypatch, 1)
        assert not changed(unbroken, weights(train(make_base(0.2), windows, state, encodings)))

    def test_a_half_written_checkpoint_is_discarded(
        self, make_base, windows, encodings, tmp_path, monkeypatch, unbroken
    ):
        state = tmp_path / "state"
        self.broken(make_base, windows, encodings, state, monkeypatch, 2 * STEPS + 1)
        assert checkpoints(state) == [f"checkpoint-{STEPS}", f"checkpoint-{2 * STEPS}"]
        newest = state / f"checkpoint-{2 * STEPS}" / "trainer_state.json"
        newest.write_bytes(newest.read_bytes()[:40])
        assert not changed(unbroken, weights(train(make_base(0.2), windows, state, encodings)))

    def test_the_newest_by_number(self, tmp_path):
        assert last_checkpoint(tmp_path / "absent") is None
        for step in (9, 10, 100):
            folder = tmp_path / f"checkpoint-{step}"
            folder.mkdir()
            for name in ("optimizer.pt", "scheduler.pt", "rng_state.pth"):
                (folder / name).touch()
            (folder / "trainer_state.json").write_text(json.dumps({}))
        assert last_checkpoint(tmp_path) == str(tmp_path / "checkpoint-100")
        (tmp_path / "checkpoint-100" / "optimizer.pt").unlink()
        assert last_checkpoint(tmp_path) == str(tmp_path / "checkpoint-10")
        (tmp_path / "checkpoint-10" / "trainer_state.json").write_text('{"epoch": 1')
        assert last_checkpoint(tmp_path) == str(tmp_path / "checkpoint-9")
        assert checkpoints(tmp_path) == ["checkpoint-9"]


class TestDigest:
    def digest(self, windows, base="base", recipe=RECIPE, first_voice="one", language="ja"):
        return training_digest(base, windows, recipe, first_voice=first_voice, language=language)

    @pytest.mark.parametrize(
        "change",
        [
            {"base": "other"},
            {"recipe": RECIPE.model_copy(update={"seed": 1})},
            {"recipe": RECIPE.model_copy(update={"learning_rate": 2e-3})},
            {"recipe": RECIPE.model_copy(update={"kl": 0.1})},
            {"first_voice": "two"},
            {"language": "en"},
        ],
    )
    def test_all_that_matters(self, windows, change):
        assert self.digest(windows, **change) != self.digest(windows)

    @pytest.mark.parametrize(
        "change", [{"text": "別"}, {"end": 9.0}, {"kind": "term"}, {"voice": "two"}]
    )
    def test_windows(self, windows, change):
        assert self.digest(windows[1:]) != self.digest(windows)
        edited = replace(windows[0].utterances[0], **change)
        utterances = (edited, *windows[0].utterances[1:])
        others = [replace(windows[0], utterances=utterances), *windows[1:]]
        assert self.digest(others) != self.digest(windows)
        assert self.digest([replace(windows[0], split="dev"), *windows[1:]]) != self.digest(windows)

    def test_what_comes_after_training_does_not(self, windows):
        for change in ({"interpolation": (0.5,)}, {"forgetting_budget": 0.1}):
            other = self.digest(windows, recipe=RECIPE.model_copy(update=change))
            assert other == self.digest(windows)

    def test_where_the_sound_lies_does_not(self, windows):
        moved = [replace(one, audio=f"/moved/{one.audio}") for one in windows[0].utterances]
        others = [replace(windows[0], utterances=tuple(moved)), *windows[1:]]
        assert self.digest(others) == self.digest(windows)


ARGUMENTS = (
    "fine_tune --base model --windows windows.tsv --first-voice one --state state"
    " --output out --device cpu --threads 1"
).split()
SINGLE = RECIPE.model_copy(update={"cached_encoder": False, "epochs": 2})


def kept() -> list[str]:
    """What is kept of the only training."""
    (state,) = Path("state").iterdir()
    return [path.name for path in state.iterdir()]


class TestScript:
    @pytest.fixture
    def folder(self, tmp_path, windows, monkeypatch):
        monkeypatch.chdir(tmp_path)
        write_small_model(tmp_path / "model")
        write_table("windows.tsv", COLUMNS, window_rows(windows))
        monkeypatch.setattr(sys, "argv", [*ARGUMENTS, "--recipe", SINGLE.to_json()])
        return tmp_path

    def test_the_model_is_whole_and_the_checkpoints_are_gone(self, folder):
        script.main()
        assert kept() == ["model"]
        model = load_base("out").model
        assert changed(weights(load_base("model").model), weights(model))
        copied = Path("out/generation_config.json").read_bytes()
        assert copied == Path("model/generation_config.json").read_bytes()

    def test_the_same_training_is_not_run_again(self, folder, monkeypatch):
        script.main()
        before = Path("out/model.safetensors").read_bytes()
        # What Snakemake does before it runs a job again.
        shutil.rmtree("out")
        monkeypatch.setattr(WindowTrainer, "compute_loss", None)
        script.main()
        assert Path("out/model.safetensors").read_bytes() == before
        assert kept() == ["model"]

    def test_another_training_takes_its_place(self, folder, monkeypatch):
        script.main()
        (before,) = Path("state").iterdir()
        other = SINGLE.model_copy(update={"seed": 5})
        monkeypatch.setattr(sys, "argv", [*ARGUMENTS, "--recipe", other.to_json()])
        script.main()
        assert not before.exists() and kept() == ["model"]

    @pytest.mark.slow
    def test_a_run_that_was_killed_goes_on(self, folder):
        script.main()
        expected = load_file("out/model.safetensors")
        shutil.rmtree("state")
        # SIGKILL in the first step of the second epoch.
        code = (
            "import os, signal, sys;"
            "from whisper_terms import training;"
            "import fine_tune;"
            "steps, real = iter(range(1, 99)), training.WindowTrainer.compute_loss;"
            "training.WindowTrainer.compute_loss = lambda *a, **b:"
            f" os.kill(os.getpid(), signal.SIGKILL) if next(steps) > {STEPS} else real(*a, **b);"
            "fine_tune.main()"
        )
        killed = subprocess.run(
            [sys.executable, "-c", code, *sys.argv[1:]],
            env=os.environ | {"PYTHONPATH": str(Path(script.__file__).parent)},
            capture_output=True,
        )
        assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()
        (state,) = Path("state").iterdir()
        assert checkpoints(state) == [f"checkpoint-{STEPS}"]
        script.main()
        after = load_file("out/model.safetensors")
        assert all(np.array_equal(expected[name], after[name]) for name in expected)
        assert kept() == ["model"]
