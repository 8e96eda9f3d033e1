"""Text reduced to the characters that are scored."""

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

# A mark of voicing written as a character of its own (゛, ゜) becomes, under NFKC, a space and a
# combining mark. Without the space it joins its kana again: か゛ -> が.
_DETACHED_VOICING = re.compile(r" (?=[\u3099\u309A])")
# Names such as C++, C# and F#: the sign belongs to the name. Not in a+b or #1.
_NAME_SIGNS = re.compile(r"(?<=[a-z])[+#]+(?![a-z0-9])")
# Ends of sentences and clauses; the comma of 1,000 is none.
_STOP = re.compile(r"[。、!?;\n]|,(?!\d)")
# Variation selectors choose a glyph (葛󠄀), not another character.
_VARIATION_SELECTOR = re.compile(r"[\uFE00-\uFE0F\U000E0100-\U000E01EF]")


@dataclass(frozen=True)
class NormalisedText:
    """The scored characters of a text.

    Attributes:
        characters: the characters, without spaces, punctuation and symbols.
        breaks: the positions in `characters` before which something was left out.
        stops: those of them where a sentence or a clause ends.
    """

    characters: str
    breaks: frozenset[int] = frozenset()
    stops: frozenset[int] = frozenset()

    def splits_word(self, position: int) -> bool:
        """Whether a cut before `position` goes through a Latin word or a number.

        Spaces are gone from `characters`, so the breaks tell "use PyTorch" from "usePyTorch".
        A letter beside a digit is no split: HbA1c7.2 holds HbA1c.
        """
        if not 0 < position < len(self.characters) or position in self.breaks:
            return False
        before, after = _kind(self.characters[position - 1]), _kind(self.characters[position])
        return before == after != ""


@lru_cache(maxsize=1 << 16)
def normalise(text: str) -> NormalisedText:
    """Reduce a text to the characters that are scored.

    NFKC, lower case, then every space, control character, punctuation mark and symbol is left
    out (Unicode categories Z, C, P, S), as Whisper's BasicTextNormalizer does; hence % and ℃ lose
    their sign. Kept are the long-vowel mark ー and 々 (letters, category Lm), voicing marks
    (ガ stays ガ; BasicTextNormalizer's remove_diacritics would make it カ), and + or # at the end
    of a Latin name (C++, C#).
    """
    text = _VARIATION_SELECTOR.sub("", unicodedata.normalize("NFKC", text))
    text = unicodedata.normalize("NFKC", _DETACHED_VOICING.sub("", text).lower())
    name_signs = {i for match in _NAME_SIGNS.finditer(text) for i in range(*match.span())}
    stop_signs = {match.start() for match in _STOP.finditer(text)}
    kept: list[str] = []
    breaks, stops = set(), set()
    for position, character in enumerate(text):
        if _is_scored(character) or position in name_signs:
            kept.append(character)
        else:
            breaks.add(len(kept))
            if position in stop_signs:
                stops.add(len(kept))
    return NormalisedText("".join(kept), frozenset(breaks), frozenset(stops))


@lru_cache(maxsize=1 << 14)
def _is_scored(character: str) -> bool:
    return unicodedata.category(character)[0] not in "ZCPS"


@lru_cache(maxsize=1 << 14)
def _kind(character: str) -> str:
    """Return "letter" for alphabets that separate words by spaces, "digit", or ""."""
    if character.isdecimal():
        return "digit"
    if character in "+#" or unicodedata.name(character, "").startswith(
        ("LATIN ", "GREEK ", "CYRILLIC ")
    ):
        return "letter"
    return ""
