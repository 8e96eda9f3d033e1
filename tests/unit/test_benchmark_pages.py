"""Pages of comparisons and of large dictionaries: every number is one of a table."""

import pytest
from whisper_bench.comparison import markdown_table, plot, read_systems
from whisper_bench.markdown import replace_table, table
from whisper_bench.scale import cost_table, read_run, summary_table
from whisper_bench.sentences import read_templates, sample_sentences

from whisper_terms.errors import UserError
from whisper_terms.scoring.columns import EVAL
from whisper_terms.tables import TERMS, write_table, write_text

BENCHMARK = "s\tmax_rss\n{}\t{}\n"


def score(system: str, test_set: str, **measures: object) -> dict:
    rates = dict.fromkeys(("cer", "u_cer", "term_recall"), 0.25)
    ends = {f"{name}_{end}": at for name in rates for end, at in (("low", 0.2), ("high", 0.5))}
    flips = {"right_to_wrong": 2, "wrong_to_right": 7}
    others = dict.fromkeys(EVAL, "")
    return others | rates | ends | flips | {"system": system, "test_set": test_set} | measures


SCORES = [
    score(system, test_set, term_precision=0.9 if system == "nano" else "")
    for system in ("base", "nano")
    for test_set in ("terms", "general", "all", "sample")
]


def as_read(rows):
    return [{name: str(value) for name, value in row.items()} for row in rows]


@pytest.fixture
def recipes(tmp_path):
    """A model's folder in results, with one recipe."""
    folder = tmp_path / "nano"
    chosen = [{"alpha": "1", "chosen": ""}, {"alpha": "0.8", "chosen": "*"}]
    write_table(folder / "nano/interpolation.tsv", ["alpha", "chosen"], chosen)
    write_text(folder / "benchmarks/fine_tune/nano.tsv", BENCHMARK.format(61.7, 900))
    return folder


def test_table_of_systems(recipes):
    lines = markdown_table(read_systems(as_read(SCORES), recipes))
    *_, base, nano = lines.splitlines()
    assert base == (
        "| base | 25.0 (20.0 to 50.0) | – | 25.0 | 25.0 (20.0 to 50.0) | 25.0 | 2, 7 | 2, 7 |  |  |"
    )
    assert nano.startswith("| nano | 25.0 (20.0 to 50.0) | 90.0 |")
    assert nano.endswith("| 0.8 | 62 |")


def test_the_same_scores_draw_the_same_picture(recipes, tmp_path):
    systems = read_systems(as_read(SCORES), recipes)
    for name in ("one", "two"):
        plot(systems, tmp_path / f"{name}.svg")
    picture = (tmp_path / "one.svg").read_text(encoding="utf-8")
    assert picture == (tmp_path / "two.svg").read_text(encoding="utf-8")
    assert ">nano<" in picture and "U-CER" in picture


def test_only_what_is_between_the_marks_changes():
    page = "above\n<!-- x -->\nold\n<!-- end of x -->\nbelow\n"
    after = replace_table(page, "x", table(["a", "b"], [["1", "|"]], {1}))
    assert after == (
        "above\n<!-- x -->\n| a | b |\n| --- | ---: |\n| 1 | \\| |\n<!-- end of x -->\nbelow\n"
    )
    assert replace_table(after, "x", "old") == page
    with pytest.raises(UserError, match="no place for the y"):
        replace_table(page, "y", "")


def test_costs_of_a_run(tmp_path):
    for path, seconds, memory in (
        ("benchmarks/synthesise_shard/0001.tsv", 30, 100),
        ("benchmarks/synthesise_shard/0002.tsv", 50, 120),
        ("nano/benchmarks/fine_tune/nano.tsv", 200, 3000),
    ):
        write_text(tmp_path / path, BENCHMARK.format(seconds, memory))
    write_table(tmp_path / "nano/eval.tsv", EVAL, SCORES)
    write_table(tmp_path / "terms.tsv", TERMS, [{"term_id": "a"}, {"term_id": "b"}])
    write_text(tmp_path / "speech/store/1.wav", "x" * 2_000_000)
    run = read_run(tmp_path, "nano")
    assert (run.terms, run.seconds("synthesise_shard")) == (2, 80)
    assert [run.megabytes(stage) for stage in ("synthesise_shard", "transcribe")] == [120, 0]
    assert cost_table([run]).splitlines()[2:] == [
        "| `fine_tune` | 1 | 3 min 20 s | 3000 |",
        "| `synthesise_shard` | 2 | 80.0 s | 120 |",
    ]
    *_, nano = summary_table([run]).splitlines()
    assert nano == "| 2 | nano | 25.0 (20.0 to 50.0) | 25.0 | 25.0 | 2, 7 | 2 | 0 |"


def test_sample_sentences():
    terms, templates = ["痙攣", "動悸", "浮腫"], ["{term}です。", "これは{term}。"]
    sentences = sample_sentences(terms, templates, 2)
    assert sentences == sample_sentences(terms[::-1], templates, 2)
    assert sentences[0].endswith("です。") and sentences[1].startswith("これは")
    assert len(sample_sentences(terms, templates, 9)) == 3


def test_a_template_needs_its_slot(tmp_path):
    write_table(tmp_path / "t.tsv", ["template"], [{"template": "用語なし。"}])
    with pytest.raises(UserError, match="needs one slot"):
        read_templates(tmp_path / "t.tsv")
