"""The trainer's checkpoints: which a killed training goes on from, and what is kept in the end."""

import json
import shutil
from pathlib import Path

from whisper_terms.sharding import is_digest

# What the trainer writes into a checkpoint; one that lacks a file was cut off in the middle.
_CHECKPOINT_FILES = {"trainer_state.json", "optimizer.pt", "scheduler.pt"}
# The same, of a single process and of the first of several.
_RANDOM_STATES = {"rng_state.pth", "rng_state_0.pth"}


def keep_trained(states: Path, digest: str) -> None:
    """Remove the states of all trainings but one, and of that one the checkpoints.

    Args:
        states: folder of the states of trainings, by digest.
        digest: of the training that has ended.
    """
    for state in states.iterdir():
        if state.name != digest and is_digest(state.name) and state.is_dir():
            shutil.rmtree(state)
    for checkpoint in (states / digest).glob("checkpoint-*"):
        shutil.rmtree(checkpoint)


def last_checkpoint(state: Path) -> str | None:
    """The newest whole checkpoint; remains of a checkpoint that was cut off are removed."""
    checkpoints = sorted(
        state.glob("checkpoint-*"), key=lambda path: int(path.name.split("-")[1]), reverse=True
    )
    for path in checkpoints:
        if _is_whole(path):
            return str(path)
        shutil.rmtree(path)
    return None


def _is_whole(checkpoint: Path) -> bool:
    names = {file.name for file in checkpoint.iterdir()}
    if not names >= _CHECKPOINT_FILES or not names & _RANDOM_STATES:
        return False
    try:
        # The trainer writes it last, so what can be read of it stands for the rest.
        json.loads((checkpoint / "trainer_state.json").read_text(encoding="utf-8"))
    except ValueError:
        return False
    return True
