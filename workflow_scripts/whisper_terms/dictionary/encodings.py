"""The text of a file in one of the encodings that Japanese dictionaries come in."""

import codecs
import re
from pathlib import Path

from whisper_terms.errors import Fault, UserError

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# Kana, ideographs, full-width forms; their three bytes seldom come together in CP932.
_UTF8_JAPANESE = re.compile(b"(?:[\xe3-\xe9][\x80-\xbf]{2}|\xef[\xbc-\xbe][\x80-\xbf])+")
_CURE = "save the file as UTF-8"


def decode(data: bytes, file: str | Path) -> str:
    """Decode UTF-8, UTF-16 (each with or without its mark) or CP932.

    Args:
        data: the content of the file.
        file: its path, for the message.

    Raises:
        UserError: the bytes are in none of these encodings; names the first byte that is wrong.
    """
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return _decode_marked(data.removeprefix(mark), encoding, len(mark), file)
    if (text := _decode_unmarked_utf16(data)) is not None:
        return text
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        if _is_mostly_utf8(data):
            raise UserError(_damaged("UTF-8", data, error.start, file)) from None
    try:
        text = _decode_cp932(data)
    except UnicodeDecodeError as error:
        if _is_euc_jp(data):
            raise UserError(_euc_jp(file)) from None
        raise UserError(_damaged("CP932", data, error.start, file)) from None
    if _is_mostly_half_width(text) and _is_euc_jp(data):
        raise UserError(_euc_jp(file))
    return text


def _decode_marked(data: bytes, encoding: str, offset: int, file: str | Path) -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        raise UserError(_damaged(encoding.upper(), data, error.start, file, offset)) from None


def _decode_unmarked_utf16(data: bytes) -> str | None:
    """Tell UTF-16 by its NULs: the high bytes of line ends, tabs, commas and Latin letters."""
    zeros = data.count(0)
    if not zeros or len(data) % 2:
        return None
    # Ideographs such as U+4E00 have their NUL on the other side, so the majority comes first.
    little_first = 2 * data[1::2].count(0) >= zeros
    encodings = ("utf-16-le", "utf-16-be") if little_first else ("utf-16-be", "utf-16-le")
    for encoding in encodings:
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        # A stray NUL in other text makes neither a line end nor as many NULs as Latin letters.
        if "\0" not in text and ("\n" in text or 4 * zeros >= len(data)):
            return text
    return None


def _decode_cp932(data: bytes) -> str:
    # Python gives these three a meaning that the encoding does not have.
    if stray := re.search(b"[\xfd-\xff]", data):
        raise UnicodeDecodeError("cp932", data, *stray.span(), "no character")
    return data.decode("cp932")


def _is_mostly_utf8(data: bytes) -> bool:
    """Whether bytes that are not UTF-8 are but for a few: then CP932 would garble the others."""
    sound = sum(len(found[0]) for found in _UTF8_JAPANESE.finditer(data))
    high = len(data) - len(data.translate(None, bytes(range(0x80, 0x100))))
    return 2 * sound > high


def _is_mostly_half_width(text: str) -> bool:
    """Whether a text is foremost half-width kana, as which EUC-JP shows in CP932."""
    half_width = sum("｡" <= character <= "ﾟ" for character in text)
    return 2 * half_width > sum(not character.isascii() for character in text)


def _is_euc_jp(data: bytes) -> bool:
    try:
        text = data.decode("euc_jp")
    except UnicodeDecodeError:
        return False
    # Half-width kana seldom pair up as EUC-JP, and hardly ever as full-width kana.
    return any("ぁ" <= character <= "ヶ" for character in text)


def _euc_jp(file: str | Path) -> Fault:
    return Fault("the file is in EUC-JP, which is not read", _CURE, file)


def _damaged(name: str, data: bytes, place: int, file: str | Path, offset: int = 0) -> Fault:
    problem = f"not readable as {name}: byte {place + offset} of the file is 0x{data[place]:02X}"
    # In UTF-16 the byte of a line end may be half of another character.
    row = None if name.startswith("UTF-16") else data.count(b"\n", 0, place) + 1
    return Fault(problem, f"{_CURE}; if it already is, retype that line", file, row)
