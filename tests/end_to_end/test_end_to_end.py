"""The whole workflow with a random model: it trains for real, and every table is there."""

import html
import os
import re
from itertools import product
from pathlib import Path

import numpy as np
import pytest
import sherpa_onnx
import torch
import whisper
from ctranslate2 import StorageView
from faster_whisper import WhisperModel
from pywhispercpp.model import Model
from safetensors.torch import load_file
from transformers import WhisperFeatureExtractor, WhisperForConditionalGeneration
from workbench import BLOG, CONFIG, DEFAULT, MODEL, TERMS

from whisper_terms.audio import SAMPLE_RATE, read_audio
from whisper_terms.tables import read_table

pytestmark = pytest.mark.slow

MADE = f"results/{MODEL}"
END_OF_TEXT = 50_257
# Start of transcript, Japanese, transcribe, no timestamps.
PROMPT = [50_258, 50_266, 50_359, 50_363]
SYSTEMS = ["base", "base-prompt", "base-corrected", "default", "blog-1"]
# The contract of the design.
COLUMNS = (
    "model system test_set utterances seconds cer cer_low cer_high wer wer_low wer_high "
    "u_cer u_cer_low u_cer_high b_cer b_cer_low b_cer_high term_occurrences "
    "term_recall term_recall_low term_recall_high "
    "term_precision term_precision_low term_precision_high term_f1 term_f1_low term_f1_high "
    "false_accepts_per_hour false_accepts_per_hour_low false_accepts_per_hour_high "
    "right_to_wrong right_to_wrong_low right_to_wrong_high "
    "wrong_to_right wrong_to_right_low wrong_to_right_high "
    "cer_change cer_change_low cer_change_high u_cer_change u_cer_change_low u_cer_change_high rtf"
).split()


def weights(finished, system: str) -> dict[str, torch.Tensor]:
    return load_file(finished / MADE / system / "checkpoint/model.safetensors")


def features_of(samples: np.ndarray) -> np.ndarray:
    extractor = WhisperFeatureExtractor()
    return extractor(samples, sampling_rate=SAMPLE_RATE, return_tensors="np").input_features


def next_scores(finished, system: str, samples: np.ndarray) -> np.ndarray:
    """Of each token after the prompt."""
    model = WhisperForConditionalGeneration.from_pretrained(finished / MADE / system / "checkpoint")
    features = torch.from_numpy(features_of(samples))
    with torch.no_grad():
        made = model.eval()(input_features=features, decoder_input_ids=torch.tensor([PROMPT]))
    return made.logits[0, -1].numpy()


def test_table_has_every_system_on_every_test_set(finished):
    rows = read_table(finished / MADE / "eval.tsv")
    assert list(rows[0]) == COLUMNS
    places = [(row["system"], row["test_set"]) for row in rows]
    assert places == list(product(SYSTEMS, ("terms", "general", "all")))
    assert {row["model"] for row in rows} == {MODEL}
    assert all(row["utterances"] == "2" for row in rows if row["test_set"] != "all")
    assert all(float(row["cer"]) >= 0 and float(row["rtf"]) > 0 for row in rows)


def test_other_tables(finished):
    terms = read_table(finished / "results/terms.tsv")
    heard = read_table(finished / MADE / "terms_eval.tsv")
    assert {row["term_id"] for row in heard} <= {row["term_id"] for row in terms}
    assert {row["system"] for row in heard} <= set(SYSTEMS)
    assert list(read_table(finished / "results/recordings.tsv")[0]) == [
        "recording",
        "audio",
        "text",
        "test_set",
    ]


def test_transcripts_have_times(finished):
    for system in SYSTEMS:
        segments = []
        for recording in read_table(finished / "results/recordings.tsv"):
            path = finished / MADE / system / f"transcripts/{recording['recording']}.tsv"
            segments += read_table(path, ["start", "end", "text"])
        # A model of a few seconds' training may well hear nothing.
        assert segments or system != "base"
        assert all(0 <= float(row["start"]) <= float(row["end"]) for row in segments)


@pytest.mark.parametrize("system", ["base", "default", "blog-1"])
def test_weights_are_whispers_own(finished, system):
    model = whisper.load_model(str(finished / MADE / system / "model.pt"), device="cpu")
    samples = read_audio(finished / "recordings/teeth.mp3")
    # A model of a few seconds' training may well take speech for silence.
    heard = {"language": "ja", "temperature": 0.0, "no_speech_threshold": None}
    result = model.transcribe(samples, fp16=False, **heard)
    assert result["language"] == "ja"
    assert result["segments"]
    for segment in result["segments"]:
        assert 0 <= segment["start"] <= segment["end"]


@pytest.mark.parametrize("system", ["default", "blog-1"])
def test_weights_are_for_faster_whisper_too(finished, system):
    """Scores of the next token, not texts: a model of a few seconds' training says anything."""
    runtime = WhisperModel(str(finished / MADE / system / "ctranslate2"), device="cpu")
    samples = read_audio(finished / "recordings/teeth.mp3")
    assert runtime.transcribe(samples, language="ja")[1].language == "ja"
    wanted, base = (next_scores(finished, one, samples) for one in (system, "base"))
    features = StorageView.from_array(features_of(samples))
    made = runtime.model.generate(
        features,
        [PROMPT],
        beam_size=1,
        max_length=len(PROMPT) + 2,
        return_logits_vocab=True,
        suppress_blank=False,
        # There are no scores of a text that ends before its first token.
        suppress_tokens=[END_OF_TEXT],
    )
    made = np.array(made[0].logits[0][0])
    others = np.arange(len(made)) != END_OF_TEXT
    # Rounded to half precision, they are still those of this system.
    assert np.abs(made - wanted)[others].max() < 0.1 * np.abs(wanted - base)[others].max()


def test_default_trains_the_decoder_alone(finished):
    base, tuned = weights(finished, "base"), weights(finished, "default")
    assert base.keys() == tuned.keys()
    same = {name for name, value in base.items() if torch.equal(value, tuned[name])}
    assert {name for name in base if ".encoder." in name} <= same
    assert not {name for name in same if ".decoder.layers." in name}


def test_blog_trains_all(finished):
    base, tuned = weights(finished, "base"), weights(finished, "blog-1")
    changed = {name for name, value in base.items() if not torch.equal(value, tuned[name])}
    assert {name for name in changed if ".encoder.layers." in name}
    assert {name for name in changed if ".decoder.layers." in name}


def test_loss_falls(finished):
    log = (finished / MADE / "logs/fine_tune/default.log").read_text()
    losses = [float(loss) for loss in re.findall(r"'loss': '?([\d.]+)", log)]
    assert len(losses) == CONFIG["recipes"]["default"]["epochs"]
    assert losses[-1] < losses[0] - 1


def test_second_run_does_nothing(finished):
    assert finished.make().nothing_to_do


# With fewer recordings at once, and more processes, the same comes out.
@pytest.mark.parametrize("setting", ["evaluation={batch_size: 3}", "resources={gpu: 2}"])
def test_what_changes_no_result_makes_nothing_again(finished, setting):
    assert finished.plan("--config", setting).nothing_to_do


def test_recordings_that_are_cut_alike_depend_on_those_beside_them(finished):
    setting = "evaluation={padding_frames: 64, batch_size: 3}"
    output = finished.plan(f"{MADE}/default/transcripts", "--config", setting).output
    (changed,) = re.findall("^Reason: Params have changed.* now: (.*)$", output, re.MULTILINE)
    # In any order.
    assert set(changed.strip().split(",")) == {"3", "'--beam-size 5 --padding-frames 64'"}


# -------------------------------------------------------------------------------------------------
# What an edit would make again


def test_weights_are_for_whisper_cpp_too(finished):
    for system in ("default", "blog-1"):
        path = finished / MADE / system / "ggml-model.bin"
        runtime = Model(str(path), n_threads=2, language="ja", redirect_whispercpp_logs_to=None)
        # It may say anything, or nothing: tests/unit/test_ggml_format.py compares what it hears.
        for segment in runtime.transcribe(read_audio(finished / "recordings/teeth.mp3")):
            assert segment.t0 <= segment.t1


def test_weights_are_for_sherpa_onnx_too(finished):
    samples = read_audio(finished / "recordings/teeth.mp3")
    for system in ("default", "blog-1"):
        folder = finished / MADE / system / "onnx"
        files = {name: str(folder / f"{name}.onnx") for name in ("encoder", "decoder")}
        recognizer = sherpa_onnx.OfflineRecognizer.from_whisper(
            **files, tokens=str(folder / "tokens.txt"), language="ja"
        )
        stream = recognizer.create_stream()
        stream.accept_waveform(SAMPLE_RATE, samples)
        recognizer.decode_stream(stream)
        # Whatever it says: tests/unit/test_onnx_format.py compares it.
        assert stream.result.lang == "ja"


def test_edited_reading_leads_to_the_table(finished, tmp_path):
    bench = finished.copy(tmp_path / "bench")
    path = bench / "dictionaries/terms.csv"
    path.write_text(path.read_text().replace("ドウキ", "トウキ"))
    assert bench.plan().jobs == {
        "check_dictionary": 1,
        "settle_readings": 1,
        "synthesise_shard": 1,
        "build_manifest": 1,
        "pack_windows": 2,
        "encode_windows": 1,
        "fine_tune": 2,
        "interpolate_weights": 2,
        "export_openai": 2,
        "export_ctranslate2": 2,
        "export_ggml": 2,
        "export_onnx": 2,
        # The prompt stays as it is.
        "transcribe": 2,
        "hear_terms": 1,
        "find_corrections": 1,
        "correct_transcripts": 1,
        "evaluate_systems": 1,
        "render_report": 1,
        "all": 1,
    }


def test_alias_trains_nothing(finished, tmp_path):
    bench = finished.copy(tmp_path / "bench")
    path = bench / "dictionaries/terms.csv"
    text = path.read_text().replace("reading\n", "reading,aliases\n").replace("キ\n", "キ,X\n")
    path.write_text(text)
    jobs = bench.plan().jobs
    assert jobs["evaluate_systems"] == 1
    assert not jobs.keys() & {"synthesise_shard", "fine_tune", "interpolate_weights", "transcribe"}


def test_a_weight_changes_the_prompt(finished, tmp_path):
    bench = finished.copy(tmp_path / "bench")
    path = bench / "dictionaries/terms.csv"
    text = path.read_text().replace("reading\n", "reading,weight\n")
    path.write_text(text.replace("ドウキ\n", "ドウキ,2\n"))
    heard = f"Transcribe the test recordings with {MODEL}/base"
    plan = bench.plan().output
    assert f"{heard}-prompt" in plan and f"{heard}\n" not in plan


def test_hyperparameter_trains_its_recipe_alone(finished, tmp_path):
    bench = finished.copy(tmp_path / "bench")
    recipes = CONFIG["recipes"] | {"blog-1": BLOG | {"epochs": 2}}
    bench.configure(CONFIG | {"recipes": recipes})
    assert bench.plan().jobs == {
        "fine_tune": 1,
        "interpolate_weights": 1,
        "export_openai": 1,
        "export_ctranslate2": 1,
        "export_ggml": 1,
        "export_onnx": 1,
        "transcribe": 1,
        "evaluate_systems": 1,
        "render_report": 1,
        "all": 1,
    }


def test_interpolation_does_not_train_again(finished, tmp_path):
    bench = finished.copy(tmp_path / "bench")
    recipes = CONFIG["recipes"] | {"default": DEFAULT | {"interpolation": [0.5, 1.0]}}
    bench.configure(CONFIG | {"recipes": recipes})
    assert bench.plan().jobs == {
        "interpolate_weights": 1,
        "export_openai": 1,
        "export_ctranslate2": 1,
        "export_ggml": 1,
        "export_onnx": 1,
        "transcribe": 1,
        "evaluate_systems": 1,
        "render_report": 1,
        "all": 1,
    }


def test_points_between_base_and_trained_are_measured(finished):
    rows = read_table(finished / MADE / "default/interpolation.tsv")
    assert [row["alpha"] for row in rows] == ["0", "0.4", "0.6", "0.8", "1"]
    assert [row["chosen"] for row in rows].count("yes") == 1
    assert float(rows[-1]["terms_loss"]) < float(rows[0]["terms_loss"])


def test_what_was_heard_of_the_terms(finished):
    rows = read_table(finished / MADE / "base/heard.tsv")
    manifest = read_table(finished / "results/manifest.tsv")
    spoken = {
        row["audio"] for row in manifest if row["kind"] != "replay" and row["split"] == "train"
    }
    assert {row["audio"] for row in rows} == spoken
    table = read_table(finished / MADE / "corrections.tsv", ["heard", "surface"])
    surfaces = {row["surface"] for row in read_table(finished / "results/terms.tsv")}
    assert {row["surface"] for row in table} <= surfaces


def test_corrected_reference_is_scored_again(finished, tmp_path):
    """The untrained listen to nothing again; the others do, as the manifest was built again."""
    bench = finished.copy(tmp_path / "bench")
    results = bench / MADE
    made = [
        path
        for system in ("base", "base-prompt")
        for path in (results / system).glob("transcripts/*.tsv")
    ]
    times = {path: path.stat().st_mtime_ns for path in made}
    before = read_table(results / "eval.tsv")
    path = bench / "recordings/test.tsv"
    path.write_text(path.read_text().replace("歯を磨いてから寝ます。", "歯を磨いて寝ます。"))
    bench.make()
    assert before != read_table(results / "eval.tsv")
    assert times and times == {path: path.stat().st_mtime_ns for path in made}


def test_replaced_recording_is_transcribed_and_trains_nothing(finished, tmp_path):
    bench = finished.copy(tmp_path / "bench")
    other = (bench / "recordings/pain.flac").read_bytes()
    bench.write("recordings/name.flac", other)
    assert bench.plan().jobs == {
        "check_recordings": 1,
        "transcribe": 4,
        "correct_transcripts": 1,
        "evaluate_systems": 1,
        "render_report": 1,
        "all": 1,
    }


def test_another_model_shares_the_speech(finished, tmp_path):
    bench = finished.copy(tmp_path / "bench")
    path = f"models/{MODEL}"
    bench.configure(CONFIG | {"models": {MODEL: path, "second": path}})
    jobs = bench.plan("results/second/eval.tsv").jobs
    assert jobs["fetch_base"] == 1
    assert not jobs.keys() & {"check_dictionary", "synthesise_shard", "pack_windows"}


# -------------------------------------------------------------------------------------------------
# Terms are data


def test_hostile_terms_are_text_in_every_table(finished, hostile):
    terms = read_table(finished / "results/terms.tsv")
    readings = {row["surface"]: row["reading"] for row in terms}
    assert hostile.items() <= readings.items()
    texts = {row["text"] for row in read_table(finished / "results/manifest.tsv")}
    assert hostile.keys() <= texts
    windows = {row["text"] for row in read_table(finished / "results/windows/packed.tsv")}
    assert hostile.keys() <= windows
    prompt = (finished / MADE / "base-prompt/transcripts/prompt.txt").read_text()
    assert all(surface in prompt for surface in hostile)
    assert {
        row["surface"] for row in read_table(finished / MADE / "terms_eval.tsv")
    } >= hostile.keys()


def test_hostile_terms_are_text_in_the_report(finished, hostile):
    report = (finished / MADE / "report.html").read_text()
    for surface in hostile:
        assert surface not in report or surface == html.escape(surface)
        assert html.unescape(html.escape(surface)) in html.unescape(report)
    assert "&lt;script&gt;alert(1)" in report


def test_hostile_terms_ran_nothing(finished):
    made = [name for _, folders, files in os.walk(finished.folder) for name in folders + files]
    assert not [name for name in made if name.startswith("pwned")]
    logs = Path(finished / "results").rglob("*.log")
    assert not [path for path in logs if "uid=" in path.read_text()]


def test_terms_without_hostility_are_there_too(finished):
    surfaces = {row["surface"] for row in read_table(finished / "results/terms.tsv")}
    assert {line.split(",")[0] for line in TERMS.splitlines()[1:]} <= surfaces
