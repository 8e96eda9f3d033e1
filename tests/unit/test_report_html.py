"""The report: its figures, its honesty, and that data never becomes markup."""

import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

from whisper_terms.errors import UserError
from whisper_terms.recordings import recording_id
from whisper_terms.report_chart import LEFT, RIGHT, chart
from whisper_terms.report_costs import Job, costs, duration, read_jobs
from whisper_terms.report_headline import headline, summary_sentences
from whisper_terms.report_html import Report, render
from whisper_terms.report_measures import read_evaluation, table_groups
from whisper_terms.report_terms import (
    SHOWN,
    differences,
    system_flips,
    term_lines,
    untested_terms,
)
from whisper_terms.scoring.columns import EVAL, FLIPS, HOMOPHONES_EVAL, TERMS_EVAL
from whisper_terms.tables import RECORDINGS, TERMS, TRANSCRIPT, write_table

SCRIPTS = Path(__file__).parents[2] / "workflow_scripts"
ATTACKS = ["<script>document.title='pwned'</script>", "<img src=x onerror=\"document.title='p'\">"]


def measured(system, test_set, recall="", u_cer=0.04, model="nano", **more):
    row = dict.fromkeys(EVAL, "") | {"model": model, "system": system, "test_set": test_set}
    row |= {"utterances": 60, "seconds": 180, "u_cer": u_cer, "cer": u_cer}
    row |= {"term_occurrences": 0 if recall == "" else 62, "term_recall": recall}
    row |= {"right_to_wrong": 0, "wrong_to_right": 0}
    return row | more


def systems(base, tuned, **more):
    """Rows of two systems, given by (recall, error rate outside the terms)."""
    return [
        measured("base", "terms", *base),
        measured("base", "general", "", base[1]),
        measured("base", "all", *base),
        measured("tuned", "terms", *tuned, **more),
        measured("tuned", "general", "", tuned[1]),
        measured("tuned", "all", *tuned, **more),
    ]


@pytest.fixture
def evaluate(tmp_path):
    def write_and_read(rows, model="nano"):
        write_table(tmp_path / "eval.tsv", EVAL, rows)
        return read_evaluation(tmp_path / "eval.tsv", model)

    return write_and_read


def said(sentence):
    return "".join(text for text, _ in sentence).replace("\u00a0", " ")


@pytest.mark.parametrize(
    ("base", "tuned", "expected"),
    [
        (
            (0.033, 0.041),
            (0.967, 0.040),
            "tuned hears 96.7 % of the terms (base: 3.3 %); "
            "errors outside the terms fell: 4.1 % → 4.0 %",
        ),
        (
            (0.5, 0.04),
            (0.25, 0.0512),
            "tuned hears fewer of the terms: 25.0 % (base: 50.0 %); "
            "errors outside the terms rose: 4.0 % → 5.1 %",
        ),
        (
            (0.5, 0.04),
            (0.5, 0.04001),
            "tuned hears as many of the terms as base: 50.0 %; "
            "errors outside the terms stayed at 4.0 %",
        ),
        (
            ("", 0.04),
            ("", 0.05),
            "tuned can't be judged on the terms, for the test recordings hold none of them; "
            "errors outside the terms rose: 4.0 % → 5.0 %",
        ),
    ],
)
def test_headline(evaluate, base, tuned, expected):
    assert said(headline(evaluate(systems(base, tuned)))) == expected


def test_headline_of_the_base_alone(evaluate):
    evaluation = evaluate([measured("base", "all", 0.5)])
    assert (
        said(headline(evaluation)) == "base hears 50.0 % of the terms; no other system was measured"
    )
    assert render(Report("nano", evaluation, [], [], []))


def test_the_report_is_about_the_first_recipe(evaluate):
    rows = [measured(name, "all", 0.5) for name in ("base", "base-prompt", "mine", "other")]
    assert evaluate(rows).chosen == "mine"
    assert evaluate(rows[:2]).chosen == "base-prompt"


def test_summary_tells_of_everyday_speech_and_of_flips(evaluate):
    more = {"term_recall_low": 0.9, "term_recall_high": 1, "right_to_wrong": 3, "wrong_to_right": 9}
    sentences = summary_sentences(evaluate(systems((0.1, 0.04), (0.95, 0.06), **more)))
    assert sentences[0] == "Terms heard, 95 % intervals: tuned 90.0–100.0 %."
    assert "“general”, which holds no terms, errors rose: 4.0" in sentences[1].replace(
        "\u00a0", " "
    )
    assert sentences[2] == "Sentence by sentence, 9 became right and 3 became wrong."


def test_table_marks_the_best(evaluate):
    evaluation = evaluate(systems((0.1, 0.04), (0.95, 0.04), right_to_wrong=2))
    groups = table_groups(evaluation)
    assert [group.test_set for group in groups] == ["terms", "general", "all"]
    (_, base), (_, tuned) = groups[0].lines
    assert [cell.text for cell in base] == ["10.0", "4.0", "4.0", "–", "–"]
    assert [cell.text for cell in tuned] == ["95.0", "4.0", "4.0", "2", "0"]
    # Equal values have no best, nor has a single one: the base's flips against itself mean nothing.
    assert [cell.best for cell in base + tuned] == [False] * 5 + [True] + [False] * 4


def test_one_test_set_is_not_shown_twice(evaluate):
    evaluation = evaluate([measured("base", "terms", 0.5), measured("base", "all", 0.5)])
    assert [group.test_set for group in table_groups(evaluation)] == ["terms"]


def test_eval_faults(evaluate):
    with pytest.raises(UserError, match="no row of the model"):
        evaluate([measured("base", "all", model="tiny")])
    with pytest.raises(UserError, match=r"eval.tsv:2: not a number"):
        evaluate([measured("base", "all", cer="much")])


def test_chart(evaluate):
    intervals = {"term_recall_low": 0.9, "term_recall_high": 1.0}
    drawn = chart(evaluate(systems((0.0, 0.04), (0.95, 0.06), **intervals)))
    base, tuned = drawn.points
    assert (base.kind, tuned.kind) == ("base", "chosen")
    assert base.x == LEFT
    assert tuned.across == (LEFT + 0.9 * (RIGHT - LEFT), RIGHT)
    assert tuned.y < base.y
    assert [tick.text for tick in drawn.y_ticks] == ["0", "2", "4", "6"]
    assert drawn.y_title == "errors in “general”, %"


def test_labels_of_the_chart_do_not_meet(evaluate):
    rows = [measured(f"system-{i}", "all", 0.9 + i / 1000, 0.04) for i in range(8)]
    labels = [point.label for point in chart(evaluate(rows)).points]
    assert len({(label.anchor, label.y) for label in labels}) == 8


def test_no_chart_without_terms_or_of_one_system(evaluate):
    assert chart(evaluate(systems(("", 0.04), ("", 0.05)))) is None
    assert chart(evaluate([measured("base", "all", 0.5)])) is None


@pytest.mark.parametrize(
    ("reference", "written", "expected"),
    [
        (
            "足の痙攣で。",
            "足の官能で。",
            [("same", "足の"), ("missed", "痙攣"), ("written", "官能")],
        ),
        ("水を飲む", "水飲む", [("same", "水"), ("missed", "を")]),
        ("水、飲む", "水を飲む", [("same", "水"), ("written", "を")]),
        ("水を。", "水、を", [("same", "水、を")]),
        ("ＡＢＣ", "abc", [("same", "abc")]),
        ("ガ", "カ", [("missed", "ガ"), ("written", "カ")]),
        ("水", "", [("missed", "水")]),
        ("", "はい。", [("written", "はい"), ("same", "。")]),
        ("", "", []),
    ],
)
def test_differences(reference, written, expected):
    pieces = differences(reference, written)
    assert pieces[: len(expected)] == expected
    kept = "".join(text for kind, text in pieces if kind != "missed")
    assert kept == written


def heard(system, after, mishearings="", term_id="t1", said=2):
    return dict(
        zip(
            TERMS_EVAL,
            [system, term_id, "肺炎", "ハイエン", str(said), "1", str(after), mishearings],
            strict=True,
        )
    )


def test_term_lines():
    dictionary = [
        {"term_id": "t1", "reading_source": "estimated", "class": "disease"},
        {"term_id": "t2", "surface": "黄疸"},
    ]
    rows = [heard("base", 1, "背炎×2|∅×1"), heard("tuned", 2)]
    [line] = term_lines(rows, dictionary, "base", "tuned")
    assert (line.check, line.term_class, line.state) == (True, "disease", "heard")
    assert (line.occurrences, line.before, line.after) == (2, 1, 2)
    assert line.instead_before == [("背炎", 2), ("", 1)]
    assert line.instead_after == []
    assert untested_terms(rows, dictionary) == [dictionary[1]]
    [lost] = term_lines([heard("tuned", 0)], dictionary, "base", "tuned")
    assert lost.state == "lost"


def flip(direction, number=0, system="tuned"):
    right, wrong = "肺炎です。", "背炎です。"
    before, after = (right, wrong) if direction == "right_to_wrong" else (wrong, right)
    row = [system, "terms", f"recordings/{number}.flac", right, before, after, direction]
    return dict(zip(FLIPS, row, strict=True))


def test_flips_show_both_directions():
    rows = [flip("right_to_wrong", i) for i in range(3 * SHOWN)]
    rows += [flip("wrong_to_right"), flip("wrong_to_right", system="other")]
    flips = system_flips(rows, "tuned")
    assert (flips.wrong_count, flips.right_count) == (3 * SHOWN, 1)
    assert (len(flips.became_wrong), len(flips.became_right)) == (SHOWN - 1, 1)
    assert flips.hidden == 2 * SHOWN + 1
    assert flips.became_wrong[0].audio == "0.flac"
    assert flips.became_wrong[0].before == [("same", "肺炎です。")]
    assert flips.became_wrong[0].after[:2] == [("missed", "肺"), ("written", "背")]
    rows += [flip("wrong_to_right", i) for i in range(3 * SHOWN)]
    flips = system_flips(rows, "tuned")
    assert len(flips.became_wrong) == len(flips.became_right) == SHOWN // 2


def test_costs(tmp_path):
    def benchmark(name, seconds, memory):
        columns = ["s", "h:m:s", "max_rss"]
        write_table(tmp_path / name, columns, [{"s": seconds, "max_rss": memory}])

    benchmark("check_dictionary.tsv", 1, "-")
    benchmark("synthesise_shard/0.tsv", 2, 100)
    benchmark("synthesise_shard/1.tsv", 3, 200.5)
    benchmark("fine_tune/tuned.tsv", 10, 900)
    benchmark("fine_tune/not-compared.tsv", 99, 900)
    lines = costs(read_jobs([tmp_path, tmp_path / "none"]), ["base", "tuned"])
    assert [(one.stage, one.system, one.jobs, one.seconds, one.megabytes) for one in lines] == [
        ("fine_tune", "tuned", 1, 10, 900),
        ("synthesise_shard", "", 2, 5, 200.5),
        ("check_dictionary", "", 1, 1, None),
    ]
    assert [one.share for one in lines] == [1, 0.5, 0.1]
    benchmark("broken.tsv", "soon", 1)
    with pytest.raises(UserError, match="not a number of seconds"):
        read_jobs([tmp_path])
    assert costs([Job("a", (), 0.0, None)], [])[0].share == 0


def test_duration():
    assert [duration(seconds) for seconds in (1.25, 89.9, 212, 59.6 * 60, 7300)] == [
        "1.2 s",
        "89.9 s",
        "3 min 32 s",
        "59 min 36 s",
        "2 h 01 min",
    ]


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
