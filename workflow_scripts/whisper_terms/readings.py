"""How a term is said: its reading, given or estimated, and its pronunciation.

A reading is spelling (ケイレン, コウシ), a pronunciation is sound (ケーレン; コーシ for 格子, but
コウシ for 子牛). Whether エイ or オウ is one long vowel depends on where the parts of a word meet,
and kana don't show it. So the reading is laid alongside the analysis of the surface, and each part
is settled by the best that is known of it:

1. A morpheme that the analyser reads as the user does is said as the analyser says it: the
   dictionary of Open JTalk (NAIST-jdic) gives both a reading and a pronunciation.
2. A kanji whose share of the reading has the shape of a Sino-Japanese one (a mora, then at most
   one of イ ウ ク キ ツ チ ン ッ; Itô and Mester, "Stem and word in Sino-Japanese", 1996) has a
   long vowel where that ends in エイ, オウ or ウウ.
3. Any other kanji has one in エイ, オウ, オオ and ュウ, unless ン or ッ follows, since syllables of
   three morae are avoided (Kubozono, "Mora and syllable", 1999).
4. Hiragana of a noun follow rule 3. Other kana (思う オモウ), katakana words and what Latin
   letters stand for (ボウリング) are said as written: loanwords vary, and the user wrote what is
   said.

No long vowel crosses from one part to the next. Limits: of a word that the analyser lacks or reads
otherwise, rule 3 is wrong where the reading of one kanji holds a border of its own (ホノオ for 炎,
once 火の穂), and rule 2 where a reading divides in two ways (仔牛肉: コウ|シ|ニク or コ|ウシ|ニク).
A "・" or a space in the reading (コ・ウシニク) is a border that always holds: the user's way out.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import pyopenjtalk

from whisper_terms.errors import Fault, UserError
from whisper_terms.kana import ROWS, SEPARATORS, is_kana, to_katakana


@dataclass(frozen=True)
class Reading:
    """How a term is read and said.

    Attributes:
        reading: katakana as spelt, without separators.
        pronunciation: katakana as said, with ー for long vowels.
        source: "given" by the user or "estimated" here.
    """

    reading: str
    pronunciation: str
    source: Literal["given", "estimated"]


def settle_reading(surface: str, reading: str) -> Reading:
    """Settle how a term is read and said.

    Args:
        surface: the term as written.
        reading: kana, in which "・" or a space marks a border that no long vowel crosses; or
            another text to be spoken in place of the surface; or "", to be estimated.

    Raises:
        UserError: no reading can be estimated for some part of the text.
    """
    if is_kana(reading):
        parts = re.split(f"[{SEPARATORS}]+", to_katakana(reading).strip(SEPARATORS))
        katakana = "".join(parts)
        said = _align(_analyse(surface), katakana)
        return Reading(katakana, _keep_borders(said, parts), "given")
    morphemes = _analyse(reading or surface)
    _require_readings(morphemes, reading or surface)
    return Reading(
        "".join(morpheme.read for morpheme in morphemes),
        "".join(morpheme.said for morpheme in morphemes),
        "given" if reading else "estimated",
    )


class _Morpheme(NamedTuple):
    """A part of a text as the analyser divides it.

    Attributes:
        text: its characters, as the analyser normalised them.
        read: its katakana as spelt; "" for a symbol, which is silent.
        said: its katakana as said.
    """

    text: str
    read: str
    said: str


# ヶ and ヵ are kanji in all but their looks: 三ヶ月 is said サンカゲツ.
_IDEOGRAPHS = "々〆〇ヶヵ\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_KANA = "ぁ-ヴー"
_HIRAGANA_TEXT = re.compile("[ぁ-ゖー]+")
_IDEOGRAPH = re.compile(f"[{_IDEOGRAPHS}]")
_KANA_UNIT = re.compile(f"[{_KANA}]")
# What takes a share of a reading: an ideograph, a kana, or a run of Latin letters and the like.
_UNIT = re.compile(f"[{_IDEOGRAPHS}]|[{_KANA}]|[^{_IDEOGRAPHS}{_KANA}]+")
# The most kana that one ideograph may stand for: 承 in 承る has four, 詔 has five.
_LONGEST_SHARE = 6

_LONG_IN_SINO_JAPANESE = re.compile(f"(?<=[{ROWS['エ']}])イ|(?<=[{ROWS['オ']}{ROWS['ウ']}])ウ")
_LONG_ELSEWHERE = re.compile(
    f"(?:(?<=[{ROWS['エ']}])イ|(?<=[{ROWS['オ']}ュ])ウ|(?<=[{ROWS['オ']}])オ)(?![ンッ])"
)
_SINO_JAPANESE = re.compile(
    "(?![ァィゥェォッャュョヮン])[ァ-ヴ][ャュョ]?"
    f"(?:(?<=[{ROWS['オ']}{ROWS['ウ']}])ウ|(?<=[{ROWS['ア']}{ROWS['ウ']}{ROWS['エ']}])イ"
    "|[クキツチンッ])?"
)
_SAME_SOUND = str.maketrans("ヂヅヲ", "ジズオ")


def _analyse(text: str) -> list[_Morpheme]:
    morphemes = []
    for feature in pyopenjtalk.run_frontend(text):
        # "’" marks a devoiced vowel.
        read, said = (feature[key].replace("’", "") for key in ("read", "pron"))
        if not is_kana(said):
            # A symbol that is not spoken has a mark of pause instead.
            read = said = ""
        elif len(read) != len(said):
            read = said
        elif _HIRAGANA_TEXT.fullmatch(feature["string"]) and feature["ctype"] == "*":
            # The dictionary lacks the long vowels of many nouns in hiragana (けいれん); of what
            # inflects it knows that there are none (おもう).
            said = _LONG_ELSEWHERE.sub("ー", said)
        morphemes.append(_Morpheme(feature["string"], read, said.translate(_SAME_SOUND)))
    return morphemes


def _require_readings(morphemes: list[_Morpheme], text: str) -> None:
    unknown = [
        morpheme.text
        for morpheme in morphemes
        if not morpheme.read and any(map(str.isalnum, morpheme.text))
    ]
    if unknown or not any(morpheme.read for morpheme in morphemes):
        problem = f"no reading can be estimated for {', '.join(unknown) or text}"
        raise UserError(Fault(problem, "give the reading in kana, as the term is said", value=text))


def _keep_borders(said: str, parts: Sequence[str]) -> str:
    """Undo the long vowels that cross from one part of a reading to the next."""
    sounds = list(said)
    position = 0
    for part in parts:
        if sounds[position] == "ー":
            sounds[position] = part[0]
        position += len(part)
    return "".join(sounds)


class _Way(NamedTuple):
    """The cheapest way found so far to a place in text and reading."""

    cost: float
    said: str


class _Step(NamedTuple):
    """Some units of a text and the sound of their share of a reading."""

    units: int
    said: str
    cost: float


def _align(morphemes: list[_Morpheme], reading: str) -> str:
    """The sounds of a reading, one for each of its kana, by what the analysed text says of them.

    The cheapest path through the places (units of text passed, kana of the reading passed), where
    the cost of a step says how little is known of it. A reading that has too little to do with
    the text to be shared out is said as written.
    """
    units = [
        (unit, morpheme if position == 0 else None)
        for morpheme in morphemes
        for position, unit in enumerate(_UNIT.findall(morpheme.text))
    ]
    ways: list[dict[int, _Way]] = [{} for _ in range(len(units) + 1)]
    ways[0][0] = _Way(0, "")
    for index, (unit, morpheme) in enumerate(units):
        for passed, way in ways[index].items():
            for step in _steps(unit, morpheme, reading[passed:]):
                reached = ways[index + step.units]
                place, cost = passed + len(step.said), way.cost + step.cost
                if place not in reached or cost < reached[place].cost:
                    reached[place] = _Way(cost, way.said + step.said)
    end = ways[-1].get(len(reading))
    return end.said if end else reading.translate(_SAME_SOUND)


def _steps(unit: str, morpheme: _Morpheme | None, rest: str) -> Iterator[_Step]:
    """What may come next: the morpheme that begins here as a whole, or its first unit alone."""
    if morpheme and rest.startswith((morpheme.read, morpheme.said)):
        yield _Step(len(_UNIT.findall(morpheme.text)), morpheme.said, 0)
    if _IDEOGRAPH.fullmatch(unit):
        yield from map(_ideograph_step, _shares(rest, _LONGEST_SHARE))
    elif _KANA_UNIT.fullmatch(unit):
        written = to_katakana(unit)
        yield from (_kana_step(written, share) for share in _shares(rest, 2))
    else:
        yield from (_Step(1, share, 1) for share in _shares(rest, len(rest)))


def _shares(rest: str, longest: int) -> Iterator[str]:
    return (rest[:length] for length in range(min(longest, len(rest)) + 1))


def _ideograph_step(share: str) -> _Step:
    if _SINO_JAPANESE.fullmatch(share):
        said = _LONG_IN_SINO_JAPANESE.sub("ー", share)
        # Of two such readings the longer is the likelier: 法 is ホウ rather than ホ.
        cost = 2 - len(share) / 8
    else:
        said = _LONG_ELSEWHERE.sub("ー", share)
        # Words read as a whole, such as 今日 キョウ, leave a kanji without a share.
        cost = 5 + len(share) / 8 if share else 8
    return _Step(1, said.translate(_SAME_SOUND), cost)


def _kana_step(written: str, share: str) -> _Step:
    # A kana said otherwise (は ワ) is rare.
    cost = 1 if share == written else 9 + len(share)
    return _Step(1, share.translate(_SAME_SOUND), cost)
