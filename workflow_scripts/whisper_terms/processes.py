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
from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
from torch.distributed.run import parse_args, run

from whisper_terms.devices import choose_device
from whisper_terms.errors import Fault, UserError


def start_processes(count: int, batch_size: int) -> None:
    """Run this very script in so many processes, and end with them.

    Nothing happens for a single process, and in those that were started so.

    Args:
        count: how many.
        batch_size: examples in a step, which the processes share.

    Raises:
        UserError: they can't share them evenly.
        SystemExit: the processes have ended.
    """
    if count <= 1 or distributed.is_torchelastic_launched():
        return
    if batch_size % count:
        problem = f"{count} processes can't share a batch of {batch_size}"
        raise UserError(Fault(problem, "change the recipe's batch_size, or the number of GPUs"))
    arguments = parse_args(["--standalone", f"--nproc-per-node={count}", *sys.argv])
    try:
        run(arguments)
    except ChildFailedError as error:
        # It has said itself what is wrong.
        _, failure = error.get_first_failure()
        sys.exit(failure.exitcode)
    sys.exit()


def wait_for_all() -> None:
    """Go on when every process has come here."""
    if distributed.is_initialized():
        distributed.barrier()
        distributed.destroy_process_group()


def process_count() -> int:
    """How many processes train together."""
    return int(os.environ.get("WORLD_SIZE", 1))


def is_first_process() -> bool:
    """Whether this is the process that writes."""
    return int(os.environ.get("RANK", 0)) == 0


def share(threads: int | None) -> int | None:
    """This process's share of a job's CPU threads, at least one; None stays None."""
    return threads and max(1, threads // process_count())


def own_device(name: str) -> torch.device:
    """The device of a name, see `choose_device`; of several processes each has a GPU of its own.

    Raises:
        UserError: there is no such device, or there are fewer GPUs than processes.
    """
    wanted, here = int(os.environ.get("LOCAL_WORLD_SIZE", 1)), torch.cuda.device_count()
    if wanted > 1 and here and name != "cpu":
        if here < wanted:
            problem = f"{wanted} GPUs are asked for, and {here} are here"
            raise UserError(Fault(problem, "lower resources.gpu"))
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    return choose_device(name)


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


def repeated_rows(rows: int, examples: int, accelerator: Accelerator) -> slice:
    """The rows of this process's batch that fill up the last batch of an epoch.

    Where the examples run out, processes get some a second time, so that none waits for ever.

    Args:
        rows: of the batch, in this process.
        examples: of an epoch. The accelerator's own `remainder` is missing in an epoch that a
            training goes on in.
        accelerator: the one that shares out the examples.
    """
    remainder = examples % (rows * accelerator.num_processes)
    last = accelerator.gradient_state.end_of_dataloader
    if accelerator.num_processes == 1 or not last or not remainder:
        return slice(rows, rows)
    return slice(max(0, remainder - accelerator.process_index * rows), rows)


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
