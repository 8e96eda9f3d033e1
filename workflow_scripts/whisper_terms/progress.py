"""Progress bars for anything that lasts."""

from collections.abc import Iterable, Iterator
from typing import TypeVar

from tqdm import tqdm

T = TypeVar("T")


def progress(items: Iterable[T], label: str, total: int | None = None) -> Iterator[T]:
    """Pass `items` through, with a bar on standard error once two seconds have gone by."""
    return iter(tqdm(items, desc=label, total=total, delay=2, mininterval=1, dynamic_ncols=True))
