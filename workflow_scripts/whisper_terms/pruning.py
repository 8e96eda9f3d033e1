"""What lies in the stores of speech and encodings and is of no use any more."""

import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

# A temporary file of this age was left by a job that was killed; a younger one may be in use.
_ABANDONED_SECONDS = 24 * 3600


@dataclass(frozen=True)
class Leftovers:
    """The files of a store that nothing uses.

    Attributes:
        files: them.
        kept: how many others there are.
    """

    files: tuple[Path, ...]
    kept: int

    @property
    def size(self) -> int:
        """Bytes on disk."""
        return sum(file.stat().st_size for file in self.files)

    def remove(self) -> None:
        """Delete the files, and folders that are empty then."""
        for file in self.files:
            file.unlink()
        for folder in {file.parent for file in self.files}:
            if not any(folder.iterdir()):
                folder.rmdir()


def find_leftovers(store: Path, used: Iterable[Path]) -> Leftovers:
    """The files in a store that are none of those in use, old remains of killed jobs among them.

    Args:
        store: a folder that is the store's own; it need not exist.
        used: files in it that are needed, made already or not.
    """
    needed = {file.absolute() for file in used}
    files = sorted(path for path in store.rglob("*") if path.is_file() and not _is_young(path))
    unused = tuple(file for file in files if file.absolute() not in needed)
    return Leftovers(unused, len(files) - len(unused))


def _is_young(path: Path) -> bool:
    """Whether this is a temporary file of a moment ago, see `tables.atomic_path`."""
    if not path.name.startswith("."):
        return False
    return time.time() - path.stat().st_mtime < _ABANDONED_SECONDS
