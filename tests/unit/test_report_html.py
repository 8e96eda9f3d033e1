"""The page of the report: it is whole, and data never becomes markup."""

import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest
from small_reports import heard, measured

from whisper_terms.recordings import recording_id
from whisper_terms.scoring.columns import EVAL, FLIPS, HOMOPHONES_EVAL, TERMS_EVAL
from whisper_terms.tables import RECORDINGS, TERMS, TRANSCRIPT, write_table

SCRIPTS = Path(__file__).parents[2] / "workflow_scripts"
ATTACKS = ["<script>document.title='pwned'</script>", "<img src=x onerror=\"document.title='p'\">"]


class Page(HTMLParser):
    """The elements of a page, and the visible text."""

    def __init__(self, html):
        super().__init__()
        self.elements = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))

    def handle_data(self, data):
        self.text += data

    def all(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]


@pytest.fixture
def hostile(tmp_path):
    """The files of an evaluation in which every text of the user's is markup; the arguments."""
    attack, image = ATTACKS
    audio = "<b>a.wav"
    (tmp_path / audio).write_bytes(b"RIFF")
    write_table(
        tmp_path / "demo.tsv", RECORDINGS, [{"audio": audio, "text": attack, "test_set": image}]
    )
    term = dict.fromkeys(TERMS, attack) | {"term_id": "t1", "reading_source": "estimated"}
    untested = term | {"term_id": "t2", "class": image}
    write_table(tmp_path / "terms.tsv", TERMS, [term, untested])
    rows = [
        measured(system, test_set, 0.5)
        for system in ("base", image, attack)
        for test_set in (image, "all")
    ]
    write_table(tmp_path / "eval.tsv", EVAL, rows)
    terms_eval = [
        dict(heard(system, 1), surface=attack, reading=image, mishearings=f"{image}×1")
        for system in ("base", image, attack)
    ]
    write_table(tmp_path / "terms_eval.tsv", TERMS_EVAL, terms_eval)
    words = [
        dict.fromkeys(HOMOPHONES_EVAL, attack)
        | {"system": system, "occurrences": "1", "heard": "0", "heard_as": f"{image}×1"}
        for system in ("base", image)
    ]
    write_table(tmp_path / "homophones_eval.tsv", HOMOPHONES_EVAL, words)
    flips = [
        dict.fromkeys(FLIPS, attack) | {"system": image, "direction": direction}
        for direction in ("right_to_wrong", "wrong_to_right")
    ]
    write_table(tmp_path / "flips.tsv", FLIPS, flips)
    folders = []
    for place, text in enumerate([attack, image]):
        folder = tmp_path / f"system{place}"
        transcript = [{"start": 0, "end": 1, "text": text}]
        write_table(folder / f"{recording_id(audio)}.tsv", TRANSCRIPT, transcript)
        folders.append(f"{ATTACKS[place].replace('=', '-')}={folder}")
    write_table(tmp_path / "benchmarks" / "<b>stage.tsv", ["s", "max_rss"], [{"s": 1}])
    arguments = [
        "--model",
        "nano",
        "--recordings",
        tmp_path / "demo.tsv",
        "--transcripts",
        *folders,
    ]
    for name in ("eval", "terms-eval", "homophones-eval", "flips", "terms"):
        arguments += [f"--{name}", tmp_path / f"{name.replace('-', '_')}.tsv"]
    return [*arguments, "--benchmarks", tmp_path / "benchmarks", "--output", tmp_path / "r.html"]


def run(arguments):
    return subprocess.run(
        [sys.executable, SCRIPTS / "render_report.py", *map(str, arguments)],
        capture_output=True,
        text=True,
    )


def test_data_never_becomes_markup(hostile, tmp_path):
    ran = run(hostile)
    assert ran.returncode == 0, ran.stderr
    html = (tmp_path / "r.html").read_text(encoding="utf-8")
    page = Page(html)
    for attack in ATTACKS:
        assert attack not in html
        assert attack in page.text
    assert len(page.all("script")) == 1
    assert page.all("img") == []
    names = {name for _, attributes in page.elements for name in attributes}
    assert not {name for name in names if name.startswith("on")}
    # What the report was made from is named by relative paths.
    assert str(tmp_path) not in html
    assert "eval.tsv" in page.text


def test_the_page_needs_nothing_else(hostile, tmp_path):
    run(hostile)
    html = (tmp_path / "r.html").read_text(encoding="utf-8")
    page = Page(html)
    assert not page.all("link") and not page.all("iframe") and not page.all("a")
    assert not any("src" in attributes for _, attributes in page.elements)
    assert "url(" not in html and "@import" not in html
    assert "default-src 'none'" in html


def test_tables_can_be_read_aloud(hostile, tmp_path):
    run(hostile)
    html = (tmp_path / "r.html").read_text(encoding="utf-8")
    page = Page(html)
    assert len(page.all("caption")) == len(page.all("table")) >= 4
    assert all("scope" in attributes for attributes in page.all("th"))
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    for _, attributes in page.elements:
        assert set(attributes.get("aria-labelledby", "").split()) <= set(ids)
    assert {"ja", "en"} == set(re.findall(r'lang="(\w+)"', html))


def test_the_script_tells_faults(hostile, tmp_path):
    for folder in tmp_path.glob("system*"):
        for transcript in folder.iterdir():
            transcript.unlink()
    ran = run(hostile)
    assert ran.returncode == 2
    assert ran.stderr.startswith("error: 2 problems found")
    assert "Traceback" not in ran.stderr
    assert not (tmp_path / "r.html").exists()
