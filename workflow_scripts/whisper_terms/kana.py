"""Kana as text: one script, what counts as kana, and how it divides into morae."""

import re
import unicodedata

# Katakana by the vowel that a mora ending in it has; small ones take part (キョ ends in ョ: オ).
ROWS = {
    "ア": "アカサタナハマヤラワガザダバパァャヮヵ",
    "イ": "イキシチニヒミリヰギジヂビピィヸ",
    "ウ": "ウクスツヌフムユルグズヅブプゥュヴ",
    "エ": "エケセテネヘメレヱゲゼデベペェヶヹ",
    "オ": "オコソトノホモヨロヲゴゾドボポォョヺ",
}
# What may stand between the parts of a reading (コ・ウシ): it is not spoken.
SEPARATORS = "・ "

_SMALL = "ァィゥェォャュョヮ"
_VOWEL = {kana: vowel for vowel, row in ROWS.items() for kana in row}
_TO_KATAKANA = {code: code + 0x60 for code in range(ord("ぁ"), ord("ゖ") + 1)}
# Free-standing marks become combining ones, which NFKC joins to the kana before (う゛ -> ヴ).
_TO_KATAKANA |= {0x309B: 0x3099, 0x309C: 0x309A}
_KANA = re.compile(
    f"[{''.join(_VOWEL)}ンッー{SEPARATORS}]*[{''.join(_VOWEL)}ン][ァ-ヺー{SEPARATORS}]*"
)
_KANJI = "々〆一-鿿"
_HIRAGANA, _NO_KATAKANA = re.compile("[ぁ-ん]"), re.compile("[^ァ-ヺー]")
_MORA = re.compile(f"[ァ-ヺー][{_SMALL}]?")


def to_katakana(text: str) -> str:
    """Write kana as full-width katakana and give any other text in its NFKC form.

    Hiragana become katakana, half-width katakana full-width ones, voicing marks join their kana.
    """
    return unicodedata.normalize("NFKC", text.translate(_TO_KATAKANA))


def can_be_rival(word: str) -> bool:
    """Whether a word is written so that it can be an everyday word beside a term of its sound.

    Words with hiragana or of katakana alone are not: they are mostly spellings of others. The
    analyser's lexicon has no word in ASCII.
    """
    return not (word.isascii() or _HIRAGANA.search(word)) and bool(_NO_KATAKANA.search(word))


def stands_in(word: str, text: str) -> bool:
    """Whether a word stands in a text by itself, and is then surely read as it is alone.

    A single character is read in many ways (元 is ガン or もと), and so may be one beside other
    kanji: 上流 stands in 上流へ, not in 上流階級.
    """
    alone = f"(?<![{_KANJI}]){re.escape(word)}(?![{_KANJI}])"
    return len(word) > 1 and re.search(alone, text) is not None


def is_kana(text: str) -> bool:
    """Whether `text` can be spoken as it stands: only kana, ー, ・ and spaces, and some kana."""
    return _KANA.fullmatch(to_katakana(text)) is not None


def morae(katakana: str) -> list[str]:
    """The morae of a katakana text, without separators: キャッチ -> キャ, ッ, チ."""
    return _MORA.findall(katakana)


def vowel(mora: str) -> str:
    """The vowel a katakana mora ends in (ア, イ, ウ, エ or オ); "" for ン, ッ, ー and no kana."""
    return _VOWEL.get(mora[-1:], "")
