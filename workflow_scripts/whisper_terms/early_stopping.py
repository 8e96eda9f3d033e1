"""Early stopping, told from the losses alone, so that a resumed training stops where it would have.

The trainer's own callback counts in memory, and begins anew after a kill.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from transformers import TrainerCallback


def is_over(history: Sequence[Mapping[str, Any]], patience: int) -> bool:
    """Whether the loss on the development set has been no lower for too many epochs.

    Args:
        history: a trainer's log, of which entries with `eval_loss` count, one an epoch.
        patience: epochs without a lower loss that are borne.
    """
    losses = [entry["eval_loss"] for entry in history if "eval_loss" in entry]
    return bool(losses) and len(losses) - 1 - losses.index(min(losses)) >= patience


def epochs_when_over(checkpoint: str | None, patience: int | None) -> int | None:
    """After how many epochs a training has stopped; None if it has not, or has none to stop by.

    Args:
        checkpoint: its newest one, if any.
        patience: see `is_over`; None for none.
    """
    if not checkpoint or not patience:
        return None
    state = json.loads(Path(checkpoint, "trainer_state.json").read_text(encoding="utf-8"))
    return round(state["epoch"]) if is_over(state["log_history"], patience) else None


class Patience(TrainerCallback):
    """Ends a training when its patience is over."""

    def __init__(self, epochs: int):
        """See `is_over`."""
        self.epochs = epochs

    def on_evaluate(self, args, state, control, **others):
        """Called after the loss has been logged."""
        if is_over(state.log_history, self.epochs):
            control.should_training_stop = True
