"""Training in several processes, one on each GPU, as torch's own launcher starts them.

Each process takes its share of every batch. What divides a loss counts over the whole batch, so
that several processes train what one would; where there is one, nothing changes.
"""

import os
import sys
from typing import Any

import torch
from accelerate import Accelerator
from torch import Tensor, distributed

from whisper_terms.errors import Fault, UserError


def start_processes(count: int) -> None:
    """Run this very script in so many processes, in place of this one.

    Nothing happens for a single process, and in those that were started so.
    """
    if count > 1 and not distributed.is_torchelastic_launched():
        launcher = ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={count}"]
        os.execv(sys.executable, [sys.executable, *launcher, *sys.argv])


def process_count() -> int:
    """How many processes train together."""
    return int(os.environ.get("WORLD_SIZE", 1))


def is_first_process() -> bool:
    """Whether this is the process that writes."""
    return int(os.environ.get("RANK", 0)) == 0


def share(threads: int | None) -> int | None:
    """This process's share of a job's CPU threads, at least one; None stays None."""
    return threads and max(1, threads // process_count())


def check_devices(device: torch.device) -> None:
    """Each process needs a device of its own.

    Raises:
        UserError: there are fewer GPUs than processes.
    """
    wanted = int(os.environ.get("LOCAL_WORLD_SIZE", 1))
    if device.type == "cuda" and torch.cuda.device_count() < wanted:
        problem = f"{wanted} GPUs are asked for, and {torch.cuda.device_count()} are here"
        raise UserError(Fault(problem, "lower resources.gpu"))


def mean_over_processes(*counts: Tensor) -> tuple[Tensor, ...]:
    """The means of some scalars over all processes; every process must call this.

    Gradients are averaged over processes. A process's sum of losses over the mean count of labels
    therefore gives the sum of all over the count of all.
    """
    if not distributed.is_initialized():
        return counts
    together = torch.stack([count.detach().float() for count in counts])
    distributed.all_reduce(together)
    return tuple(together / distributed.get_world_size())


def repeated_rows(rows: int, accelerator: Accelerator) -> slice:
    """The rows of this process's batch that fill up the last batch of an epoch.

    Where the examples run out, processes get some a second time, so that none waits for ever.

    Args:
        rows: of the batch, in this process.
        accelerator: the one that shares out the examples.
    """
    state = accelerator.gradient_state
    if accelerator.num_processes == 1 or not state.end_of_dataloader or state.remainder <= 0:
        return slice(rows, rows)
    return slice(max(0, state.remainder - accelerator.process_index * rows), rows)


def leave_out(inputs: dict[str, Any], rows: slice, ignored: int) -> dict[str, Any]:
    """A batch of `Collator` in which some rows count for nothing.

    Args:
        inputs: the batch.
        rows: which.
        ignored: the label that says so.
    """
    labels, weights, replay = (inputs[name].clone() for name in ("labels", "weights", "replay"))
    labels[rows], weights[rows], replay[rows] = ignored, 0.0, False
    return inputs | {"labels": labels, "weights": weights, "replay": replay}
