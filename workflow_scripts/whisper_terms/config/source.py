"""A configuration file as text: its data, and the line of every key in it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from whisper_terms.config.faults import Finding
from whisper_terms.errors import Fault, UserError, reading

Location = tuple[str | int, ...]
_ABSENT = object()


@dataclass(frozen=True)
class Source:
    """A YAML file that was read.

    Attributes:
        path: the file.
        data: its keys and values; None if the file was not read.
        lines: the 1-based line of each location (keys and list indices from the root).
        duplicates: keys that stand twice in one mapping, of which YAML would keep the last.
    """

    path: Path
    data: Mapping | None = None
    lines: Mapping[Location, int] = field(default_factory=dict)
    duplicates: tuple[Finding, ...] = ()

    @classmethod
    def read(cls, path: str | Path) -> "Source":
        """Read a file; raises UserError if it is missing, broken, empty or holds no keys."""
        path = Path(path)
        with reading(path):
            text = path.read_text(encoding="utf-8-sig")
        try:
            node = yaml.compose(text, Loader=yaml.SafeLoader)
            data = yaml.safe_load(text)
        except yaml.YAMLError as error:
            raise UserError(_syntax_fault(path, error)) from None
        if data is None:
            cure = "give it keys, or restore the file as shipped"
            raise UserError(Fault("the file is empty", cure, path))
        if not isinstance(data, dict):
            cure = "begin each line with a key, such as `model: nano`"
            raise UserError(Fault("holds no keys and values", cure, path, 1))
        lines: dict[Location, int] = {}
        duplicates = tuple(_walk(node, (), lines))
        return cls(path, data, lines, duplicates)

    @classmethod
    def locate(cls, path: str | Path) -> "Source":
        """Read a file if it can be read, and otherwise only remember its name."""
        try:
            return cls.read(path)
        except UserError:
            return cls(Path(path))

    def holds(self, location: Location, mapping: Mapping) -> bool:
        """Whether what `mapping` holds at a location comes from this file."""
        value = _look_up(mapping, location)
        if value is _ABSENT:
            return _look_up(self.data, location[:-1]) is not _ABSENT
        return _look_up(self.data, location) == value

    def row(self, location: Location) -> int | None:
        """The line of a location, or of the nearest key around it."""
        while location and location not in self.lines:
            location = location[:-1]
        return self.lines.get(location)


def _syntax_fault(path: Path, error: yaml.YAMLError) -> Fault:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or getattr(error, "reason", None) or str(error)
    cure = "indent with spaces, put a space after each colon, and close each quote and bracket"
    return Fault(f"broken YAML: {problem}", cure, path, mark.line + 1 if mark else None)


def _walk(node: yaml.Node | None, location: Location, lines: dict) -> Iterator[Finding]:
    """Note the line of every key below a node; yield the keys that stand twice."""
    if isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            lines[*location, index] = item.start_mark.line + 1
            yield from _walk(item, (*location, index), lines)
    elif isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            here = (*location, key.value)
            row = key.start_mark.line + 1
            if here in lines:
                name = ".".join(map(str, here))
                yield Finding(here, f"{name} stands twice, first in line {lines[here]}", "keep one")
            lines[here] = row
            yield from _walk(value, here, lines)


def _look_up(data: object, location: Location) -> object:
    for part in location:
        try:
            data = data[part]
        except (KeyError, IndexError, TypeError):
            return _ABSENT
    return data
