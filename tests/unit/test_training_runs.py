"""Runs of fine-tuning: a killed one ends as an unbroken one does, and none is run twice."""

import json
import os
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pytest
from safetensors.torch import load_file
from small_models import small_base, write_small_model
from small_trainings import (
    RECIPE,
    STEPS,
    Killed,
    changed,
    checkpoints,
    interrupt,
    save_every_step,
    train,
    weights,
)
from transformers import TrainerCallback

import fine_tune as script
from whisper_terms.base_model import load_base
from whisper_terms.checkpoints import last_checkpoint
from whisper_terms.errors import UserError
from whisper_terms.tables import write_table
from whisper_terms.training import WindowTrainer, training_digest
from whisper_terms.windows import COLUMNS, window_rows


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
        ran = steps_run(monkeypatch)
        after = weights(train(make_base(0.2), windows, state, encodings))
        assert not changed(unbroken, after)
        # It did go on, and did not begin again.
        assert len(ran) == (3 - len(steps)) * STEPS

    def test_a_long_epoch_is_not_begun_again(
        self, make_base, windows, encodings, tmp_path, monkeypatch, unbroken
    ):
        state = tmp_path / "state"
        step = 2 * STEPS
        with monkeypatch.context() as patch:
            save_every_step(patch)
            self.broken(make_base, windows, encodings, state, patch, step)
        assert checkpoints(state) == [f"checkpoint-{step - 2}", f"checkpoint-{step - 1}"]
        ran = steps_run(monkeypatch)
        after = weights(train(make_base(0.2), windows, state, encodings))
        assert not changed(unbroken, after)
        assert len(ran) == STEPS + 1

    def test_low_rank_pairs_go_on_too(self, make_base, windows, encodings, tmp_path, monkeypatch):
        recipe = RECIPE.model_copy(update={"train": "lora", "lora_rank": 2, "epochs": 2})
        whole = weights(train(make_base(0.2), windows, tmp_path / "whole", encodings, recipe))
        state = tmp_path / "state"
        self.broken(make_base, windows, encodings, state, monkeypatch, STEPS + 2, recipe)
        assert checkpoints(state)
        after = weights(train(make_base(0.2), windows, state, encodings, recipe))
        assert not changed(whole, after)

    @pytest.mark.parametrize("trained", ["all", "decoder"])
    def test_hidden_bands_and_moments_go_on_too(
        self, make_base, windows, tmp_path, monkeypatch, trained
    ):
        update = {"train": trained, "cached_encoder": False, "spec_augment": True, "epochs": 2}
        recipe = RECIPE.model_copy(update=update)
        # Nothing else is random.
        whole = weights(train(make_base(), windows, tmp_path / "whole", {}, recipe))
        state = tmp_path / "state"
        with monkeypatch.context() as patch, pytest.raises(Killed):
            interrupt(patch, STEPS + 2)
            train(make_base(), windows, state, {}, recipe)
        assert checkpoints(state)
        assert not changed(whole, weights(train(make_base(), windows, state, {}, recipe)))

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


def steps_run(monkeypatch) -> list[int]:
    """Grows by one for each step from now on."""
    ran = []
    real = WindowTrainer.compute_loss
    monkeypatch.setattr(
        WindowTrainer,
        "compute_loss",
        lambda self, *arguments, **others: ran.append(1) or real(self, *arguments, **others),
    )
    return ran


@pytest.mark.parametrize("schedule", ["linear", "cosine", "constant"])
def test_every_schedule_warms_up(make_base, windows, encodings, tmp_path, schedule):
    rates = []

    class Watch(TrainerCallback):
        def on_step_end(self, args, state, control, lr_scheduler, **_):
            rates.append(lr_scheduler.get_last_lr()[0])

    recipe = RECIPE.model_copy(update={"schedule": schedule, "warmup_steps": 3, "epochs": 2})
    train(make_base(0.2), windows, tmp_path, encodings, recipe, callbacks=[Watch()])
    assert rates[:3] == pytest.approx([step / 3 * recipe.learning_rate for step in (1, 2, 3)])


class TestDigest:
    def digest(
        self,
        windows,
        base="base",
        recipe=RECIPE,
        first_voice="one",
        language="ja",
        weighed=MappingProxyType({}),
    ):
        how = {"first_voice": first_voice, "language": language, "weighed": weighed}
        return training_digest(base, windows, recipe, **how)

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

    def test_weighed_words_where_they_weigh(self, windows):
        words, more = {"t": ("動悸",)}, {"t": ("動悸", "動機")}
        assert self.digest(windows, weighed=words) == self.digest(windows, weighed=more)
        heavy = RECIPE.model_copy(update={"term_weight": 3.0})
        digests = [self.digest(windows, recipe=heavy, weighed=one) for one in (words, more)]
        assert digests[0] != digests[1]

    @pytest.mark.parametrize(
        "change", [{"text": "別"}, {"end": 9.0}, {"kind": "term"}, {"voice": "two"}]
    )
    def test_windows(self, windows, change):
        assert self.digest(windows[1:]) != self.digest(windows)
        edited = replace(windows[0].utterances[0], **change)
        utterances = (edited, *windows[0].utterances[1:])
        others = [replace(windows[0], utterances=utterances), *windows[1:]]
        assert self.digest(others) != self.digest(windows)
        for other in ({"split": "dev"}, {"id": "other"}):  # the id stands for the sound
            others = [replace(windows[0], **other), *windows[1:]]
            assert self.digest(others) != self.digest(windows)

    def test_windows_that_the_recipe_does_not_read_do_not(self, windows):
        dev = replace(windows[0], id="dev", split="dev")
        assert self.digest([*windows, dev]) == self.digest(windows)
        patient, plain = (
            RECIPE.model_copy(update=change) for change in ({"patience": 1}, {"replay": 0.0})
        )
        assert self.digest([*windows, dev], recipe=patient) != self.digest(
            [*windows, replace(dev, id="other")], recipe=patient
        )
        terms = [window for window in windows if not window.is_replay]
        assert self.digest(windows, recipe=plain) == self.digest(terms, recipe=plain)

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
        of_the_user = Path("state/mine")
        of_the_user.mkdir()
        other = SINGLE.model_copy(update={"seed": 5})
        monkeypatch.setattr(sys, "argv", [*ARGUMENTS, "--recipe", other.to_json()])
        script.main()
        assert not before.exists() and of_the_user.exists()
        of_the_user.rmdir()
        assert kept() == ["model"]

    def test_weights_of_terms_need_the_terms(self, folder, monkeypatch):
        heavy = SINGLE.model_copy(update={"term_weight": 3.0})
        monkeypatch.setattr(sys, "argv", [*ARGUMENTS, "--recipe", heavy.to_json()])
        with pytest.raises(UserError, match="term_weight is 3, but no term is known"):
            script.main()
        assert not Path("out").exists()

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
