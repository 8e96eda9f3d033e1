"""A recogniser's mishearings of the terms, turned back into the terms."""

import csv
import os
import subprocess
import sys
from collections import Counter

import pytest

import correct_lines
import correct_transcripts
import find_corrections as find_script
from whisper_terms.corrections import CORRECTIONS, Corrector, find_corrections
from whisper_terms.hearing import HEARD, choose_utterances, hear_utterances
from whisper_terms.scoring.lexicon import Lexicon, Term
from whisper_terms.scoring.tokens import is_word
from whisper_terms.tables import TERMS, TIMING, TRANSCRIPT, UTTERANCES, read_table, write_table

LEXICON = Lexicon(
    [
        Term("t1", "心窩部痛", "シンカブツウ"),
        Term("t2", "肺炎", "ハイエン"),
        Term("t3", "誤嚥性肺炎", "ゴエンセイハイエン"),
        Term("t4", "動悸", "ドウキ"),
        Term("t5", "ailia SDK", "アイリアエスディーケー"),
    ]
)
SAID = ["今日は新歌を聴いた。", "どこも痛くない。"]


def heard(term_id: str, text: str, written: str, times: int = 2) -> list[dict[str, str]]:
    row = {"audio": "a.wav", "term_id": term_id, "text": text, "heard": written}
    return [row] * times


def found(*rows: list[dict[str, str]]):
    return find_corrections([row for group in rows for row in group], SAID, LEXICON)


def table(*rows: list[dict[str, str]]) -> dict[str, str]:
    return {one.heard: one.term_id for one in found(*rows).corrections}


# -------------------------------------------------------------------------------------------------
# What is found


def test_the_part_that_stands_for_the_term_is_taken_from_the_sentence():
    assert table(heard("t1", "心窩部痛が続く。", "深化部通が続く。")) == {"深化部通": "t1"}
    assert table(heard("t1", "心窩部痛", "しんかぶ通。")) == {"しんかぶ通": "t1"}


def test_how_often_is_counted_over_sentences():
    rows = heard("t1", "心窩部痛", "深化部通"), heard("t1", "心窩部痛です", "深化部通です", 3)
    assert [(one.heard, one.times) for one in found(*rows).corrections] == [("深化部通", 5)]


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        (heard("t1", "心窩部痛", "深化部通", times=1), "rare"),
        (heard("t4", "動悸がする", "何がする"), "rare"),  # one character
        (heard("t4", "動悸がする", "動機がする"), "ordinary"),  # a word
        (heard("t1", "心窩部痛です", "日は新歌です"), "ordinary"),  # in a sentence
        (heard("t1", "心窩部痛", "深化部通") + heard("t2", "肺炎", "深化部通"), "shared"),
    ],
)
def test_what_may_mean_something_else_is_left_out(rows, reason):
    result = found(rows)
    assert not result.corrections
    assert Counter(rare=result.rare, ordinary=result.ordinary, shared=result.shared) == {
        one: int(one == reason) for one in ("rare", "ordinary", "shared")
    }


def test_a_mishearing_that_one_term_dominates_is_its_own():
    assert table(heard("t1", "心窩部痛", "深化部通", 6), heard("t2", "肺炎", "深化部通")) == {
        "深化部通": "t1"
    }


def test_what_was_heard_right_or_of_another_term_is_no_mishearing():
    rows = heard("t2", "肺炎です", "肺炎です"), heard("t2", "肺炎と動悸", "肺炎とどう気")
    assert table(*rows) == {}


def test_a_part_of_a_carrier_sentence_is_ordinary():
    rows = heard("t1", "心窩部痛が三日続く", "三日続が三日続く")
    assert found(rows).ordinary == 1


def test_words_are_what_the_analyser_knows():
    assert is_word("動機") and is_word("経営")
    assert not is_word("深化部通") and not is_word("")


# -------------------------------------------------------------------------------------------------
# What is corrected


@pytest.fixture
def corrector():
    return Corrector(
        {"深化部通": "心窩部痛", "部通": "心窩部痛", "愛理亜sdk": "ailia SDK", "sd": "肺炎"},
        LEXICON,
    )


@pytest.mark.parametrize(
    ("written", "corrected"),
    [
        ("深化部通が続く。", "心窩部痛が続く。"),  # the longest
        ("昨日、深化 部通と部通。", "昨日、心窩部痛と心窩部痛。"),
        ("愛理亜ＳＤＫを使う", "ailia SDKを使う"),
        ("愛理亜SDKsを使う", "愛理亜SDKsを使う"),  # no cut through a Latin word
        ("ASDを使う", "ASDを使う"),
        ("誤嚥性肺炎です。", "誤嚥性肺炎です。"),
        ("", ""),
        ("ｶﾞｰｾﾞと部通", "ｶﾞｰｾﾞと部通"),  # two characters become one: left alone
    ],
)
def test_correct(corrector, written, corrected):
    assert corrector.correct(written) == corrected


def test_a_term_that_is_written_right_stays():
    corrector = Corrector({"嚥性肺": "動悸", "肺炎です": "動悸"}, LEXICON)
    assert corrector.correct("誤嚥性肺炎です") == "誤嚥性肺炎です"


def test_the_chain_of_scripts(tmp_path, monkeypatch, capsys):
    rows = heard("t1", "心窩部痛が続く", "深化部通が続く")
    write_table(tmp_path / "heard.tsv", HEARD, rows)
    terms = [
        {"term_id": term.term_id, "surface": term.surface, "reading": term.reading}
        for term in LEXICON.terms.values()
    ]
    write_table(tmp_path / "terms.tsv", TERMS, terms)
    write_table(tmp_path / "manifest.tsv", UTTERANCES, [{"kind": "replay", "text": SAID[0]}])
    run(monkeypatch, find_script, tmp_path, "heard terms manifest", "corrections.tsv")
    assert "1 corrections for 1 of 5 terms" in capsys.readouterr().out
    assert read_table(tmp_path / "corrections.tsv", CORRECTIONS) == [
        {"heard": "深化部通", "surface": "心窩部痛", "term_id": "t1", "times": "2"}
    ]
    segments = [{"start": "0.00", "end": "1.50", "text": "今も深化部通が"}]
    write_table(tmp_path / "transcripts" / "one.tsv", TRANSCRIPT, segments)
    write_table(tmp_path / "transcripts" / "timing.tsv", TIMING, [])
    (tmp_path / "transcripts" / "prompt.txt").write_text("a prompt is no transcript\n")
    run(monkeypatch, correct_transcripts, tmp_path, "transcripts= corrections terms", "out")
    assert read_table(tmp_path / "out" / "one.tsv") == [segments[0] | {"text": "今も心窩部痛が"}]
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"one.tsv", "timing.tsv"}
    said = "今も深化部通が\r\n\n何も。".encode()
    options = ("--corrections", tmp_path / "corrections.tsv", "--terms", tmp_path / "terms.tsv")
    command = [sys.executable, correct_lines.__file__, *options]
    done = subprocess.run(command, input=said, capture_output=True, check=True)
    assert done.stdout.decode() == "今も心窩部痛が\r\n\n何も。"
    wrong = subprocess.run(command, input=said + b"\n\xff", capture_output=True)
    assert wrong.returncode == 2
    assert b"standard input:4: not UTF-8 (byte 0 of the line)" in wrong.stderr
    # As before `| head`.
    reader, writer = os.pipe()
    os.close(reader)
    unread = subprocess.run(command, input=said, stdout=writer, stderr=subprocess.PIPE)
    os.close(writer)
    assert (unread.returncode, unread.stderr) == (0, b"")


def run(monkeypatch, script, folder, inputs: str, output: str) -> None:
    """Run a script's main with `--NAME folder/NAME.tsv`, or a folder for `NAME=`."""
    command = [script.__file__, "--output", str(folder / output)]
    for name in inputs.split():
        path = folder / name.rstrip("=") if name.endswith("=") else folder / f"{name}.tsv"
        command += [f"--{name.rstrip('=')}", str(path)]
    monkeypatch.setattr(sys, "argv", command)
    script.main()


# -------------------------------------------------------------------------------------------------
# What is listened to


def utterances(term_id: str, lone: int, framed: int, split: str = "train"):
    kinds = ["term"] * lone + ["context"] * framed
    return [
        {"audio": f"{split}{index}.wav", "term_id": term_id, "kind": kind, "split": split}
        for index, kind in enumerate(kinds)
    ]


@pytest.mark.parametrize(
    ("lone", "framed", "expected"),
    [(9, 9, (4, 4)), (9, 1, (7, 1)), (1, 9, (1, 7)), (2, 3, (2, 3)), (0, 9, (0, 8))],
)
def test_half_of_the_utterances_are_lone_terms(lone, framed, expected):
    rows = [*utterances("t1", lone, framed), *utterances("t1", 5, 5, "dev")]
    rows += [{"audio": "r.wav", "term_id": "", "kind": "replay", "split": "train"}]
    chosen = choose_utterances(rows, 8)
    kinds = Counter(row["kind"] for row in chosen)
    assert (kinds["term"], kinds["context"]) == expected
    assert {row["split"] for row in chosen} == {"train"}
    assert choose_utterances(rows, 8) == chosen


def test_every_term_is_listened_to():
    rows = [*utterances("t1", 3, 3), *utterances("t2", 3, 3)]
    assert {row["term_id"] for row in choose_utterances(rows, 2)} == {"t1", "t2"}


class Listener:
    """Hears an audio file's own name; counts, and may stop."""

    def __init__(self, most: int = 1000):
        self.files, self.most = [], most

    def __call__(self, files):
        for path in reversed(files):
            if len(self.files) == self.most:
                raise KeyboardInterrupt
            self.files.append(path.name)
            yield path, f"heard {path.name}"


@pytest.fixture
def weights(tmp_path):
    (tmp_path / "model.pt").write_bytes(b"weights")
    return tmp_path / "model.pt"


def hear(listener, rows, weights):
    return hear_utterances(rows, weights, ["ja"], weights.parent / "states", listener)


def rows_of(names) -> list[dict[str, str]]:
    return [
        {"audio": name, "term_id": "t1", "text": f"text {name}", "kind": "term"} for name in names
    ]


def test_nothing_is_listened_to_twice(weights):
    first, second, third = Listener(), Listener(), Listener()
    assert hear(first, rows_of("ab"), weights) == [
        {"audio": name, "term_id": "t1", "text": f"text {name}", "heard": f"heard {name}"}
        for name in "ab"
    ]
    assert [row["audio"] for row in hear(second, rows_of("bca"), weights)] == ["b", "c", "a"]
    assert (sorted(first.files), second.files) == (["a", "b"], ["c"])
    weights.write_bytes(b"other weights")
    hear(third, rows_of("a"), weights)
    assert third.files == ["a"]
    assert len([*(weights.parent / "states").iterdir()]) == 1


def test_a_killed_run_goes_on(weights):
    names = [f"{number}.wav" for number in range(450)]
    killed, second = Listener(most=430), Listener()
    with pytest.raises(KeyboardInterrupt):
        hear(killed, rows_of(names), weights)
    assert len(hear(second, rows_of(names), weights)) == 450
    assert len(second.files) == 50


def test_the_table_is_plain_tab_separated_text(tmp_path):
    # So that any recogniser's output can be corrected by it.
    write_table(tmp_path / "c.tsv", CORRECTIONS, [dict.fromkeys(CORRECTIONS, "=a,b")])
    with (tmp_path / "c.tsv").open(encoding="utf-8") as source:
        assert next(csv.reader(source, delimiter="\t")) == CORRECTIONS
