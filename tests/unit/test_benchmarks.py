"""The benchmarks' own arithmetic: rows, page, dictionaries, FLOPs and times."""

import sys
import time
from pathlib import Path

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode
from transformers import WhisperConfig, WhisperForConditionalGeneration
from transformers.models.whisper.modeling_whisper import WhisperEncoder
from whisper_bench.lexicon import draw_terms, write_dictionary
from whisper_bench.measure import Measurement, measure_call, measure_command, middle
from whisper_bench.models import encoder_flops, model_config
from whisper_bench.page import render_page
from whisper_bench.planning import make_stand_ins, outputs
from whisper_bench.rows import MACHINE, Row, figures, judge, read_rows, write_rows
from whisper_bench.transcription import SAMPLED, differences

from whisper_terms.dictionary import read_dictionaries
from whisper_terms.errors import UserError
from whisper_terms.recordings import Recording
from whisper_terms.tables import read_table, write_table

OLD = Row("planning", "old", "10 terms", seconds=4.0, work=10, unit="terms", peak_mb=99.6)
NEW = Row("planning", "new", "10 terms", 0.5, 10, "terms", 50, judge("under 1 s", True), "3 jobs")


def test_cells_against_a_baseline():
    assert NEW.cells(OLD) == {
        "part": "planning",
        "case": "new",
        "size": "10 terms",
        "seconds": "0.5",
        "peak_mb": "50",
        "rate": "20",
        "unit": "terms/s",
        "baseline": "old",
        "ratio": "8",
        "target": "under 1 s: met",
        "note": "3 jobs",
    }


def test_a_baseline_is_compared_with_itself():
    cells = OLD.cells()
    assert (cells["baseline"], cells["ratio"], cells["peak_mb"]) == ("old", "1", "100")


def test_a_baseline_of_another_size_is_named_with_it():
    larger = Row("planning", "new", "100 terms", 10.0, 100, "terms")
    assert larger.cells(OLD)["baseline"] == "old, 10 terms"
    assert larger.cells(OLD)["ratio"] == "4"


def test_different_units_are_not_compared():
    with pytest.raises(ValueError, match="windows are compared with terms"):
        Row("encoding", "new", "", 1.0, 1, "windows").cells(OLD)


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0, "0"), (1, "1"), (1234567.0, "1235000"), (0.00012344, "0.0001234"), (2.5, "2.5")],
)
def test_figures(value, shown):
    assert figures(value) == shown


def test_page(tmp_path):
    write_rows(tmp_path / "planning.tsv", [OLD.cells(), NEW.cells(OLD)])
    write_table(tmp_path / "machine.tsv", MACHINE, [{"name": "CPU", "value": "A|B"}])
    machine = read_table(tmp_path / "machine.tsv", MACHINE)
    page = render_page(machine, [read_rows(tmp_path / "planning.tsv")], "here", [])
    assert "| CPU | A\\|B |\n" in page
    assert "\n## Planning\n" in page
    assert page.endswith(
        "| case | size | seconds | peak MB | rate | baseline | ratio | target | note |\n"
        "| --- | --- | ---: | ---: | ---: | --- | ---: | --- | --- |\n"
        "| old | 10 terms | 4 | 100 | 2.5 terms/s | old | 1 |  |  |\n"
        "| new | 10 terms | 0.5 | 50 | 20 terms/s | old | 8 | under 1 s: met | 3 jobs |\n"
    )


def test_terms_are_a_sound_dictionary(tmp_path):
    terms = draw_terms(3000)
    assert draw_terms(100) == terms[:100]
    write_dictionary(tmp_path / "terms.csv", dict(terms))
    entries = read_dictionaries([tmp_path / "terms.csv"])
    assert [(entry.surface, entry.reading) for entry in entries] == terms
    assert len({entry.surface for entry in entries}) == 3000


def test_there_are_enough_terms_but_not_any_number():
    assert len(draw_terms(100_000)) == 100_000
    with pytest.raises(UserError, match="the lexicon has"):
        draw_terms(10_000_000)


def test_encoder_flops_are_those_that_torch_counts():
    config = WhisperConfig(
        d_model=64,
        encoder_layers=2,
        encoder_attention_heads=4,
        encoder_ffn_dim=128,
        attn_implementation="eager",
    )
    with FlopCounterMode(display=False) as counter, torch.inference_mode():
        WhisperEncoder(config).eval()(torch.zeros(1, 80, 3000))
    assert counter.get_total_flops() == encoder_flops(config)


def test_sizes_are_those_of_published_models():
    with torch.device("meta"):
        model = WhisperForConditionalGeneration(model_config("tiny"))
    # The published checkpoint's; the output projection is the embedding.
    assert sum(weight.numel() for weight in model.parameters()) == 37_760_640


def test_stand_ins_of_a_plan(tmp_path):
    summary = (
        "Building DAG of jobs...\n"
        "output_file\tdate\trule\tlog-file(s)\tstatus\tplan\n"
        "results/terms.tsv\t-\tcheck\t-\tmissing\tupdate pending\n"
        "results/nano/base/checkpoint\t-\tfetch\t-\tmissing\tupdate pending\n"
    )
    paths = outputs(summary)
    assert paths == ["results/terms.tsv", "results/nano/base/checkpoint"]
    make_stand_ins(tmp_path, paths)
    assert (tmp_path / paths[0]).is_file()
    assert (tmp_path / paths[1]).is_dir()
    with pytest.raises(UserError, match="no table"):
        outputs("error")


def test_a_command_is_timed_and_its_memory_seen(tmp_path):
    code = "import time; block = bytearray(300_000_000); time.sleep(0.5); print('done')"
    measured = measure_command([sys.executable, "-c", code], tmp_path)
    assert "done" in measured.result
    assert 0.5 < measured.seconds < 30
    assert 300 < measured.peak_mb < 600


def test_several_measurements_count_as_their_middle():
    slow, quick, usual = (Measurement(one, mb, one) for one, mb in [(9.0, 1), (1.0, 7), (2.0, 3)])
    assert middle([slow, quick, usual]) == Measurement(2.0, 7, 9.0)
    assert middle([slow, quick]).seconds == 5.0


def test_a_command_that_fails_says_why(tmp_path):
    with pytest.raises(UserError, match="no such thing"):
        measure_command([sys.executable, "-c", "raise SystemExit('no such thing')"], tmp_path)


def test_a_call_runs_elsewhere_and_returns_its_result():
    measured = measure_call(time.sleep, 0.3)
    assert measured.result is None
    assert 0.3 <= measured.seconds < 30


def test_the_page_lists_texts_that_a_sample_of_the_padding_changes():
    row = Row("transcription", SAMPLED, "9 recordings", 1.0, 9, "s of audio")
    different = [
        {"case": SAMPLED, "audio": "one.flac", "baseline": "良い|朝", "text": "弱い朝"},
        {"case": "faster-whisper", "audio": "two.flac", "baseline": "x", "text": "y"},
    ]
    page = render_page([], [[row.cells()]], "here", different)
    assert page.endswith(
        "| program | recording | text of the baseline | its text |\n"
        "| --- | --- | --- | --- |\n"
        f"| {SAMPLED} | one.flac | 良い\\|朝 | 弱い朝 |\n"
    )


def test_differences_are_listed_with_both_texts():
    recordings = [
        Recording(Path("a/one.flac"), "", "test", "1"),
        Recording(Path("two"), "", "", "2"),
    ]
    texts = {"base": ["x", "y"], "same": ["x", "y"], "other": ["x", "z"]}
    assert list(differences(recordings, texts)) == [
        {"case": "other", "audio": "two", "baseline": "y", "text": "z"}
    ]
