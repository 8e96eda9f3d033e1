"""Kana: one script, what counts, how it divides."""

import pytest

from whisper_terms.kana import is_kana, morae, stands_in, to_katakana, vowel


@pytest.mark.parametrize(
    ("text", "katakana"),
    [
        ("けいれん", "ケイレン"),
        ("ケイレン", "ケイレン"),
        ("ｹｲﾚﾝ", "ケイレン"),
        ("ｶﾞｰｾﾞ", "ガーゼ"),
        ("う゛ぃーるす", "ヴィールス"),
        ("ゔ", "ヴ"),
        ("か\u3099", "ガ"),
        ("コ・ウシ", "コ・ウシ"),
        ("ｺ･ｳｼ", "コ・ウシ"),
        ("えむ　あーる", "エム アール"),
        ("心 SDK", "心 SDK"),
        ("", ""),
    ],
)
def test_any_kana_become_full_width_katakana(text, katakana):
    assert to_katakana(text) == katakana


@pytest.mark.parametrize(
    "text",
    ["けいれん", "ケーレン", "ｹｲﾚﾝ", "コ・ウシ", "エム アール", "ン", "ッテ", "ヴィ", "ーア"],
)
def test_kana_can_be_spoken_as_they_stand(text):
    assert is_kana(text)


@pytest.mark.parametrize(
    "text", ["", " ", "・", "ー", "ッ", "痙攣", "けい攣", "SDK", "ア-ト", "ア1", "ヽ"]
)
def test_other_text_is_no_kana(text):
    assert not is_kana(text)


@pytest.mark.parametrize(
    ("katakana", "parts"),
    [
        ("ケイレン", ["ケ", "イ", "レ", "ン"]),
        ("シンカブツー", ["シ", "ン", "カ", "ブ", "ツ", "ー"]),
        ("キャッチ", ["キャ", "ッ", "チ"]),
        ("ディーケー", ["ディ", "ー", "ケ", "ー"]),
        ("コ・ウシ", ["コ", "ウ", "シ"]),
        ("", []),
    ],
)
def test_morae(katakana, parts):
    assert morae(katakana) == parts


@pytest.mark.parametrize(
    ("mora", "expected"),
    [("カ", "ア"), ("キョ", "オ"), ("ティ", "イ"), ("ン", ""), ("ー", ""), ("", "")],
)
def test_vowel_of_a_mora(mora, expected):
    assert vowel(mora) == expected


@pytest.mark.parametrize(
    ("word", "text", "expected"),
    [
        ("上流", "上流へ行く。", True),
        ("上流", "川の上流", True),
        ("上流", "上流階級の人です。", False),
        ("上流", "最上流へ行く。", False),
        ("上流", "上流階級から上流へ。", True),
        ("同期", "佐々同期", False),
        ("元", "元の場所", False),
        ("A.", "A.です", True),
        ("A.", "ABです", False),
        ("上流", "", False),
    ],
)
def test_a_word_stands_by_itself(word, text, expected):
    assert stands_in(word, text) is expected
