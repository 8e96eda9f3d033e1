"""Trainings that end when the development set gets no better."""

from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file
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


class Listener(TrainerCallback):
    """Notes the loss on the development set, and how many steps were trained."""

    def __init__(self):
        self.losses, self.steps = [], 0

    def on_evaluate(self, args, state, control, metrics, **others):
        self.losses.append(metrics["eval_loss"])

    def on_step_end(self, args, state, control, **others):
        self.steps += 1


class TestPatience:
    # So large that the development set soon gets worse.
    HASTY = RECIPE.model_copy(update={"learning_rate": 0.05, "epochs": 12, "patience": 2})

    @pytest.fixture
    def split(self, windows):
        return windows + [replace(one, id=f"{one.id}-dev", split="dev") for one in windows]

    def test_the_best_epoch_is_taken_and_the_rest_is_spared(self, make_base, split, tmp_path):
        listener, base = Listener(), make_base()
        after = train(base, split, tmp_path / "state", {}, self.HASTY, callbacks=[listener])
        best = listener.losses.index(min(listener.losses))
        assert len(listener.losses) == best + 1 + self.HASTY.patience < self.HASTY.epochs
        assert listener.steps == STEPS * len(listener.losses)
        # The trainer adds nothing to the weights of that epoch.
        state = tmp_path / "state" / f"checkpoint-{STEPS * (best + 1)}"
        kept = load_file(state / "model.safetensors")
        assert all(torch.equal(kept[name], after.state_dict()[name]) for name in kept)

    @pytest.fixture
    def unbroken(self, make_base, split, tmp_path):
        """The weights, and the epochs that it took."""
        listener = Listener()
        base, state = make_base(), tmp_path / "unbroken"
        return weights(train(base, split, state, {}, self.HASTY, callbacks=[listener])), listener

    # In the second epoch, and in the last, when patience is nearly over.
    @pytest.mark.parametrize("last", [False, True])
    def test_a_killed_run_ends_with_the_same_weights(
        self, make_base, split, tmp_path, monkeypatch, unbroken, last
    ):
        expected, before = unbroken
        # Each epoch's steps are followed by as many batches of the development set.
        epochs = len(before.losses) - 1 if last else 1
        with monkeypatch.context() as patch, pytest.raises(Killed):
            interrupt(patch, 2 * STEPS * epochs + 2)
            train(make_base(), split, tmp_path / "state", {}, self.HASTY)
        assert f"checkpoint-{STEPS * epochs}" in checkpoints(tmp_path / "state")
        listener = Listener()
        base, state = make_base(), tmp_path / "state"
        resumed = weights(train(base, split, state, {}, self.HASTY, callbacks=[listener]))
        assert not changed(expected, resumed)
        assert listener.losses == before.losses[epochs:]

    def test_checkpoints_within_epochs_change_nothing(
        self, make_base, split, tmp_path, monkeypatch, unbroken
    ):
        expected, before = unbroken
        state = tmp_path / "state"
        # In the last step of the second epoch, which goes on to its own evaluation.
        with monkeypatch.context() as patch, pytest.raises(Killed):
            save_every_step(patch)
            interrupt(patch, 3 * STEPS)
            train(make_base(), split, state, {}, self.HASTY)
        assert f"checkpoint-{2 * STEPS - 1}" in checkpoints(state)
        listener = Listener()
        resumed = train(make_base(), split, state, {}, self.HASTY, callbacks=[listener])
        assert not changed(expected, weights(resumed))
        assert listener.losses == before.losses[1:]

    def test_a_run_that_had_stopped_trains_no_more(self, make_base, split, tmp_path, unbroken):
        expected, _ = unbroken
        listener = Listener()
        base, state = make_base(), tmp_path / "unbroken"
        again = weights(train(base, split, state, {}, self.HASTY, callbacks=[listener]))
        assert not changed(expected, again)
        assert listener.steps == 0
