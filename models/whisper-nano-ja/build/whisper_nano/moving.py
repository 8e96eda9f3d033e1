"""Batches are made on the CPU, by NumPy; the network may be elsewhere."""

from dataclasses import fields, is_dataclass, replace
from typing import TypeVar

import torch
from torch import Tensor

CPU = torch.device("cpu")
Batch = TypeVar("Batch")


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
