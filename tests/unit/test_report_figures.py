"""The report: its figures and its honesty."""

import pytest
from small_reports import heard, measured

from whisper_terms.errors import UserError
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
from whisper_terms.scoring.columns import EVAL, FLIPS
from whisper_terms.tables import write_table


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


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (-0.041, 0.032, "errors outside the terms are not shown to change: 61.0 % → 60.6 %"),
        (-0.041, 0.0, "errors outside the terms are not shown to change: 61.0 % → 60.6 %"),
        (
            -0.0071,
            -0.001,
            "errors outside the terms fell: 61.0 % → 60.6 % (a change of −0.7 to −0.1 points)",
        ),
    ],
)
def test_a_change_is_claimed_where_it_is_shown(evaluate, low, high, expected):
    names = ("cer_change_low", "cer_change_high", "u_cer_change_low", "u_cer_change_high")
    more = dict(zip(names, (low, high, low, high), strict=True))
    rows = [measured("base", "all", 0.5, 0.61), measured("tuned", "all", 0.9, 0.606, **more)]
    assert said(headline(evaluate(rows))).endswith(expected)
    free = [row | {"test_set": "free", "term_occurrences": 0} for row in rows]
    sentence, _ = summary_sentences(evaluate(rows + free))
    assert expected.removeprefix("errors outside the terms") in said([(sentence, False)])


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
    more = {"right_to_wrong": 2, "right_to_wrong_low": 0, "right_to_wrong_high": 4.5}
    evaluation = evaluate(systems((0.1, 0.04), (0.95, 0.04), **more))
    groups = table_groups(evaluation)
    assert [group.test_set for group in groups] == ["terms", "general", "all"]
    (_, base), (_, tuned) = groups[0].lines
    assert [cell.text for cell in base] == ["10.0", "4.0", "4.0", "–", "–"]
    assert [cell.text for cell in tuned] == ["95.0", "4.0", "4.0", "2", "0"]
    # As the values are written; and none where the value means nothing.
    assert [base[3].interval, tuned[3].interval] == ["", "0–4.5"]
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
    assert drawn.errors == "errors in “general”, where no term is said"


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


def test_a_job_that_was_measured_several_times_costs_the_mean(tmp_path):
    rows = [{"s": 2, "max_rss": "NA"}, {"s": 3, "max_rss": 50}, {"s": 7, "max_rss": 40}]
    write_table(tmp_path / "transcribe/tuned.tsv", ["s", "max_rss"], rows)
    assert read_jobs([tmp_path]) == [Job("transcribe", ("tuned",), 4.0, 50.0)]
    write_table(tmp_path / "empty.tsv", ["s", "max_rss"], [])
    with pytest.raises(UserError, match=r"empty\.tsv: holds no measurement"):
        read_jobs([tmp_path])


def test_duration():
    assert [duration(seconds) for seconds in (1.25, 89.9, 212, 59.6 * 60, 7300)] == [
        "1.2 s",
        "89.9 s",
        "3 min 32 s",
        "59 min 36 s",
        "2 h 01 min",
    ]


def test_silence_is_no_set_to_draw(evaluate):
    rows = systems((0.1, 0.04), (0.95, 0.05))
    silent = [
        measured(system, "silence", "", "", cer="", utterances=1) for system in ("base", "tuned")
    ]
    assert chart(evaluate(rows + silent)).errors == "errors in “general”, where no term is said"
    everywhere = [row for row in rows if row["test_set"] != "general"]
    drawn = chart(evaluate(everywhere + silent))
    assert drawn.errors == "errors outside the terms" and len(drawn.points) == 2
