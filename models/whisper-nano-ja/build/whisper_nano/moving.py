"""Batches are made on the CPU, by NumPy; the network may be elsewhere."""

import os
from dataclasses import fields, is_dataclass, replace
from typing import TypeVar

import torch
from torch import Tensor

CPU = torch.device("cpu")
Batch = TypeVar("Batch")


def batch_workers(device: torch.device, threads: int | None) -> int:
    """How many processes make batches: on a CPU none, since the network needs the cores itself."""
    return 0 if device.type == "cpu" else max(1, (threads or os.cpu_count() or 1) - 1)


def to_device(batch: Batch, device: torch.device) -> Batch:
    """A batch with its tensors on a device.

    Args:
        batch: a dataclass of tensors, of other such dataclasses, and of anything that stays.
        device: where to.
    """
    values = {field.name: getattr(batch, field.name) for field in fields(batch)}
    moved = {
        name: value.to(device) if isinstance(value, Tensor) else to_device(value, device)
        for name, value in values.items()
        if isinstance(value, Tensor) or is_dataclass(value)
    }
    return replace(batch, **moved)
