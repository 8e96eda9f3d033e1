"""Terms that the base model does not hear every time, and what is trained on then."""

import sys

import pytest

import select_terms as script
from whisper_terms.errors import UserError
from whisper_terms.hearing import HEARD
from whisper_terms.scoring.lexicon import Lexicon, Term
from whisper_terms.selection import MISHEARD, judge_terms, judged_rows, keep_selected
from whisper_terms.tables import TERMS, UTTERANCES, read_table, write_table

LEXICON = Lexicon(
    [
        Term("t1", "心窩部痛", aliases=("心か部痛",)),
        Term("t2", "肺炎"),
        Term("t3", "誤嚥性肺炎"),
        Term("t4", "動悸"),
    ]
)


def heard(term_id: str, text: str, written: str) -> dict[str, str]:
    return {"audio": "a.wav", "term_id": term_id, "text": text, "heard": written}


def judge(*rows: dict[str, str]) -> dict[str, tuple[int, int, bool]]:
    judged = judge_terms(rows, LEXICON)
    return {one.term.term_id: (one.occurrences, one.heard, one.selected) for one in judged}


# -------------------------------------------------------------------------------------------------
# What is selected


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (["動悸。", "動悸がする"], (2, 2, False)),
        (["動悸", "昨日から動悸でした"], (2, 2, False)),  # the rest of the sentence is no matter
        (["動悸", "動機がする"], (2, 1, True)),
        (["", "どうきがする"], (2, 0, True)),
    ],
)
def test_a_term_that_was_missed_is_selected(written, expected):
    rows = [heard("t4", *pair) for pair in zip(["動悸", "動悸がする"], written, strict=True)]
    assert judge(*rows)["t4"] == expected


def test_an_alias_is_heard():
    assert judge(heard("t1", "心窩部痛です。", "心か部痛です"))["t1"] == (1, 1, False)
    # A sentence of the user's may hold the alias itself.
    assert judge(heard("t1", "心か部痛です。", "心窩部痛です"))["t1"] == (1, 1, False)


def test_a_longer_term_is_another():
    assert judge(heard("t2", "肺炎です", "誤嚥性肺炎です"))["t2"] == (1, 0, True)
    assert judge(heard("t3", "誤嚥性肺炎です", "肺炎です"))["t3"] == (1, 0, True)


def test_what_was_never_listened_to_is_selected():
    assert set(judge().values()) == {(0, 0, True)}
    # Nothing is said of a term by a sentence that holds it as a part of another.
    assert judge(heard("t2", "誤嚥性肺炎です", "誤嚥性肺炎です"))["t2"] == (0, 0, True)


def test_a_repeated_term_must_be_heard_as_often():
    assert judge(heard("t4", "動悸、また動悸", "動悸、また"))["t4"] == (2, 1, True)


def test_other_terms_of_a_sentence_are_passed_over():
    judged = judge(heard("t4", "動悸と肺炎", "動悸と灰炎"))
    assert judged["t4"] == (1, 1, False)
    assert judged["t2"] == (0, 0, True)


# -------------------------------------------------------------------------------------------------
# What is kept of the manifest

MANIFEST = [
    {"audio": f"{number}.wav", "split": split, "kind": kind, "term_id": term_id}
    for number, (split, kind, term_id) in enumerate(
        (split, kind, term_id)
        for split in ("train", "dev")
        for kind, term_id in [
            ("term", "t1"), ("context", "t1"), ("term", "t4"), ("context", "t4"),
            ("contrast", "t4"), ("replay", ""),
        ]
    )
]  # fmt: skip
RIGHT = heard("t4", "動悸", "動悸")
ALL_RIGHT = [
    RIGHT,
    *(heard(name, term.surface, term.surface) for name, term in LEXICON.terms.items()),
]


def test_training_utterances_of_other_terms_go():
    kept = [*keep_selected(MANIFEST, judge_terms([RIGHT], LEXICON))]
    gone = [row for row in MANIFEST if row not in kept]
    assert {row["kind"] for row in gone} == {"term", "context", "contrast"}
    assert {(row["split"], row["term_id"]) for row in gone} == {("train", "t4")}
    assert len(gone) == 3
    # In their order: windows of what is kept are as they were.
    assert kept == [row for row in MANIFEST if row in kept]


def test_all_is_kept_where_all_are_selected():
    assert [*keep_selected(MANIFEST, judge_terms([], LEXICON))] == MANIFEST


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Runs the script on what was heard; gives its tables."""

    def select(*rows: dict[str, str]):
        write_table(tmp_path / "heard.tsv", HEARD, rows)
        terms = [
            {"term_id": term.term_id, "surface": term.surface, "aliases": "|".join(term.aliases)}
            for term in LEXICON.terms.values()
        ]
        write_table(tmp_path / "terms.tsv", TERMS, terms)
        write_table(tmp_path / "manifest.tsv", UTTERANCES, MANIFEST)
        command = [script.__file__]
        for name in ("heard", "terms", "manifest", "table", "output"):
            command += [f"--{name}", str(tmp_path / f"{name}.tsv")]
        monkeypatch.setattr(sys, "argv", command)
        script.main()
        tables = tmp_path / "table.tsv", tmp_path / "output.tsv"
        return read_table(tables[0], MISHEARD), read_table(tables[1], UTTERANCES)

    select.folder = tmp_path
    return select


def test_the_script_writes_both_tables_and_says_how_many(run, capsys):
    table, manifest = run(
        RIGHT, heard("t1", "心窩部痛", "心か部痛"), heard("t1", "心窩部痛", "新歌")
    )
    said = "3 of 4 terms selected: the base model does not hear them every time\n"
    assert capsys.readouterr().out == said
    assert [tuple(row.values())[1:] for row in table] == [
        ("心窩部痛", "2", "1", "yes"),
        ("肺炎", "0", "0", "yes"),
        ("誤嚥性肺炎", "0", "0", "yes"),
        ("動悸", "1", "1", ""),
    ]
    assert len(manifest) == len(MANIFEST) - 3


def test_nothing_to_teach(run):
    with pytest.raises(UserError) as error:
        run(*ALL_RIGHT)
    (fault,) = error.value.faults
    assert fault.problem == "the base model hears every term: nothing to teach"
    assert "terms: all" in fault.cure
    assert not (run.folder / "output.tsv").exists()


def test_rows_have_the_columns():
    assert all([*row] == MISHEARD for row in judged_rows(judge_terms([], LEXICON)))
