"""check_dictionary.py: the table of terms, the summary, all faults at once."""

import sys

import pytest

import check_dictionary
import settle_readings
from whisper_terms.errors import UserError, run_script
from whisper_terms.tables import TERMS, read_table


@pytest.fixture
def check(tmp_path, monkeypatch):
    """Run the script on dictionaries with these contents; give the rows that it wrote."""

    def run(*contents):
        monkeypatch.chdir(tmp_path)
        names = [f"{number}.csv" for number in range(len(contents))]
        for name, content in zip(names, contents, strict=True):
            (tmp_path / name).write_text(content, "utf-8")
        arguments = ["--dictionary", *names, "--output", "results/terms.tsv"]
        monkeypatch.setattr(sys, "argv", ["check_dictionary.py", *arguments])
        check_dictionary.main()
        return read_table("results/terms.tsv", TERMS)

    return run


def test_table_and_summary(check, capsys):
    rows = check(
        "surface,reading,aliases,class,sentences,weight\n"
        "痙攣,けいれん,痙れん|けいれん,symptom,痙攣です。|痙攣が。,2.50\n湖\n",
        "東京,Tokyo\n",
    )
    assert rows == [
        {
            "term_id": "ta630689923",
            "surface": "痙攣",
            "reading": "ケイレン",
            "pronunciation": "ケーレン",
            "reading_source": "given",
            "aliases": "痙れん|けいれん",
            "class": "symptom",
            "weight": "2.5",
            "file": "0.csv",
            "row": "2",
            "sentences": "痙攣です。|痙攣が。",
            "rivals": "",
        },
        rows[1] | {"surface": "湖", "reading_source": "estimated", "file": "0.csv", "row": "3"},
        rows[2] | {"surface": "Tokyo", "reading": "トウキョウ", "reading_source": "given"},
    ]
    (line,) = capsys.readouterr().err.splitlines()
    assert line == "3 terms, 1 reading estimated (check it: reading_source in results/terms.tsv)"


@pytest.fixture
def with_sentences(tmp_path, monkeypatch):
    """Run a script on a dictionary and a file of sentences."""

    def run(dictionary, sentences, script=check_dictionary, more=()):
        monkeypatch.chdir(tmp_path)
        (tmp_path / "terms.csv").write_text(dictionary, "utf-8")
        (tmp_path / "mine.txt").write_text(sentences, "utf-8")
        arguments = "--dictionary terms.csv --sentences mine.txt --output terms.tsv"
        monkeypatch.setattr(sys, "argv", [script.__name__, *arguments.split(), *more])
        script.main()
        return {row["surface"]: row["sentences"] for row in read_table("terms.tsv", TERMS)}

    return run


def test_sentences_from_a_file(with_sentences, capsys):
    lines = "動悸がする。\n今日は晴れ。\n朝から動悸だ。\n黄疸が出た。\n"
    rows = with_sentences("surface,sentences\n動悸,また動悸か。\n黄疸,\n湖,\n", lines)
    assert rows == {
        "動悸": "また動悸か。|動悸がする。|朝から動悸だ。",
        "黄疸": "黄疸が出た。",
        "湖": "",
    }
    told = capsys.readouterr().err.splitlines()[-1]
    assert told == "3 of 4 sentences serve 2 terms; one alone has 2"


SHARD = ("--shard", "0000", "--shards", "1")


@pytest.mark.parametrize(("script", "more"), [(check_dictionary, ()), (settle_readings, SHARD)])
def test_faults_of_sentences_come_with_those_of_the_dictionary(with_sentences, script, more):
    with pytest.raises(UserError) as error:
        with_sentences("surface,weight\n痛,0\n", "\n", script, more)
    assert [str(fault.file) for fault in error.value.faults] == ["terms.csv", "mine.txt"]


def test_faults_of_reading_and_of_estimation_come_together(check, tmp_path):
    with pytest.raises(UserError) as error:
        check("surface,weight\n한,1\n한국,x\n,2\n", "surface\n$국\n")
    faults = error.value.faults
    assert [(fault.file, fault.row) for fault in faults] == [
        ("0.csv", 3),
        ("0.csv", 4),
        ("0.csv", 2),
        ("1.csv", 2),
    ]
    assert not (tmp_path / "results").exists()


def test_a_strange_term_comes_through(check):
    surface = "$(touch /tmp/x); \"a/b'…"
    assert check(f"surface,reading\n{surface},タッチ\n")[0]["surface"] == surface


def test_a_user_sees_no_traceback(check, capsys):
    with pytest.raises(SystemExit) as stop:
        run_script(lambda: check("surface\n。\n"))
    assert stop.value.code == 2
    assert "Traceback" not in capsys.readouterr().err


def test_help_needs_no_analyser(capsys):
    with pytest.raises(SystemExit) as stop:
        check_dictionary.parse_arguments(["--help"])
    assert stop.value.code == 0
    assert "spoken text, written text" in capsys.readouterr().out
