"""The header row of a dictionary: which columns it names."""

import re
from difflib import get_close_matches
from pathlib import Path

from whisper_terms.errors import Fault
from whisper_terms.kana import to_katakana

COLUMNS = ("surface", "reading", "aliases", "class", "sentences", "weight")

# What people call them otherwise; only to name the right one.
_OTHER_NAMES = {
    "surface": "word term text written 表記 単語 用語 語 見出し 見出し語",
    "reading": "yomi pronunciation kana spoken 読み よみ 読み方 読み仮名 よみがな ふりがな 発音",
    "aliases": "alias synonyms variants 別名 別表記 異表記 同義語",
    "class": "category type genre kind pos 分類 種類 種別 カテゴリ クラス 品詞",
    "sentences": "sentence example examples context 例文 文 用例",
    "weight": "weights importance priority 重み 重要度",
}
_NEAREST = {
    to_katakana(other): name for name, others in _OTHER_NAMES.items() for other in others.split()
} | {name: name for name in COLUMNS}


def looks_like_header(cells: list[str]) -> bool:
    """Whether a file's first row names columns, be it wrongly, rather than a term."""
    names = [name for name in map(_clean, cells) if name]
    if "surface" in names or any(_joins_columns(name) for name in names):
        return True
    # A term may happen to be a word such as class; two different columns are no accident.
    return len({_nearest(name) for name in names} - {None}) > 1


def is_later_header(cells: list[str]) -> bool:
    """Whether a line below the first names columns, with no name misspelled.

    Two names, since a term may be `surface`; a column's other names count for those two that
    every dictionary has.
    """
    names = {part.strip() for cell in cells for part in re.split("[;:|]", _clean(cell))}
    needed = {"surface", "reading"}
    return len(names.intersection(COLUMNS)) > 1 or needed.issubset(map(_NEAREST.get, names))


def read_header(cells: list[str], file: str | Path, row: int) -> tuple[list[str], list[Fault]]:
    """The column names of a header row (those unknown as they are), and what is wrong with it."""
    names = [_clean(cell) for cell in cells]
    while len(names) > 1 and not names[-1]:
        names.pop()
    faults = []
    for position, (name, cell) in enumerate(zip(names, cells, strict=False)):
        if name in names[:position]:
            faults.append(Fault("the column is there twice", "keep one", file, row, cell.strip()))
        elif name not in COLUMNS:
            faults.append(Fault("unknown column", _cure(name), file, row, cell.strip()))
    if "surface" not in names:
        cure = "name the column of the texts to be written `surface`"
        faults.append(Fault("the header has no column surface", cure, file, row, ",".join(names)))
    return names, faults


def _cure(name: str) -> str:
    known = f"the columns are: {', '.join(COLUMNS)}"
    if _joins_columns(name):
        return f"separate columns by commas or tabs; {known}"
    nearest = _nearest(name)
    return f"did you mean `{nearest}`? else remove the column; {known}" if nearest else known


def _joins_columns(name: str) -> bool:
    """Whether several names stand in one cell: their separator is neither a comma nor a tab."""
    parts = re.split(r"[;:|/\s]+", name)
    return len(parts) > 1 and len(set(parts).intersection(COLUMNS)) > 1


def _nearest(name: str) -> str | None:
    for column in COLUMNS:
        if name.startswith(column):
            return column
    # Short Japanese names resemble each other too much to be guessed at.
    cutoff = 0.7 if name.isascii() else 1.0
    close = get_close_matches(name, _NEAREST, 1, cutoff)
    return _NEAREST[close[0]] if close else None


def _clean(cell: str) -> str:
    return to_katakana(cell.strip()).lower()
