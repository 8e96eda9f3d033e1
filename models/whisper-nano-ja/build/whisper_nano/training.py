"""The loop of every stage: Muon and AdamW, a course of the learning rate, checkpoints.

What is random in a step follows from the seed and the step's number alone, so a run that was
killed goes on from its last checkpoint and ends with the weights of an unbroken run.
"""

import math
import resource
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from whisper_nano.settings import Stage
from whisper_terms.sharding import digest
from whisper_terms.speech.store import file_digest
from whisper_terms.tables import atomic_path

CHECKPOINT = "checkpoint.pt"
_MEASURED_STEPS = 100
_AHEAD = 3  # batches that each worker makes before they are asked for

Batch = TypeVar("Batch")
# (rng, share of the steps done) -> a batch, on the CPU and maybe in another process.
Make = Callable[[np.random.Generator, float], Batch]
# A batch -> measures, each a scalar; adds gradients to the weights.
Learn = Callable[[Batch], Mapping[str, Tensor]]

# Raised when the same stage and files train other weights than before.
_METHOD = 2


def train(
    modules: Sequence[tuple[nn.Module, float]],
    make: Make,
    learn: Learn,
    stage: Stage,
    state: Path,
    workers: int = 0,
) -> None:
    """Train modules, and print the mean of each measure now and then.

    Args:
        modules: what is trained, with the peak of its learning rate.
        make: makes a batch.
        learn: computes losses of a batch and their gradients.
        stage: how long, and the course of the learning rate.
        state: folder of the checkpoint, of this training alone.
        workers: processes that make batches ahead; with 0 they are made in between. The batches are
            the same.
    """
    optimiser = Optimisers(modules)
    weights = nn.ModuleList([module for module, _ in modules])
    log, checkpoint = MeasureLog(stage.steps), state / CHECKPOINT
    done = _resume(weights, optimiser, checkpoint)
    batches = iter(make_batches(make, stage, done, workers))
    for number in range(done, stage.steps):
        optimiser.prepare(learning_rate(number, stage))
        log.add(number, learn(next(batches)))
        nn.utils.clip_grad_norm_(_trainable(weights), 1.0)
        optimiser.step()
        if (number + 1) % stage.checkpoint_steps == 0:
            _save(weights, optimiser, number + 1, checkpoint)


def make_batches(make: Make, stage: Stage, done: int, workers: int) -> Iterable:
    """The batches of the steps from number `done` on, in their order."""
    if workers:
        # Each tensor that waits is an open file, of which a process may have a thousand by default.
        most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    return DataLoader(
        _Batches(make, stage),
        batch_size=None,
        sampler=range(done, stage.steps),
        num_workers=workers,
        collate_fn=_unchanged,
        # What is spoken is there already, and not copied.
        multiprocessing_context="fork" if workers else None,
        prefetch_factor=_AHEAD if workers else None,
    )


class _Batches(Dataset):
    """The batches of a stage's steps, each made from its number."""

    def __init__(self, make: Make, stage: Stage):
        self._make, self._stage = make, stage

    def __getitem__(self, number: int):
        rng = np.random.default_rng([self._stage.seed, number])
        return self._make(rng, number / self._stage.steps)


def _unchanged(batch: Batch) -> Batch:
    return batch


def learning_rate(step: int, stage: Stage) -> float:
    """A step's learning rate as a share of its peak: it rises, holds, and falls by a cosine."""
    done = step / stage.steps
    rate = min(1.0, (step + 1) / stage.warmup_steps)
    if done > stage.hold:
        fallen = (done - stage.hold) / (1 - stage.hold)
        rate *= min(1.0, 0.5 * (1 + math.cos(math.pi * fallen)) + stage.floor)
    return rate


def state_folder(states: Path, stage: str, inputs: Sequence[Path]) -> Path:
    """The folder for the checkpoints of one training, so that no other one resumes there.

    Args:
        states: folder of such folders.
        stage: the stage's settings, JSON.
        inputs: all files that it is trained on.
    """
    return states / digest([_METHOD, stage, [file_digest(path) for path in inputs]])


class Optimisers:
    """Muon for the matrices inside the layers, AdamW for all other weights.

    Muon: Jordan et al. (2024); its updates are scaled to the size of AdamW's (Liu et al., "Muon is
    scalable for LLM training", 2025, arXiv:2502.16982), so both take one learning rate.
    """

    def __init__(self, modules: Sequence[tuple[nn.Module, float]]):
        """Optimise modules, each with the peak of its learning rate."""
        matrices, others = [], []
        for module, rate in modules:
            named = [(name, weight) for name, weight in module.named_parameters()]
            trained = [(name, weight) for name, weight in named if weight.requires_grad]
            for chosen, inner in ((matrices, True), (others, False)):
                weights = [w for name, w in trained if _is_inner_matrix(name, w) == inner]
                if weights:
                    chosen.append({"params": weights, "lr": rate, "peak": rate})
        self._optimisers = [
            torch.optim.AdamW(others, betas=(0.9, 0.98), weight_decay=0.01, fused=True)
        ]
        if matrices:
            muon = torch.optim.Muon(matrices, weight_decay=0.01, adjust_lr_fn="match_rms_adamw")
            self._optimisers.append(muon)

    def prepare(self, share: float) -> None:
        """Set the learning rates to a share of their peaks, and forget the gradients."""
        for optimiser in self._optimisers:
            for group in optimiser.param_groups:
                group["lr"] = group["peak"] * share
            optimiser.zero_grad(set_to_none=True)

    def step(self) -> None:
        for optimiser in self._optimisers:
            optimiser.step()

    def state_dict(self) -> list[dict]:
        return [optimiser.state_dict() for optimiser in self._optimisers]

    def load_state_dict(self, states: Sequence[dict]) -> None:
        for optimiser, state in zip(self._optimisers, states, strict=True):
            optimiser.load_state_dict(state)


class MeasureLog:
    """Prints the mean of measures every hundred steps, and at the end."""

    def __init__(self, steps: int):
        self._steps, self._rows, self._start = steps, [], time.perf_counter()

    def add(self, number: int, measures: Mapping[str, Tensor]) -> None:
        """Note the measures of a step (numbered from 0)."""
        self._rows.append(measures)
        if (number + 1) % _MEASURED_STEPS == 0 or number + 1 == self._steps:
            # Not before: to read a number from a GPU is to wait for it.
            means = {
                name: np.nanmean([float(row[name]) for row in self._rows]) for name in measures
            }
            minutes = (time.perf_counter() - self._start) / 60
            values = ", ".join(f"{name} {mean:.3f}" for name, mean in means.items())
            print(f"step {number + 1}/{self._steps}, {minutes:.2f} min: {values}", flush=True)
            self._rows = []


def _is_inner_matrix(name: str, weight: nn.Parameter) -> bool:
    return weight.dim() == 2 and "layers." in name


def _trainable(module: nn.Module) -> list[nn.Parameter]:
    return [weight for weight in module.parameters() if weight.requires_grad]


def _save(weights: nn.Module, optimiser, done: int, checkpoint: Path) -> None:
    content = {"weights": weights.state_dict(), "optimiser": optimiser.state_dict(), "done": done}
    with atomic_path(checkpoint) as temporary, temporary.open("wb") as out:
        torch.save(content, out)


def _resume(weights: nn.Module, optimiser, checkpoint: Path) -> int:
    """Load the checkpoint if there is one; how many steps it has done."""
    if not checkpoint.exists():
        return 0
    # Both load states copy to where their weights are.
    content = torch.load(checkpoint, map_location="cpu", weights_only=True)
    weights.load_state_dict(content["weights"])
    optimiser.load_state_dict(content["optimiser"])
    print(f"resumed after {content['done']} steps", flush=True)
    return content["done"]
