"""Pydantic's errors, said in the user's words: which key, what is wrong, what to write."""

import difflib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, get_args, get_origin

import yaml
from pydantic import BaseModel, ValidationError

from whisper_terms.config.base import NAME_PATTERN
from whisper_terms.config.models import Config

_KINDS = {
    "string": "text",
    "int": "a whole number",
    "float": "a number",
    "finite": "a finite number",
    "bool": "true or false",
    "model": "a block of keys and values",
    "dict": "a block of keys and values",
    "tuple": "a list",
}
_LIMITS = {
    "greater_than": ("gt", "more than"),
    "greater_than_equal": ("ge", "at least"),
    "less_than": ("lt", "less than"),
    "less_than_equal": ("le", "at most"),
}
_NAME_RULE = "use letters, digits, '.', '_' and '-', beginning with a letter or digit, 64 at most"


@dataclass(frozen=True)
class Finding:
    """One problem of the configuration.

    Attributes:
        location: keys and list indices from the root.
        problem: what is wrong, naming the key.
        cure: what to write.
        value: the offending value as text; None where there is none to show.
    """

    location: tuple[str | int, ...]
    problem: str
    cure: str
    value: str | None = None


class _Dumper(yaml.SafeDumper):
    """Writes empty text as "", which is easier to see than ''."""


_Dumper.add_representer(
    str,
    lambda dumper, text: dumper.represent_scalar(
        "tag:yaml.org,2002:str", text, style=None if text else '"'
    ),
)


def read_findings(error: ValidationError) -> list[Finding]:
    """All problems of a validation, in the order of the model's keys."""
    return [_read(detail) for detail in error.errors(include_url=False)]


def dotted(location: Iterable[str | int]) -> str:
    """A location as users write it: speech.voices[0].name."""
    text = ""
    for part in location:
        text += f"[{part}]" if isinstance(part, int) else f".{part}"
    return text.removeprefix(".")


def nearest(name: object, known: Iterable[str]) -> str:
    """The cure for an unknown name: the nearest known one, or all of them."""
    known = list(known)
    close = difflib.get_close_matches(str(name), known, n=1, cutoff=0.6)
    return f"did you mean {close[0]}?" if close else f"known here: {', '.join(known) or 'none'}"


def as_yaml(value: object) -> str:
    """A value as YAML on one line."""
    text = yaml.dump(
        value,
        Dumper=_Dumper,
        default_flow_style=True,
        allow_unicode=True,
        sort_keys=False,
        width=10**6,
    )
    return text.removesuffix("...\n").strip()


def number(value: float) -> str:
    """A limit without needless digits."""
    return str(value) if isinstance(value, int) else f"{value:g}"


def _read(detail: Mapping[str, Any]) -> Finding:
    location = tuple(detail["loc"])
    if location[-1:] == ("[key]",):
        return _read_name(location[:-1])
    kind, context = detail["type"], detail.get("ctx", {})
    if kind == "invalid_key":
        place = dotted(location[:-1]) or "the top level"
        return Finding(
            location, f"{place} holds a key that is no text", "remove it", str(location[-1])
        )
    name, value = dotted(location), show(detail["input"])
    if kind == "extra_forbidden":
        known = _annotation(location[:-1]).model_fields
        return Finding(location, f"unknown key {name}", nearest(location[-1], known))
    if kind == "missing":
        *parent, key = location
        if isinstance(key, int):
            problem = f"{dotted(parent)} holds too few values"
            return Finding(
                tuple(parent), problem, f"give {len(get_args(_annotation(tuple(parent))))}"
            )
        return Finding(location, f"{dotted(parent)} lacks the key {key}", "add it")
    if kind == "check":
        return Finding(location, f"{name} {context['problem']}", context["cure"], value)
    return Finding(location, *_describe(kind, context, name, detail), value)


def _describe(kind: str, context: Mapping, name: str, detail: Mapping) -> tuple[str, str]:
    """Problem and cure of a value that its type refuses."""
    example = _example(detail["loc"])
    if detail["input"] is None:
        return f"{name} has no value", f"{example}, or remove the key to take its default"
    if kind in _LIMITS:
        key, words = _LIMITS[kind]
        return f"{name} must be {words} {number(context[key])}", example
    if kind == "literal_error":
        known = _choices(_annotation(detail["loc"]))
        return f"{name} must be {' or '.join(known)}", nearest(detail["input"], known)
    if kind == "string_pattern_mismatch":
        return _describe_pattern(context["pattern"], name)
    if kind in ("too_short", "string_too_short"):
        return f"{name} is empty", example
    if kind == "too_long":
        return f"{name} holds too many values", f"give {context['max_length']}"
    if kind == "string_too_long":
        return f"{name} is too long", _NAME_RULE
    words = _KINDS.get(kind.split("_")[0])
    if kind == "string_type" and show(detail["input"]) is not None:
        return f"{name} must be text", f'put it in quotes: "{show(detail["input"])}"'
    return f"{name} must be {words}" if words else f"{name}: {detail['msg']}", example


def _describe_pattern(pattern: str, name: str) -> tuple[str, str]:
    if pattern == NAME_PATTERN:
        return f"{name} is no valid name", _NAME_RULE
    if "{}" in pattern:
        return f"{name} is no usable path", "give a path without braces and line breaks"
    return f"{name} is no language code", "write two or three small letters, such as ja"


def _read_name(location: tuple[str | int, ...]) -> Finding:
    """A key of a mapping whose keys the user chooses."""
    *parent, name = location
    problem = f"{dotted(parent)} holds a name that is not valid"
    cure = _NAME_RULE if isinstance(name, str) else f'put it in quotes: "{name}"'
    return Finding(location, problem, cure, str(name))


def _example(location: tuple[str | int, ...]) -> str:
    """What could stand at a location, from the default of the key around it."""
    keys = [part for part in location if isinstance(part, str)]
    for end in range(len(location), 0, -1):
        *parent, key = location[:end]
        owner = _annotation(tuple(parent))
        if isinstance(key, str) and isinstance(owner, type) and issubclass(owner, BaseModel):
            field = owner.model_fields[key]
            default = field.examples[0] if field.examples else field.default
            if isinstance(default, str | int | float) or default is None:
                return f"write for example {key}: {as_yaml(default)}"
            break
    return f"see {keys[0]} in docs/configuration.md"


def _annotation(location: tuple[str | int, ...]) -> Any:
    """The type that the models give to a location."""
    kind: Any = Config
    for part in location:
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            kind = kind.model_fields[str(part)].annotation
        else:
            kind = next(iter(_inner(kind)), Any)
    return kind


def _inner(kind: Any) -> Iterator[Any]:
    """The type of a mapping's values or a list's items."""
    arguments = get_args(kind)
    if get_origin(kind) is dict:
        yield arguments[1]
    elif get_origin(kind) is tuple:
        yield arguments[0]


def _choices(annotation: Any) -> list[str]:
    return [str(choice) for choice in get_args(annotation)]


def show(value: object) -> str | None:
    """A value as the user may have written it; None for absent ones and whole blocks."""
    if value is None or isinstance(value, Mapping | list | tuple):
        return None
    return str(value).lower() if isinstance(value, bool) else str(value)
