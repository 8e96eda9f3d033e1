"""Readings settled: long vowels, borders, estimates."""

import pytest

from whisper_terms.errors import UserError
from whisper_terms.readings import Reading, settle_reading

# The analyser knows these words with these readings, and so their borders.
KNOWN = [
    ("痙攣", "ケイレン", "ケーレン"),
    ("疼痛", "トウツウ", "トーツー"),
    ("動悸", "ドウキ", "ドーキ"),
    ("銃創", "ジュウソウ", "ジューソー"),
    ("経営", "ケイエイ", "ケーエー"),
    ("経緯", "ケイイ", "ケーイ"),
    ("携帯", "ケイタイ", "ケータイ"),
    ("王様", "オウサマ", "オーサマ"),
    ("氷", "コオリ", "コーリ"),
    ("大阪", "オオサカ", "オーサカ"),
    ("格子", "コウシ", "コーシ"),
    ("女王", "ジョオウ", "ジョオー"),
    ("お母さん", "オカアサン", "オカーサン"),
    ("子牛", "コウシ", "コウシ"),
    ("小売り", "コウリ", "コウリ"),
    ("里親", "サトオヤ", "サトオヤ"),
    ("湖", "ミズウミ", "ミズウミ"),
    ("炎", "ホノオ", "ホノオ"),
    ("毛糸", "ケイト", "ケイト"),
    ("抑鬱", "ヨクウツ", "ヨクウツ"),
    ("躁うつ病", "ソウウツビョウ", "ソーウツビョー"),
    ("思う", "オモウ", "オモウ"),
    ("追う", "オウ", "オウ"),
    ("縫う", "ヌウ", "ヌウ"),
    ("こんにちは", "コンニチハ", "コンニチワ"),
    ("シュウマイ", "シュウマイ", "シューマイ"),
]
# It reads these, or some part of them, otherwise than the user.
OTHERWISE = [
    ("心窩部痛", "シンカブツウ", "シンカブツー"),
    ("嚥下障害", "エンゲショウガイ", "エンゲショーガイ"),
    ("古雨", "コウ", "コウ"),
    ("化因", "ケイン", "ケイン"),
    ("胃運動", "イウンドウ", "イウンドー"),
    ("扇", "オウギ", "オーギ"),
    ("狩人", "カリュウド", "カリュード"),
    ("今日", "キョウ", "キョー"),
    ("二十歳", "ハタチ", "ハタチ"),
    ("三ヶ月", "サンカゲツ", "サンカゲツ"),
    ("鼻血", "ハナヂ", "ハナジ"),
    ("麦門冬湯", "バクモンドウトウ", "バクモンドートー"),
    ("けいれん", "ケイレン", "ケーレン"),
    ("おもう", "オモウ", "オモウ"),
    ("痙攣", "ケーレン", "ケーレン"),
    ("10本", "ジュッポン", "ジュッポン"),
]
LATIN = [
    ("ailia SDK", "アイリアエスディーケー", "アイリアエスディーケー"),
    ("Gray", "グレイ", "グレイ"),
    ("X線", "エックスセン", "エックスセン"),
    ("NK細胞", "エヌケーサイボウ", "エヌケーサイボー"),
    ("ボウリング", "ボウリング", "ボウリング"),
    ("ディスプレイ", "ディスプレイ", "ディスプレイ"),
    ("$(touch /tmp/x); \"a/b'…", "タッチ", "タッチ"),
    ("한국어", "ハングゴ", "ハングゴ"),
    ("...x", "エイ", "エイ"),
]


@pytest.mark.parametrize(("surface", "reading", "said"), KNOWN + OTHERWISE + LATIN)
def test_pronunciation_of_a_given_reading(surface, reading, said):
    assert settle_reading(surface, reading) == Reading(reading, said, "given")


@pytest.mark.parametrize(
    ("surface", "reading", "settled"),
    [
        ("格子", "コ・ウシ", Reading("コウシ", "コウシ", "given")),
        ("仔牛肉", "コ ウシ ニク", Reading("コウシニク", "コウシニク", "given")),
        (
            "ailia SDK",
            "アイリア・エスディーケー",
            Reading(*["アイリアエスディーケー"] * 2, "given"),
        ),
        ("痙攣", "けいれん", Reading("ケイレン", "ケーレン", "given")),
    ],
)
def test_borders_hold_and_are_not_spoken(surface, reading, settled):
    assert settle_reading(surface, reading) == settled


@pytest.mark.parametrize("length", [1, 60])
def test_sounds_stand_for_kana_one_by_one(length):
    surface, reading = "心Aい" * (length // 3 or 1), "コウ" * length
    assert len(settle_reading(surface, reading).pronunciation) == len(reading)


@pytest.mark.parametrize(
    ("surface", "estimate"),
    [
        ("痙攣", Reading("ケイレン", "ケーレン", "estimated")),
        ("湖", Reading("ミズウミ", "ミズウミ", "estimated")),
        ("SDK", Reading("エスディーケイ", "エスディーケー", "estimated")),
        ("β遮断薬！", Reading(*["ベータシャダンヤク"] * 2, "estimated")),
        ("<script>", Reading(*["エスシーアールアイピーティー"] * 2, "estimated")),
    ],
)
def test_missing_reading_is_estimated(surface, estimate):
    assert settle_reading(surface, "") == estimate


def test_spoken_text_is_read_in_place_of_the_surface():
    assert settle_reading("Tokyo", "東京") == Reading("トウキョウ", "トーキョー", "given")


@pytest.mark.parametrize(
    ("surface", "part"), [("한국어", "한국어"), ("痛み한", "한"), ("%%", "%%")]
)
def test_no_estimate_is_a_fault(surface, part):
    with pytest.raises(UserError) as error:
        settle_reading(surface, "")
    (fault,) = error.value.faults
    assert part in fault.problem and fault.value == surface and "reading" in fault.cure
