"""What a user did wrong, said once, with the place and the cure."""

import errno
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Fault:
    """One problem in the user's input.

    Attributes:
        problem: what is wrong, in one sentence without a full stop.
        cure: what the user should do about it.
        file: the file that holds the problem, if one does.
        row: its 1-based line in that file, if it has one.
        value: the offending text as it was found.
    """

    problem: str
    cure: str = ""
    file: str | Path = ""
    row: int | None = None
    value: str | None = None

    def __str__(self) -> str:
        place = str(self.file)
        if self.row is not None:
            place += f":{self.row}"
        value = "" if self.value is None else f" ({_shorten(self.value)!r})"
        cure = f"\n    cure: {self.cure}" if self.cure else ""
        return f"{place}: {self.problem}{value}{cure}" if place else f"{self.problem}{value}{cure}"


_DISK_IS_FULL = (errno.ENOSPC, errno.EDQUOT)
_MORE_DISK = (
    "free some space, or put `results` on a larger disk (if there is space, ask for your quota); "
    "what is made so far is kept"
)
_LESS_MEMORY = "lower batch_size, or free the GPU of other programs; device: cpu needs none"


class UserError(Exception):
    """All the problems of an input at once; never shown with a traceback."""

    def __init__(self, faults: Fault | Iterable[Fault]):
        self.faults = [faults] if isinstance(faults, Fault) else list(faults)
        super().__init__("\n".join(str(fault) for fault in self.faults))


@contextmanager
def reading(path: str | Path) -> Iterator[None]:
    """Tell what keeps a UTF-8 text file from being read, as a UserError."""
    try:
        yield
    except FileNotFoundError:
        raise UserError(Fault("no such file", "check the path", path)) from None
    except OSError as error:
        problem = f"can't be read: {error.strerror}"
        raise UserError(Fault(problem, "give the path of a readable file", path)) from None
    except UnicodeDecodeError as error:
        fault = Fault(f"not UTF-8 (byte {error.start})", "save the file as UTF-8", path)
        raise UserError(fault) from None


def run_script(main: Callable[[], int | None]) -> None:
    """Run a script's main function.

    A UserError, a full disk and a GPU without memory are told readably and end it with status 2.
    """
    try:
        sys.exit(main() or 0)
    except UserError as error:
        _tell(error)
    except Exception as error:
        fault = _of_the_machine(error)
        if fault is None:
            raise
        _tell(UserError(fault))
    sys.exit(2)


def _tell(error: UserError) -> None:
    count = len(error.faults)
    print(f"error: {count} problem{'s' if count != 1 else ''} found", file=sys.stderr)
    print(error, file=sys.stderr)


def _of_the_machine(error: Exception) -> Fault | None:
    """What the machine lacks, if that is what the error says."""
    if _is_from("torch", "OutOfMemoryError", error):
        reason = str(error).splitlines()[0]
        return Fault(f"the GPU has too little memory: {reason}", _LESS_MEMORY)
    if isinstance(error, OSError):
        number, file = error.errno, error.filename or ""
    elif _is_from("safetensors", "SafetensorError", error):
        # Its I/O errors have their number in the text alone.
        said = re.search(r"os error (\d+)", str(error))
        number, file = int(said[1]) if said else None, ""
    else:
        return None
    if number not in _DISK_IS_FULL:
        return None
    return Fault(f"nothing more can be written: {os.strerror(number)}", _MORE_DISK, file)


def _is_from(package: str, name: str, error: Exception) -> bool:
    # Scripts that use a package have loaded it; the others need not for this.
    module = sys.modules.get(package)
    return module is not None and isinstance(error, getattr(module, name))


def _shorten(value: str, limit: int = 60) -> str:
    return value if len(value) <= limit else value[: limit - 1] + "…"
