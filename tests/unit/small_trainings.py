"""A recipe that trains in a second, and what tells two trainings apart."""

import torch

from whisper_terms import timed_saving
from whisper_terms.config import Recipe
from whisper_terms.training import WindowTrainer, fine_tune

RECIPE = Recipe(replay=0.4, epochs=3, batch_size=2, learning_rate=1e-3, warmup_steps=1)
# Three windows of terms and two of replay make three steps of an epoch.
STEPS = 3


def train(base, windows, state, encodings, recipe=RECIPE, device="cpu", callbacks=()):
    return fine_tune(
        base,
        windows,
        recipe,
        state,
        first_voice="one",
        language="ja",
        device=device,
        encodings=encodings,
        callbacks=callbacks,
    )


def weights(model):
    return {name: value.detach().clone() for name, value in model.state_dict().items()}


def changed(before, after):
    assert before.keys() == after.keys()
    return {name for name in before if not torch.equal(before[name], after[name])}


def checkpoints(state):
    return sorted(path.name for path in state.glob("checkpoint-*"))


class Killed(BaseException):
    """What a signal does, as far as the trainer can tell."""


def save_every_step(monkeypatch):
    """Have trainings write a checkpoint after each step."""
    monkeypatch.setattr(timed_saving, "AFTER", 0.0)
    monkeypatch.setattr(timed_saving, "_SHARE", 0)


def interrupt(monkeypatch, step):
    """Make the trainer die in that step, counted from one."""
    steps = iter(range(1, 10**6))
    real = WindowTrainer.compute_loss

    def die(self, *arguments, **others):
        if next(steps) == step:
            raise Killed
        return real(self, *arguments, **others)

    monkeypatch.setattr(WindowTrainer, "compute_loss", die)
