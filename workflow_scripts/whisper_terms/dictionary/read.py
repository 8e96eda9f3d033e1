"""Dictionaries as entries, or everything that is wrong with them."""

import math
import re
import unicodedata
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from whisper_terms.dictionary.encodings import decode
from whisper_terms.dictionary.entry import Entry
from whisper_terms.dictionary.formats import Row, read_rows
from whisper_terms.errors import Fault, UserError
from whisper_terms.kana import is_kana, to_katakana
from whisper_terms.scoring.normalise import normalise
from whisper_terms.tables import LIST_SEPARATOR, split_list

LONGEST_SURFACE = 60
DEFAULT_CLASS = "general"

_CLASS = re.compile(r"(?:[^\W_]|[-・])+")
# What may have been meant to divide aliases.
_LIST_SIGN = re.compile(r"[;；、，]")
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?", re.IGNORECASE)


class _Report(NamedTuple):
    """Where the faults of a row go."""

    faults: list[Fault]
    file: str
    row: int

    def __call__(self, problem: str, cure: str, value: str | None = None) -> None:
        self.faults.append(Fault(problem, cure, self.file, self.row, value))


def read_dictionaries(paths: Sequence[str | Path]) -> list[Entry]:
    """Read terms from dictionaries, in the order of the files and their rows.

    Args:
        paths: the files; see `formats` for what they may hold.

    Raises:
        UserError: with all that is wrong in all the files.
    """
    entries, faults = inspect_dictionaries(paths)
    if faults:
        raise UserError(faults)
    return entries


def inspect_dictionaries(paths: Sequence[str | Path]) -> tuple[list[Entry], list[Fault]]:
    """What can be read of dictionaries, and all that is wrong with them, by file and row.

    A row with a fault still has its entry where its surface is sound.
    """
    faults: list[Fault] = []
    entries: list[Entry] = []
    spelled: dict[str, list[Entry]] = {}
    seen: set[Path] = set()
    for path in paths:
        if (resolved := Path(path).resolve()) in seen:
            faults.append(Fault("the dictionary is named twice", "name it once", path))
            continue
        seen.add(resolved)
        new, found = _read_file(path)
        for entry in new:
            alike = spelled.setdefault(_letters(entry.surface), [])
            if clash := next(filter(None, (_clash(entry, one) for one in alike)), None):
                found.append(clash)
            alike.append(entry)
        entries += new
        faults += sorted(found, key=lambda fault: fault.row or 0)
    return entries, faults


def _read_file(path: str | Path) -> tuple[list[Entry], list[Fault]]:
    try:
        data = Path(path).read_bytes()
        text = decode(data, path)
    except FileNotFoundError:
        return [], [Fault("no such file", "check the path", path)]
    except OSError as error:
        problem = f"the file can't be read: {error.strerror}"
        return [], [Fault(problem, "give the path of a readable file", path)]
    except UserError as error:
        return [], error.faults
    rows, faults = read_rows(text, path)
    if not rows and not faults:
        problem = "the file holds no terms" if text.strip() else "the file is empty"
        return [], [Fault(problem, "write one term a line", path)]
    return list(_entries(rows, str(path), faults)), faults


def _entries(rows: list[Row], file: str, faults: list[Fault]) -> Iterator[Entry]:
    """The entries of rows; one with a surface is given though other cells are wrong."""
    for line, cells in rows:
        report = _Report(faults, file, line)
        get = cells.get
        if not (surface := _surface(get("surface", ""), report)):
            continue
        if spoken := get("spoken"):
            reading = _spoken_text(spoken, surface, report)
        else:
            reading = _reading(value, report) if (value := get("reading")) else ""
        aliases = _aliases(value, surface, report) if (value := get("aliases")) else ()
        yield Entry(
            surface,
            reading,
            aliases,
            _term_class(value, report) if (value := get("class")) else DEFAULT_CLASS,
            _sentences(value, surface, report) if (value := get("sentences")) else (),
            _weight(value, report) if (value := get("weight")) else 1.0,
            file,
            line,
        )


def _surface(cell: str, report: _Report) -> str:
    surface = _tidy(cell)
    if not surface:
        report("the surface is empty", "write the text of the term, or delete the row")
    elif not _has_letter(surface):
        report("the surface has no letter", "a term must be something to say", surface)
    elif len(surface) > LONGEST_SURFACE:
        report(
            f"the surface has {len(surface)} characters; {LONGEST_SURFACE} are the most",
            "give the term alone; a whole sentence goes into the column sentences",
            surface,
        )
    else:
        return surface
    return ""


def _reading(cell: str, report: _Report) -> str:
    reading = _tidy(to_katakana(cell))
    if is_kana(reading):
        return reading
    strange = [character for character in reading if not is_kana(f"ア{character}")]
    if strange:
        problem = f"the reading has {', '.join(dict.fromkeys(strange))}, which can't be spoken"
    else:
        problem = "the reading has no kana to speak"
    report(
        problem,
        "write it in kana as it is spoken (ー, ・ and spaces are allowed), or leave it empty",
        cell,
    )
    return ""


def _spoken_text(cell: str, surface: str, report: _Report) -> str:
    """The first column of the two-column form: kana, or a text whose reading is estimated."""
    if is_kana(cell):
        return _tidy(to_katakana(cell))
    spoken = _tidy(cell)
    if not _has_letter(spoken):
        report("the spoken text has no letter", "write what is said, best in kana", cell)
    return "" if spoken == surface else spoken


def _aliases(cell: str, surface: str, report: _Report) -> tuple[str, ...]:
    aliases = dict.fromkeys(_listed(cell))
    aliases.pop(surface, None)
    for alias in aliases:
        if not _has_letter(alias):
            report("an alias has no letter", "delete it", alias)
        elif found := _LIST_SIGN.search(alias):
            report(f"an alias holds {found[0]}", "divide aliases by |", alias)
    return tuple(aliases)


def _term_class(cell: str, report: _Report) -> str:
    term_class = unicodedata.normalize("NFKC", cell)
    if not _CLASS.fullmatch(term_class):
        report(
            "a class is made of letters, digits, hyphens and Japanese text",
            f"write for example drug-name, or leave it empty for {DEFAULT_CLASS}",
            cell,
        )
    return term_class


def _sentences(cell: str, surface: str, report: _Report) -> tuple[str, ...]:
    sentences = tuple(dict.fromkeys(_listed(cell)))
    for sentence in sentences:
        # An alias would be taught in the surface's place.
        if surface not in sentence:
            report(
                "a sentence does not hold the surface",
                f"use {surface} in it as it is written there (| divides sentences)",
                sentence,
            )
    return sentences


def _listed(cell: str) -> Iterator[str]:
    """The values of a cell that holds several; input methods for Japanese write ｜."""
    return filter(None, map(_tidy, split_list(cell.replace("｜", LIST_SEPARATOR))))


def _weight(cell: str, report: _Report) -> float:
    number = unicodedata.normalize("NFKC", cell)
    weight = float(number) if _NUMBER.fullmatch(number) and number.isascii() else math.nan
    if not 0 < weight < math.inf:
        report("the weight is not a number above 0", "write for example 1 or 2.5", cell)
    return weight


def _letters(surface: str) -> str:
    """What equal spellings have in common, and few others; quicker than `normalise`."""
    return "".join(filter(str.isalnum, unicodedata.normalize("NFKC", surface).casefold()))


def _clash(entry: Entry, first: Entry) -> Fault | None:
    """The fault of an entry that is spelled like an earlier one."""
    place = f"row {first.row}" if first.file == entry.file else f"{first.file}:{first.row}"
    if entry.surface == first.surface:
        return _duplicate(entry, first, place)
    if normalise(entry.surface).characters == normalise(first.surface).characters:
        problem = f"differs from {first.surface} in {place} only in what scores pass over"
        cure = "delete one of the two: width, case, spaces and punctuation are not told apart"
        return Fault(problem, cure, entry.file, entry.row, entry.surface)
    return None


def _duplicate(entry: Entry, first: Entry, place: str) -> Fault:
    if entry.reading == first.reading:
        cure = f"delete this row or {place}"
    else:
        cure = (
            f"keep the row with the reading that people say (here {entry.reading or 'none'}, "
            f"there {first.reading or 'none'}) and delete the other"
        )
    return Fault(f"the surface is already in {place}", cure, entry.file, entry.row, entry.surface)


def _tidy(text: str) -> str:
    """NFC, without outer spaces and with single ones inside."""
    return " ".join(unicodedata.normalize("NFC", text).split())


def _has_letter(text: str) -> bool:
    return any(map(str.isalnum, text))
