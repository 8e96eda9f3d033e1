"""Dictionaries as files."""

from pathlib import Path


def write(folder: Path, content: str | bytes, name: str = "terms.csv") -> Path:
    """A file with this content, UTF-8 where that is text."""
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path
