"""The rows of a dictionary's text, whatever its format: which cell is which, nothing more.

Formats, told by the first lines:

- a table with a header row, separated by tabs or commas (`surface`, `reading`, …);
- without a header: `spoken text, written text`, or one text that is both;
- exports of input methods, `reading TAB surface TAB part of speech …`: Google/Mozc (comment lines
  begin with #), Microsoft IME and ATOK (with !).
"""

import csv
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from whisper_terms.dictionary.header import is_later_header, looks_like_header, read_header
from whisper_terms.errors import Fault
from whisper_terms.kana import is_kana, to_katakana

# Mozc's part of speech for "never suggest this word": no term.
_SUPPRESSED = "抑制単語"
# Names as Mozc, Microsoft IME and ATOK write them (ATOK marks the user's own words with * or $).
_PART_OF_SPEECH = re.compile(
    r"(?:.*(?:詞|五段|一段|[カサザラハ]変|形動|固有).*|短縮よみ|サジェストのみ|人名|姓|名|組織|地名|"
    r"数|アルファベット|記号|顔文字|接[頭尾].+|句読点|独立語|慣用句|単漢字|抑制単語)[*$]?"
)
# How far to look for the lines that tell a format.
_SAMPLE = 50

# What may have been meant to separate columns.
_OTHER_SEPARATORS = ";；|｜、"

_LINE_END = re.compile(r"\r\n|\n|\r")
# Controls, zero-width and direction marks, lone surrogates, the mark of lost characters.
_INVISIBLE = re.compile(
    r"[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\xad\u200b\u200e\u200f\u2028-\u202e\u2060\u2066-\u2069"
    r"\ud800-\udfff\ufeff\ufffd]"
)
_QUOTED_OR_WIDE_COMMA = re.compile(r'("(?:[^"]|"")*")|，')
_SPACE_AFTER_QUOTE = re.compile(r'"[ \u3000]+(?=[,\t]|$)')


class Row(NamedTuple):
    """A line with its cells by column name; "spoken" is the two-column form's first column."""

    line: int
    cells: dict[str, str]


def read_rows(text: str, file: str | Path) -> tuple[list[Row], list[Fault]]:
    """The rows of a dictionary's text, and the faults of the lines that make none."""
    faults: list[Fault] = []
    lines = list(_legible_lines(text, file, faults))
    sample = [line for _, line in lines[:_SAMPLE]]
    if not sample:
        return [], faults
    delimiter = _delimiter(sample)
    if sample[0].startswith(("!!", "!Microsoft IME")):
        rows = _input_method_rows(lines, "!")
    elif looks_like_header(_header_cells(sample[0], delimiter)):
        rows = _table_rows(lines, delimiter, file, faults)
    elif start := _later_header(sample):
        faults.append(_not_first(*lines[start], file))
        rows = _table_rows(lines[start:], _delimiter(sample[start:]), file, faults)
    elif delimiter == "\t" and _is_mozc(sample):
        rows = _input_method_rows(lines, "#")
    elif separator := _other_separator(sample):
        faults.append(_not_separated(separator, *lines[0], file))
        rows = []
    else:
        rows = _two_column_rows(lines, delimiter, file, faults)
    return rows, faults


def _legible_lines(text: str, file: str | Path, faults: list[Fault]) -> Iterator[tuple[int, str]]:
    """The lines with text in them, numbered from 1; those with unprintable text are faults."""
    # Old DOS programs end a text with Ctrl-Z.
    text = text.removesuffix("\x1a")
    legible = _INVISIBLE.search(text) is None
    for number, line in enumerate(_LINE_END.split(text), 1):
        if not line or line.isspace():
            continue
        if not legible and (found := _INVISIBLE.search(line)):
            faults.append(_invisible(found, line, file, number))
        else:
            yield number, line


def _invisible(found: re.Match[str], line: str, file: str | Path, number: int) -> Fault:
    code = ord(found[0])
    if code == 0xFFFD:
        problem, cure = "a character was lost when the file was saved", "retype the term"
    elif code == 0x1B:
        problem, cure = "an escape character (is the file JIS?)", "save the file as UTF-8"
    else:
        problem, cure = f"an invisible character, U+{code:04X}", "delete it"
    place = f", at character {found.start() + 1} of the line"
    return Fault(problem + place, cure, file, number, line)


def _delimiter(sample: list[str]) -> str:
    """The separator of the first row that has one; a comment in an export may hold the other."""
    for line in sample:
        if not line.startswith("#"):
            if "\t" in line:
                return "\t"
            if "," in line or "，" in line:
                return ","
    return ","


def _other_separator(sample: list[str]) -> str:
    """What stands once in each of several lines that have neither comma nor tab; "" if nothing."""
    if len(sample) < 2 or any(re.search("[,，\t]", line) for line in sample):
        return ""
    found = (one for one in _OTHER_SEPARATORS if all(line.count(one) == 1 for line in sample))
    return next(found, "")


def _later_header(sample: list[str]) -> int:
    """The index of a header below other lines, which have another separator maybe; 0 if none is."""
    for index, line in enumerate(sample[1:], 1):
        if is_later_header(_header_cells(line, _delimiter([line]))):
            return index
    return 0


def _is_mozc(sample: list[str]) -> bool:
    rows = [line.split("\t") for line in sample if not line.startswith("#")]
    return any(len(cells) > 2 and _PART_OF_SPEECH.fullmatch(cells[2].strip()) for cells in rows)


def _split(line: str, delimiter: str) -> list[str]:
    """The cells of a line; raises csv.Error where its quotes don't close."""
    if '"' not in line:
        if delimiter == ",":
            line = line.replace("，", ",")
        return line.split(delimiter)
    if delimiter == ",":
        line = _QUOTED_OR_WIDE_COMMA.sub(lambda found: found[1] or ",", line)
    try:
        return _split_quoted(line, delimiter)
    except csv.Error:
        return _split_quoted(_SPACE_AFTER_QUOTE.sub('"', line), delimiter)


def _split_quoted(line: str, delimiter: str) -> list[str]:
    return next(csv.reader([line], delimiter=delimiter, skipinitialspace=True, strict=True))


def _header_cells(line: str, delimiter: str) -> list[str]:
    try:
        return _split(line, delimiter)
    except csv.Error:
        return line.split(delimiter)


def _cells_by_line(
    lines: list[tuple[int, str]],
    delimiter: str,
    columns: int,
    file: str | Path,
    faults: list[Fault],
) -> Iterator[tuple[int, list[str]]]:
    """At most so many cells a line, stripped; lines that don't divide into them are faults."""
    for number, line in lines:
        try:
            cells = [cell.strip() for cell in _split(line, delimiter)]
        except csv.Error:
            faults.append(_unclosed_quote(line, file, number))
            continue
        # Spreadsheets pad rows with empty cells.
        while len(cells) > columns and not cells[-1]:
            cells.pop()
        if len(cells) > columns:
            faults.append(_too_many(line, len(cells), columns, file, number))
        elif any(cells):
            yield number, cells


def _table_rows(
    lines: list[tuple[int, str]], delimiter: str, file: str | Path, faults: list[Fault]
) -> list[Row]:
    number, header = lines[0]
    columns, header_faults = read_header(_header_cells(header, delimiter), file, number)
    faults += header_faults
    if "surface" not in columns:
        return []
    rows = _cells_by_line(lines[1:], delimiter, len(columns), file, faults)
    return [Row(number, dict(zip(columns, cells, strict=False))) for number, cells in rows]


def _two_column_rows(
    lines: list[tuple[int, str]], delimiter: str, file: str | Path, faults: list[Fault]
) -> list[Row]:
    cells_by_line = list(_cells_by_line(lines, delimiter, 2, file, faults))
    pairs = [(number, *cells) for number, cells in cells_by_line if len(cells) == 2]
    if swapped := _first_swapped(pairs):
        faults.append(_swapped(*swapped, file))
    return [
        Row(number, dict(zip(("spoken", "surface")[-len(cells) :], cells, strict=True)))
        for number, cells in cells_by_line
    ]


def _first_swapped(pairs: list[tuple[int, str, str]]) -> tuple[int, str, str] | None:
    """The first pair of a file whose first column is what is written, as far as all pairs tell."""
    # A term in kana is the same in both columns.
    telling = [pair for pair in pairs if to_katakana(pair[1]) != to_katakana(pair[2])]
    if all(spoken and is_kana(written) and not is_kana(spoken) for _, spoken, written in telling):
        return next(iter(telling), None)
    return None


def _input_method_rows(lines: list[tuple[int, str]], comment: str) -> list[Row]:
    """The words of an export; one listed under several parts of speech is one row."""
    rows: dict[tuple[str, ...], Row] = {}
    for number, line in lines:
        if line.startswith(comment):
            continue
        # What follows the part of speech (comments, flags) is of no use here.
        reading, surface, part_of_speech, *_ = (*map(str.strip, line.split("\t")), "", "")
        if part_of_speech != _SUPPRESSED:
            cells = {"reading": reading, "surface": surface}
            rows.setdefault((reading, surface), Row(number, cells))
    return list(rows.values())


def _not_first(number: int, header: str, file: str | Path) -> Fault:
    problem = "the header is not the first line"
    return Fault(problem, "delete the lines above it", file, number, header)


def _not_separated(separator: str, number: int, line: str, file: str | Path) -> Fault:
    problem = f"each line holds one {separator}, which separates no columns"
    cure = (
        "separate the columns by commas or tabs, or, if there is one, begin the file with surface"
    )
    return Fault(problem, cure, file, number, line)


def _unclosed_quote(line: str, file: str | Path, number: int) -> Fault:
    return Fault(
        "a quote is opened and not closed at the end of its cell",
        'close it in the same line, and write a " that belongs to a quoted cell twice',
        file,
        number,
        line,
    )


def _swapped(number: int, spoken: str, written: str, file: str | Path) -> Fault:
    return Fault(
        "the columns seem to be swapped: without a header the spoken text comes first",
        "begin the file with a header row: surface,reading",
        file,
        number,
        f"{spoken},{written}",
    )


def _too_many(line: str, cells: int, columns: int, file: str | Path, number: int) -> Fault:
    cure = 'remove what is too much, or put " around a cell that holds a comma or a tab'
    if columns == 2:
        cure += "; more columns need a header row: surface,reading,aliases,class,sentences,weight"
    problem = f"{cells} cells in a file of {columns} column{'s' if columns > 1 else ''}"
    return Fault(problem, cure, file, number, line)
