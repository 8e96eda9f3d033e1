"""Tab-separated tables (UTF-8, header row), read whole and written atomically."""

import csv
import os
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from whisper_terms.errors import Fault, UserError, reading

TERMS = (
    "term_id surface reading pronunciation reading_source aliases class weight file row sentences "
    "rivals"
).split()
HOMOPHONES = "term_id surface reading rival kind".split()
# What sounds like a term: another term of the dictionary, or a word of the analyser's lexicon.
TERM, WORD = "term", "word"
UTTERANCES = "audio text seconds split kind term_id reading voice engine".split()
RECORDINGS = "audio text test_set".split()
TRANSCRIPT = "start end text".split()
# Beside a system's transcripts, written last: where it is, they are complete.
TIMING = "audio seconds compute_seconds".split()
TIMING_FILE = "timing.tsv"
# An open quote makes one cell of the rest of the file, which is told as such.
csv.field_size_limit(sys.maxsize)
# Several values in one cell (aliases, sentences) are joined by this.
LIST_SEPARATOR = "|"


@contextmanager
def atomic_path(target: str | Path) -> Iterator[Path]:
    """Give a temporary path beside `target`; rename it to `target` when the block succeeds.

    A reader therefore sees the old file or the whole new one, never a half.
    """
    target = Path(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(
        prefix=f".{target.stem}.", suffix=target.suffix, dir=target.parent
    )
    os.close(descriptor)
    temporary = Path(name)
    try:
        yield temporary
        # mkstemp makes private files; results are shared like any other file of the user's.
        temporary.chmod(0o666 & ~_umask())
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)


def write_text(target: str | Path, text: str) -> None:
    """Write a UTF-8 text file atomically."""
    with atomic_path(target) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")


def write_table(
    target: str | Path, columns: Sequence[str], rows: Iterable[Mapping[str, object]]
) -> None:
    """Write rows (mappings by column name; a missing column is an empty cell) atomically."""
    with atomic_path(target) as temporary, temporary.open("w", encoding="utf-8", newline="") as out:
        writer = csv.DictWriter(
            out, columns, restval="", extrasaction="raise", delimiter="\t", lineterminator="\n"
        )
        writer.writeheader()
        writer.writerows(rows)


def read_table(path: str | Path, columns: Sequence[str] = ()) -> list[dict[str, str]]:
    """Read a table as one mapping a row.

    Args:
        path: the file.
        columns: the columns that must be there; others are passed through.

    Raises:
        UserError: the file can't be read, is not UTF-8, or lacks a column.
    """
    rows = [row for _, row in _read(path, columns)]
    for row in rows:
        row.pop(None, None)
    return rows


def read_numbered(
    path: str | Path, columns: Sequence[str] = ()
) -> list[tuple[int, dict[str, str]]]:
    """Read a table that somebody wrote by hand, each row with its line's number in the file.

    Raises:
        UserError: as `read_table`; or a cell has several lines or a NUL, or a row more cells than
            there are columns.
    """
    rows = _read(path, columns)
    if faults := list(_row_faults(Path(path), rows)):
        raise UserError(faults)
    return rows


def _read(path: str | Path, columns: Sequence[str]) -> list[tuple[int, dict]]:
    """The rows, each with the number of its last line; surplus cells are under None."""
    path = Path(path)
    with reading(path), path.open(encoding="utf-8-sig", newline="") as source:
        reader = csv.DictReader(source, delimiter="\t", restval="")
        header = reader.fieldnames or []
        rows = [(reader.line_num, row) for row in reader]
    missing = [name for name in columns if name not in header]
    if missing:
        raise UserError(
            Fault(
                f"lacks the column{'s' if len(missing) > 1 else ''} {', '.join(missing)}",
                f"the header row must hold, tab-separated: {', '.join(columns)}",
                path,
                1,
            )
        )
    return rows


def _row_faults(path: Path, rows: Iterable[tuple[int, dict]]) -> Iterator[Fault]:
    """Cells that go on in the next line or hold a NUL, which none does on purpose, and surplus."""
    for last, row in rows:
        # Spreadsheets pad rows with empty cells.
        surplus = [cell for cell in row.pop(None, ()) if cell]
        cells = [*row.values(), *surplus]
        if cell := next((cell for cell in cells if "\0" in cell), None):
            # No path may hold one.
            yield Fault("an invisible character, U+0000", "delete it", path, last, cell)
        cell = next((cell for cell in cells if "\n" in cell), None)
        if cell is not None:
            text, *others = cell.rstrip("\n").split("\n")
            problem = "a cell begins with a quote that is not closed in its line"
            cure = "close it, or write the cell in quotes and each quote in it twice"
            yield Fault(problem, cure, path, last - len(others), text)
        elif surplus:
            problem = f"more than {len(row)} cells"
            cure = "remove the tab within a text, or what is too much"
            yield Fault(problem, cure, path, last, surplus[-1])


def split_list(cell: str) -> tuple[str, ...]:
    """The values of a cell that holds several."""
    return tuple(value for value in cell.split(LIST_SEPARATOR) if value)


def join_list(values: Iterable[str]) -> str:
    """The cell that holds several values; raises ValueError where one holds the separator."""
    values = list(values)
    if any(LIST_SEPARATOR in value for value in values):
        raise ValueError(f"a value holds the separator {LIST_SEPARATOR!r}: {values}")
    return LIST_SEPARATOR.join(values)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
