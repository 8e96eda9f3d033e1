"""Where models run."""

import torch

from whisper_terms.errors import Fault, UserError


def choose_device(name: str) -> torch.device:
    """The device of a name; `auto` is CUDA where there is one, else the CPU.

    Raises:
        UserError: there is no such device.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        return torch.zeros(1, device=name).device
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        reason = str(error).splitlines()[0]
        raise UserError(
            Fault(f"the device can't be used: {reason}", "use auto, cpu or cuda", value=name)
        ) from error


def limit_threads(threads: int | None) -> None:
    """Use so many CPU threads; None leaves it to torch."""
    if threads:
        torch.set_num_threads(threads)
