"""Checkpoints within an epoch: with thousands of terms and few cores one lasts for hours."""

import time

import torch
from transformers import TrainerCallback

from whisper_terms.processes import mean_over_processes

# Seconds without one, after which one is written.
AFTER = 600.0
# Writing takes one part in so many of the time of a training, at most.
_SHARE = 20


class TimedSaving(TrainerCallback):
    """Has a checkpoint written when the last one is too long ago.

    A training that goes on from such a checkpoint ends with the weights of an unbroken one, on a
    GPU but for rounding.
    """

    def __init__(self):
        self._wait = AFTER
        self._saved = self._asked = time.monotonic()

    def on_step_end(self, args, state, control, **others):
        """Called after a step; the end of an epoch has its own checkpoint, with its evaluation."""
        now = time.monotonic()
        late = torch.tensor(float(now - self._saved > self._wait), device=args.device)
        # Every process writes a part of a checkpoint.
        (late,) = mean_over_processes(late)
        if late and not float(state.epoch).is_integer():
            control.should_save, self._asked = True, now

    def on_save(self, args, state, control, **others):
        """Called after a checkpoint has been written."""
        now = time.monotonic()
        if self._asked > self._saved:
            self._wait = max(AFTER, _SHARE * (now - self._asked))
        self._saved = now
