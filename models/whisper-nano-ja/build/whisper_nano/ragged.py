"""Many arrays of different lengths in one .npz file, without pickle."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from whisper_terms.tables import atomic_path

_ENDS = "_ends"


def save_ragged(
    path: str | Path, texts: Mapping[str, Sequence[str]], arrays: Mapping[str, Sequence[np.ndarray]]
) -> None:
    """Write columns atomically: strings, and arrays whose first axis varies from row to row."""
    columns = {name: np.array(list(values), dtype=str) for name, values in texts.items()}
    for name, rows in arrays.items():
        columns[name] = np.concatenate(rows)
        columns[name + _ENDS] = np.cumsum([len(row) for row in rows])
    with atomic_path(path) as temporary, temporary.open("wb") as out:
        np.savez(out, **columns)


def load_ragged(path: str | Path) -> dict[str, list]:
    """The columns that `save_ragged` wrote: one list a column, of str or of arrays."""
    with np.load(path, allow_pickle=False) as file:
        columns = {name: file[name] for name in file.files}
    return {
        name: np.split(values, columns[name + _ENDS][:-1])
        if name + _ENDS in columns
        else [str(value) for value in values]
        for name, values in columns.items()
        if not name.endswith(_ENDS)
    }
