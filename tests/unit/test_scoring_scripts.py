"""The scripts, run as a user runs them."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from whisper_terms.recordings import recording_id
from whisper_terms.scoring.columns import EVAL, FLIPS, HOMOPHONES_EVAL, TERMS_EVAL
from whisper_terms.tables import HOMOPHONES, RECORDINGS, TERMS, TRANSCRIPT, read_table, write_table

SCRIPTS = Path(__file__).parents[2] / "workflow_scripts"


def run(script, *arguments):
    return subprocess.run(
        [sys.executable, SCRIPTS / script, *map(str, arguments)], capture_output=True, text=True
    )


@pytest.fixture
def experiment(tmp_path):
    """A recording of one second in which base heard 背炎 and tuned 肺炎."""
    soundfile.write(tmp_path / "a.wav", np.zeros(16000), 16000)
    said = {"audio": "a.wav", "text": "肺炎の薬", "test_set": "terms"}
    write_table(tmp_path / "demo.tsv", RECORDINGS, [said])
    term = {"term_id": "t1", "surface": "肺炎", "reading": "ハイエン"}
    write_table(tmp_path / "terms.tsv", TERMS, [term])
    rival = {"term_id": "t1", "surface": "肺炎", "reading": "ハイエン", "rival": "排煙"}
    write_table(tmp_path / "homophones.tsv", HOMOPHONES, [rival | {"kind": "word"}])
    for system, text in [("base", "背炎の薬"), ("tuned", "肺炎の薬")]:
        file = tmp_path / system / f"{recording_id('a.wav')}.tsv"
        write_table(file, TRANSCRIPT, [{"start": 0, "end": 1, "text": text}])
    return tmp_path


def evaluate(folder, *systems):
    return run(
        "evaluate_systems.py",
        *("--model", "nano", "--terms", folder / "terms.tsv"),
        *("--homophones", folder / "homophones.tsv"),
        *("--homophones-eval", folder / "homophones_eval.tsv"),
        *("--recordings", folder / "demo.tsv", "--transcripts", *systems),
        *("--bootstrap", 50, "--eval", folder / "eval.tsv"),
        *("--terms-eval", folder / "terms_eval.tsv", "--flips", folder / "flips.tsv"),
    )


def test_evaluate_systems(experiment):
    ran = evaluate(experiment, f"base={experiment / 'base'}", f"tuned={experiment / 'tuned'}")
    assert ran.returncode == 0, ran.stderr
    rows = read_table(experiment / "eval.tsv")
    assert list(rows[0]) == EVAL
    assert [(row["system"], row["test_set"], row["cer"], row["seconds"]) for row in rows] == [
        ("base", "terms", "0.25", "1.0"),
        ("base", "all", "0.25", "1.0"),
        ("tuned", "terms", "0.0", "1.0"),
        ("tuned", "all", "0.0", "1.0"),
    ]
    terms = read_table(experiment / "terms_eval.tsv")
    assert list(terms[0]) == TERMS_EVAL
    assert (terms[1]["heard_before"], terms[1]["heard_after"]) == ("0", "1")
    alike = read_table(experiment / "homophones_eval.tsv")
    assert list(alike[0]) == HOMOPHONES_EVAL
    assert [(row["system"], row["word"], row["heard"]) for row in alike] == [
        ("base", "肺炎", "0"),
        ("tuned", "肺炎", "1"),
    ]
    [flip] = read_table(experiment / "flips.tsv")
    assert list(flip) == FLIPS
    assert flip["direction"] == "wrong_to_right"
    shown = run("show_table.py", experiment / "eval.tsv")
    assert ran.stdout.startswith(shown.stdout)
    assert len(shown.stdout.splitlines()) == 5
    assert "tuned: 1 of 1 words that sound like another are right" in ran.stdout


def test_evaluate_systems_tells_faults(experiment):
    ran = evaluate(experiment, "base", "tuned=x", "tuned=y")
    assert ran.returncode == 2
    assert "not of the form NAME=DIR" in ran.stderr
    assert "two systems have the same name" in ran.stderr
    assert "Traceback" not in ran.stderr
    assert not (experiment / "eval.tsv").exists()


@pytest.fixture
def texts(tmp_path):
    files = {
        "dict.csv": "surface,reading\n肺炎,ハイエン\n",
        "said.txt": "肺炎の薬\n水を飲む\n",
        "before.txt": "背炎の薬\n水を飲む\n",
        "said.tsv": "audio\ttext\ttest_set\na\t肺炎の薬\tterms\nb\t水を飲む\tother\n",
        "after.tsv": "audio\ttext\nb\t水を飲む\na\t肺炎の薬\n",
        "short.txt": "肺炎の薬\n",
        "twice.tsv": "audio\ttext\na\tx\na\ty\n",
        "all.tsv": "audio\ttext\ttest_set\na\tx\tall\n",
        "misnamed.tsv": "file\ttext\na\tx\n",
        "commas.csv": "audio,text\na,x\n",
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def score(folder, reference, *hypotheses, more=()):
    files = [folder / name for name in hypotheses]
    reference = ("--reference", folder / reference)
    files += ["--dictionary", folder / "dict.csv", *more]
    return run("score.py", *reference, "--hypothesis", *files)


def test_score_lines(texts):
    ran = score(texts, "said.txt", "before.txt", "said.txt")
    assert ran.returncode == 0, ran.stderr
    measures = {line.split()[0]: line.split()[1:] for line in ran.stdout.splitlines() if line}
    assert measures["cer"] == ["0.125", "0.125", "0.0", "0.0"]
    assert measures["term_recall"] == ["0.0", "0.0", "1.0", "1.0"]
    assert measures["wrong_to_right"] == ["0", "0", "1", "1"]
    assert "CER -12.5 points" in ran.stdout


def test_score_tables(texts):
    ran = score(texts, "said.tsv", "after.tsv")
    assert ran.returncode == 0, ran.stderr
    assert [
        line.split()[1:] for line in ran.stdout.splitlines() if line.startswith("test_set")
    ] == [["terms", "other", "all"]]


@pytest.mark.parametrize(
    ("reference", "hypothesis", "problem"),
    [
        ("said.txt", "short.txt", "lacks a text ('2')"),
        ("short.txt", "said.txt", "has a text without a reference ('2')"),
        ("said.txt", "twice.tsv", "listed twice ('a')"),
        ("all.tsv", "twice.tsv", "this name means all test sets together ('all')"),
        ("said.txt", "none.txt", "no such file"),
        ("said.txt", ".", "can't be read"),
        ("said.txt", "misnamed.tsv", "is no table of texts ('file\\ttext')"),
        ("said.txt", "commas.csv", "is separated by commas ('audio,text')"),
    ],
)
def test_score_tells_faults(texts, reference, hypothesis, problem):
    ran = score(texts, reference, hypothesis)
    assert ran.returncode == 2
    assert problem in ran.stderr
    assert "Traceback" not in ran.stderr


def test_score_tells_faults_of_its_options_at_once(texts):
    ran = score(texts, "said.txt", "said.txt", "said.txt", more=("--bootstrap", "0"))
    assert ran.returncode == 2
    assert "2 problems" in ran.stderr
    assert "said.txt: is given twice" in ran.stderr
    assert "an interval needs resamples ('0')" in ran.stderr
