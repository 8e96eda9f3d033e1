"""Words that sound like a term."""

import pytest

from whisper_terms.dictionary import read_dictionaries
from whisper_terms.homophones import everyday_words, homophone_rows
from whisper_terms.tables import TERM, WORD, split_list
from whisper_terms.terms import settle_entries, term_rows


def row(term_id: str, surface: str, said: str, rivals: str = "") -> dict[str, str]:
    return {
        "term_id": term_id,
        "surface": surface,
        "reading": said,
        "pronunciation": said,
        "rivals": rivals,
    }


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("ドーキ", {"動機", "同期"}),  # neither 動悸, which is rare, nor どうき, nor 同機
        ("ギンザ", {"銀座"}),  # not ギンザ, which is rarely written so
        ("シンカブツー", set()),
    ],
)
def test_everyday_words(said, expected):
    assert set(everyday_words([said]).get(said, ())) == expected


def test_the_commonest_comes_first():
    words = everyday_words({"コーカイ"})
    assert words["コーカイ"][0] == "公開" and "後悔" in words["コーカイ"]
    assert len(words["コーカイ"]) == 3


def test_names_are_no_words():
    assert "田中" not in everyday_words(["タナカ"]).get("タナカ", ())


def test_nothing_is_asked_for():
    assert everyday_words([]) == {}


def test_a_terms_own_spellings_are_no_rivals(tmp_path):
    path = tmp_path / "terms.csv"
    path.write_text("surface,reading,aliases\n動機,ドウキ,同期\n動悸,ドウキ,\n")
    rows = term_rows(settle_entries(read_dictionaries([path]), ()))
    assert [set(split_list(one["rivals"])) for one in rows] == [set(), {"動機", "同期"}]


def test_what_is_listed_for_the_user():
    rows = [
        row("t1", "動悸", "ドーキ", "同期|動機"),
        row("t2", "動機", "ドーキ", "同期"),
        row("t3", "痙攣", "ケーレン"),
    ]
    listed = [(one["surface"], one["rival"], one["kind"]) for one in homophone_rows(rows)]
    assert listed == [
        ("動悸", "動機", TERM),
        ("動悸", "同期", WORD),
        ("動機", "動悸", TERM),
        ("動機", "同期", WORD),
    ]
