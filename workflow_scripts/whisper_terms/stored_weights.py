"""Weights that stay on the disk, for what needs several models and has room for one."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from whisper_terms.errors import Fault, UserError
from whisper_terms.model_files import check_model_files


class StoredWeights(Mapping[str, Tensor]):
    """The weights of a model directory by name, each read, in float32, when it is asked for."""

    def __init__(self, directory: str | Path):
        """Open the directory's model.safetensors, as `base_model.save_model` writes it.

        Raises:
            UserError: it is no whole model, or its weights lie in other files.
        """
        directory = Path(directory)
        check_model_files(directory)
        try:
            self._file = safe_open(directory / "model.safetensors", framework="pt")
        except (OSError, SafetensorError) as error:
            cure = "make the model again, in one model.safetensors"
            raise UserError(Fault(f"no weights can be read: {error}", cure, directory)) from error

    def __getitem__(self, name: str) -> Tensor:
        try:
            return self._file.get_tensor(name).to(torch.float32)
        except SafetensorError as error:
            raise KeyError(name) from error

    def __iter__(self) -> Iterator[str]:
        return iter(self._file.keys())

    def __len__(self) -> int:
        return len(self._file.keys())
