from whisper_terms.report_text import (
    aligned,
    before_after_table,
    comparison_lines,
    display_width,
    measures_table,
)
from whisper_terms.scoring.columns import EVAL
from whisper_terms.scoring.lexicon import Lexicon
from whisper_terms.scoring.summary import count_systems
from whisper_terms.scoring.utterance import ScoredUtterance

ROW = dict.fromkeys(EVAL, "") | {
    "system": "base",
    "test_set": "用語",
    "term_recall": "0.923456",
    "term_recall_low": "0.9",
    "term_recall_high": "0.9512",
    "term_precision": 1.0,
    "cer": 0.0314,
    "right_to_wrong": 0,
    "wrong_to_right": 12,
}


def test_display_width():
    assert display_width("ab") == 2
    assert display_width("用語ガ") == 6
    assert display_width("ｶﾞ") == 2
    assert display_width("か\u3099") == 2


def test_aligned():
    assert aligned([["用語", "1"], ["a", "10"]], left_columns=1) == "用語   1\na     10"


def test_before_after_table():
    header, line = before_after_table([ROW]).splitlines()
    assert line.split() == ["base", "用語", "92.3", "(90.0-95.1)", "100.0", "3.1", "-", "0", "12"]
    assert display_width(header) == display_width(line)
    assert header.split("  ")[0] == "system"


def test_a_table_of_nothing_is_its_header():
    assert before_after_table([]).startswith("system")


def test_measures_table():
    lines = [line.split() for line in measures_table([ROW, ROW]).splitlines()]
    assert lines[0] == ["system", "base", "base"]
    assert ["cer", "0.0314", "0.0314"] in lines
    assert ["wer", "-", "-"] in lines


def test_comparison():
    def heard(texts):
        return [
            ScoredUtterance(str(i), "A", 1.0, "水を飲む薬", text) for i, text in enumerate(texts)
        ]

    systems = {"base": heard(["水を飲む"] * 4), "tuned": heard(["水を飲む薬"] * 4)}
    assert comparison_lines(count_systems(systems, Lexicon([]), str.split), 50) == [
        "tuned against base: CER -20.0 points (95%: -20.0 to -20.0), "
        "better in 100.0% of 50 resamples"
    ]
