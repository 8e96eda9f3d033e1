"""Where models run."""

import ctypes
import sys

import torch

from whisper_terms.errors import Fault, UserError

# Parameters of mallopt(3), and the largest value that it takes.
_MMAP_THRESHOLD, _TRIM_THRESHOLD, _LARGEST = -3, -1, 2**31 - 1
_LARGEST_ONCE = 32 << 20


def choose_device(name: str) -> torch.device:
    """The device of a name; `auto` is CUDA where there is one, else the CPU.

    Raises:
        UserError: there is no such device.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    # For attention to ever new numbers of tokens cuDNN makes a plan first.
    torch.backends.cuda.enable_cudnn_sdp(False)
    try:
        return torch.zeros(1, device=name).device
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        reason = str(error).splitlines()[0]
        raise UserError(
            Fault(f"the device can't be used: {reason}", "use auto, cpu or cuda", value=name)
        ) from error


def has_bfloat16(device: torch.device) -> bool:
    """Whether a device multiplies bfloat16 matrices itself.

    Emulated, as on GPUs before the Ampere generation and on most CPUs, it is slower than what it
    replaces: measured on such a CPU, at a third of the speed of float32.
    """
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    able = torch.cpu.get_capabilities()
    return bool(able.get("avx512_bf16") or able.get("amx_bf16"))


def repeat_exactly(device: torch.device) -> None:
    """Let sums be taken in the same order every time, for the rest of the process.

    On a CPU the gradient of an embedding is else summed in the order in which threads come, so that
    neither a second run nor one that was resumed ends with the same weights.
    """
    if device.type == "cpu":
        torch.use_deterministic_algorithms(True, warn_only=True)
        # Needed for memory that is read before it is written, which costs time and is not done.
        torch.utils.deterministic.fill_uninitialized_memory = False


def prepare_cpu(threads: int | None) -> None:
    """Use so many CPU threads (None leaves it to torch), and keep memory that tensors free.

    The C library gives large blocks back to the system at once, which then hands out every page of
    the next tensor anew, filled with zeros: measured on a fine-tuning, half of the CPU's time.
    """
    if threads:
        torch.set_num_threads(threads)
    keep = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    # Up to some version glibc takes 32 MB at most; and to set the second alone would make it worse.
    if keep and (keep(_MMAP_THRESHOLD, _LARGEST) or keep(_MMAP_THRESHOLD, _LARGEST_ONCE)):
        keep(_TRIM_THRESHOLD, _LARGEST)
