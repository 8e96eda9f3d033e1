"""One example, worked by hand, for every column of the three tables.

Set A, 10 s each:     said               base               tuned
    1                 誤嚥性肺炎です       五円性肺炎です       誤嚥性肺炎です
    2                 肺炎の薬            肺炎の薬            誤嚥性肺炎の薬
    3                 水を飲む            水を飲む            水を飲む肺炎
Set B, 20 s and 10 s:
    4                 (silence)          はい               (nothing)
    5                 PyTorchを使う       パイトーチを使う     PyTorchを使う
"""

import pytest

from whisper_terms.scoring.bootstrap import paired_bootstrap, rate_interval, share_interval
from whisper_terms.scoring.columns import EVAL, FLIPS, TERMS_EVAL
from whisper_terms.scoring.lexicon import Lexicon, Term
from whisper_terms.scoring.summary import count_systems, eval_rows, flips_rows, terms_rows
from whisper_terms.scoring.utterance import ScoredUtterance

TERMS = Lexicon(
    [
        Term("t1", "誤嚥性肺炎", "ゴエンセイハイエン"),
        Term("t2", "肺炎", "ハイエン"),
        Term("t3", "PyTorch", "パイトーチ", ("パイトーチ",)),
        Term("t4", "痙攣", "ケイレン"),
    ]
)
SAID = ["誤嚥性肺炎です", "肺炎の薬", "水を飲む", "", "PyTorchを使う"]
BASE = ["五円性肺炎です", "肺炎の薬", "水を飲む", "はい", "パイトーチを使う"]
TUNED = ["誤嚥性肺炎です", "誤嚥性肺炎の薬", "水を飲む肺炎", "", "PyTorchを使う"]
SETS = "AAABB"
SECONDS = [10, 10, 10, 20, 10]


def heard(texts, compute_seconds=None):
    return [
        ScoredUtterance(f"{number}.wav", test_set, seconds, reference, text, compute_seconds)
        for number, (test_set, seconds, reference, text) in enumerate(
            zip(SETS, SECONDS, SAID, texts, strict=True), start=1
        )
    ]


@pytest.fixture(scope="module")
def counts():
    systems = {"base": heard(BASE, compute_seconds=1.0), "tuned": heard(TUNED)}
    return count_systems(systems, TERMS, str.split)


@pytest.fixture(scope="module")
def rows(counts):
    return {(row["system"], row["test_set"]): row for row in eval_rows("nano", counts, 200)}


def test_the_rows_are_systems_by_test_sets_and_all(rows):
    assert list(rows) == [(name, each) for name in ("base", "tuned") for each in ("A", "B", "all")]
    assert all(set(row) == set(EVAL) for row in rows.values())


EXPECTED = {
    ("base", "A"): {
        "model": "nano",
        "utterances": 3,
        "seconds": 30,
        "cer": 2 / 15,  # 誤嚥 -> 五円
        "wer": 1 / 3,  # str.split makes one word of each
        "u_cer": 0.0,
        "b_cer": 2 / 7,
        "term_occurrences": 2,
        "term_recall": 1 / 2,
        "term_precision": 1.0,  # the 肺炎 of 五円性肺炎 is no false one
        "term_f1": 2 / 3,
        "false_accepts_per_hour": 0.0,
        "right_to_wrong": 0,
        "wrong_to_right": 0,
        "rtf": 3 / 30,
    },
    ("tuned", "A"): {
        "cer": 5 / 15,  # 誤嚥性 and 肺炎 inserted
        "wer": 2 / 3,
        "u_cer": 5 / 8,  # です の薬 水を飲む
        "b_cer": 0.0,
        "term_recall": 1 / 2,
        "term_precision": 1 / 3,  # false: 誤嚥性肺炎 in 2, 肺炎 in 3
        "term_f1": 2 / 5,
        "false_accepts_per_hour": 360.0,  # one in the 10 s of 3
        "right_to_wrong": 2,
        "wrong_to_right": 1,
        "rtf": "",
    },
    ("base", "B"): {
        "utterances": 2,
        "seconds": 30,
        "cer": 9 / 10,  # はい, and pytorch -> パイトーチ
        "wer": 2 / 1,
        "u_cer": 2 / 3,  # はい over を使う
        "b_cer": 7 / 7,
        "cer_low": "",  # one utterance with characters shows no spread
        "term_recall_high": "",
        "term_recall": 1.0,  # by its alias
        "term_f1": 1.0,
        "false_accepts_per_hour": 0.0,
        "rtf": 2 / 30,
    },
    ("base", "all"): {
        "utterances": 5,
        "seconds": 60,
        "cer": 11 / 25,
        "wer": 3 / 4,
        "u_cer": 2 / 11,
        "b_cer": 9 / 14,
        "term_occurrences": 3,
        "term_recall": 2 / 3,
        "rtf": 5 / 60,
    },
    ("tuned", "all"): {
        "cer": 5 / 25,
        "false_accepts_per_hour": 120.0,  # one in the 30 s of 3 and 4
        "right_to_wrong": 2,
        "wrong_to_right": 2,
    },
}


@pytest.mark.parametrize("key", EXPECTED, ids="-".join)
def test_measures(rows, key):
    found = {name: rows[key][name] for name in EXPECTED[key]}
    assert found == {
        name: pytest.approx(value, abs=1e-6) if isinstance(value, float) else value
        for name, value in EXPECTED[key].items()
    }


def test_intervals(rows):
    row = rows["tuned", "all"]
    for name, tops, bottoms, interval_of in [
        ("cer", [0, 3, 2, 0, 0], [7, 4, 4, 0, 10], share_interval),
        ("u_cer", [0, 3, 2, 0, 0], [2, 2, 4, 0, 3], share_interval),
        ("term_recall", [1, 0, 0, 0, 1], [1, 1, 0, 0, 1], share_interval),
        ("term_precision", [1, 0, 0, 0, 1], [1, 1, 1, 0, 1], share_interval),
        # Said 3 times and written 4 times: recall 2 of 3, precision 2 of 4.
        ("term_f1", [1, 0, 0, 0, 1], [1, 1, 0.5, 0, 1], share_interval),
        # Of 10 s and 20 s; the other three hold terms.
        ("false_accepts_per_hour", [1, 0], [10 / 3600, 20 / 3600], rate_interval),
    ]:
        interval = interval_of(tops, bottoms, 200)
        assert row[f"{name}_low"] == pytest.approx(interval.low, abs=1e-6)
        assert row[f"{name}_high"] == pytest.approx(interval.high, abs=1e-6)
        assert row[f"{name}_low"] < row[name] < row[f"{name}_high"]


def test_changes_are_those_of_the_same_recordings(rows):
    row = rows["tuned", "all"]
    change = paired_bootstrap([2, 0, 0, 2, 7], [0, 3, 2, 0, 0], [7, 4, 4, 0, 10], 200)
    assert row["cer_change"] == pytest.approx(change.difference, abs=1e-6)
    assert row["cer_change_low"] == pytest.approx(change.interval.low, abs=1e-6)
    assert row["u_cer_change"] == pytest.approx(5 / 11 - 2 / 11, abs=1e-6)
    assert row["u_cer_change_low"] < row["u_cer_change"] < row["u_cer_change_high"]
    assert rows["base", "all"]["cer_change"] == rows["base", "all"]["u_cer_change_high"] == ""
    flips = share_interval([0, 1, 1, 0, 0], [1] * 5, 200)
    assert row["right_to_wrong_high"] == pytest.approx(5 * flips.high, abs=1e-6)


def test_without_terms_or_speech_there_is_no_rate():
    silence = ScoredUtterance("1.wav", "quiet", 36.0, "", "肺炎")
    row = eval_rows("m", count_systems({"base": [silence]}, TERMS, str.split))[0]
    assert row["cer"] == row["wer"] == row["u_cer"] == row["b_cer"] == row["term_recall"] == ""
    assert row["term_precision"] == row["term_f1"] == 0
    assert row["false_accepts_per_hour"] == 100


def test_unknown_lengths_are_empty():
    utterance = ScoredUtterance("1.wav", "test", None, "水", "肺炎")
    row = eval_rows("m", count_systems({"base": [utterance]}, TERMS, str.split))[0]
    assert row["seconds"] == row["false_accepts_per_hour"] == row["rtf"] == ""


def test_without_term_free_audio_there_are_no_false_accepts_per_hour():
    utterance = ScoredUtterance("1.wav", "test", 5.0, "肺炎", "肺炎肺炎")
    row = eval_rows("m", count_systems({"base": [utterance]}, TERMS, str.split))[0]
    assert row["false_accepts_per_hour"] == ""


def test_terms(counts):
    rows = terms_rows(counts, TERMS)
    assert set(rows[0]) == set(TERMS_EVAL)
    assert [tuple(row[name] for name in TERMS_EVAL) for row in rows] == [
        ("base", "t1", "誤嚥性肺炎", "ゴエンセイハイエン", 1, 0, 0, "五円性肺炎×1"),
        ("base", "t2", "肺炎", "ハイエン", 1, 1, 1, ""),
        ("base", "t3", "PyTorch", "パイトーチ", 1, 1, 1, ""),
        ("tuned", "t1", "誤嚥性肺炎", "ゴエンセイハイエン", 1, 0, 1, ""),
        ("tuned", "t2", "肺炎", "ハイエン", 1, 1, 0, "誤嚥性肺炎×1"),
        ("tuned", "t3", "PyTorch", "パイトーチ", 1, 1, 1, ""),
    ]


def test_mishearings_come_most_frequent_first():
    texts = ["灰炎", "背炎", "", "背炎", "肺炎"]
    base = [ScoredUtterance(f"{i}", "A", 1.0, "肺炎", text) for i, text in enumerate(texts)]
    [row] = terms_rows(count_systems({"base": base}, TERMS, str.split), TERMS)
    assert (row["occurrences"], row["heard_after"]) == (5, 1)
    assert row["mishearings"] == "背炎×2|∅×1|灰炎×1"


def test_flips(counts):
    rows = flips_rows(counts)
    assert set(rows[0]) == set(FLIPS)
    assert [tuple(row[name] for name in FLIPS) for row in rows] == [
        ("tuned", "A", "1.wav", SAID[0], BASE[0], TUNED[0], "wrong_to_right"),
        ("tuned", "A", "2.wav", SAID[1], BASE[1], TUNED[1], "right_to_wrong"),
        ("tuned", "A", "3.wav", SAID[2], BASE[2], TUNED[2], "right_to_wrong"),
        ("tuned", "B", "4.wav", "", "はい", "", "wrong_to_right"),
    ]


def test_systems_must_have_heard_the_same():
    with pytest.raises(ValueError, match="same recordings"):
        count_systems({"base": heard(BASE), "tuned": heard(TUNED)[:-1]}, TERMS, str.split)
