"""Which of the words that sound alike was written."""

import pytest

from whisper_terms.report_homophones import word_lines
from whisper_terms.report_text import homophone_lines
from whisper_terms.scoring.columns import HOMOPHONES_EVAL
from whisper_terms.scoring.homophones import homophone_eval_rows
from whisper_terms.scoring.lexicon import Lexicon, Term
from whisper_terms.scoring.utterance import ScoredUtterance, count_utterance

PALPITATION = {"term_id": "t1", "surface": "動悸", "reading": "ドウキ"}
HOMOPHONES = [
    PALPITATION | {"rival": "動機", "kind": "word"},
    PALPITATION | {"rival": "同期", "kind": "word"},
]
TERMS = Lexicon([Term("t1", "動悸", "ドウキ", ("どうき",)), Term("t2", "動悸症", "ドウキショウ")])


def rows_of(*pairs, homophones=HOMOPHONES, terms=TERMS):
    """The rows of one system that heard the second text of each pair where the first was said."""
    counts = [
        count_utterance(ScoredUtterance(str(i), "set", 1.0, said, written), terms, list)
        for i, (said, written) in enumerate(pairs)
    ]
    return homophone_eval_rows({"tuned": counts}, homophones, terms)


def shown(rows):
    return {row["word"]: (row["occurrences"], row["heard"], row["heard_as"]) for row in rows}


def test_each_word_that_was_said_has_a_row():
    rows = rows_of(("動悸がする。", "動悸がする"), ("犯行の動機だ。", "犯行の動機だ。"))
    assert [list(row) for row in rows] == [HOMOPHONES_EVAL] * 2
    assert [(row["word"], row["kind"], row["reading"]) for row in rows] == [
        ("動悸", "term", "ドウキ"),
        ("動機", "word", "ドウキ"),
    ]
    assert shown(rows) == {"動悸": (1, 1, ""), "動機": (1, 1, "")}


def test_what_was_written_of_the_same_sound():
    rows = rows_of(
        ("犯行の動機だ。", "犯行の動悸だ。"),
        ("動機を聞く。", "動悸を聞く。"),
        ("志望の動機です。", "志望の同期です。"),
        ("会社の同期だ。", "会社の土器だ。"),
    )
    assert shown(rows) == {"動機": (3, 0, "動悸×2|同期×1"), "同期": (1, 0, "")}


def test_an_alias_is_the_term():
    assert shown(rows_of(("動悸がする。", "どうきがする。"))) == {"動悸": (1, 1, "")}
    assert shown(rows_of(("動機がある。", "どうきがある。"))) == {"動機": (1, 0, "動悸×1")}


def test_a_word_inside_a_longer_term_is_not_said():
    assert rows_of(("動悸症です。", "動機です。")) == []


def test_both_in_one_sentence():
    rows = rows_of(("動悸の動機", "動機の動悸"), ("動悸の動機", "動悸の動悸"))
    assert shown(rows) == {"動悸": (2, 2, ""), "動機": (2, 1, "動悸×1")}


def test_terms_of_one_sound_are_one_group():
    terms = Lexicon([Term("t1", "動悸", "ドウキ"), Term("t2", "瞳器", "ドウキ")])
    other = {"term_id": "t2", "surface": "瞳器", "reading": "ドウキ"}
    homophones = [
        PALPITATION | {"rival": "瞳器", "kind": "term"},
        PALPITATION | {"rival": "動機", "kind": "word"},
        other | {"rival": "動悸", "kind": "term"},
        other | {"rival": "動機", "kind": "word"},
    ]
    rows = rows_of(("瞳器", "動悸"), ("動機", "瞳器"), homophones=homophones, terms=terms)
    assert [row["kind"] for row in rows] == ["term", "word"]
    assert shown(rows) == {"瞳器": (1, 0, "動悸×1"), "動機": (1, 0, "瞳器×1")}


def test_a_word_that_is_an_alias_of_the_other_term_is_that_term():
    terms = Lexicon([Term("t1", "動悸", "ドウキ", ("動気",)), Term("t2", "瞳器", "ドウキ")])
    other = {"term_id": "t2", "surface": "瞳器", "reading": "ドウキ"}
    homophones = [
        PALPITATION | {"rival": "瞳器", "kind": "term"},
        PALPITATION | {"rival": "動機", "kind": "word"},
        other | {"rival": "動悸", "kind": "term"},
        other | {"rival": "動気", "kind": "word"},
        other | {"rival": "動機", "kind": "word"},
    ]
    rows = rows_of(("動悸", "動気"), ("動機", "動気"), homophones=homophones, terms=terms)
    assert shown(rows) == {"動悸": (1, 1, ""), "動機": (1, 0, "動悸×1")}
    assert len(rows) == 2


@pytest.mark.parametrize("pairs", [[], [("何もない。", "動悸と動機")]])
def test_nothing_said(pairs):
    assert rows_of(*pairs) == []


def test_no_homophones():
    assert rows_of(("動悸", "動悸"), homophones=[]) == []


def test_lines_for_the_terminal():
    rows = rows_of(("動悸", "動悸"), ("動機", "動悸"))
    assert homophone_lines(rows) == ["tuned: 1 of 2 words that sound like another are right"]
    assert homophone_lines([]) == []


def test_lines_of_the_report():
    cells = {"reading": "ドウキ", "word": "動機", "kind": "word", "occurrences": "3"}
    rows = [
        cells | {"system": "base", "heard": "2", "heard_as": "同期×1"},
        cells | {"system": "tuned", "heard": "1", "heard_as": "動悸×1|同期×1"},
    ]
    [line] = word_lines(rows, "base", "tuned")
    assert (line.word, line.is_term, line.said, line.before, line.after) == ("動機", False, 3, 2, 1)
    assert line.instead == ("動悸×1", "同期×1")
