"""The bundled model's build from end to end, on a few sentences and steps."""

import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from workbench import ROOT, Workbench

from whisper_terms.tables import read_table

pytestmark = pytest.mark.slow

BUILD = "models/whisper-nano-ja/build"
TINY = ["-s", f"{BUILD}/Snakefile", "--configfile", f"{BUILD}/tiny.yaml"]
RESULTS = Path("results/whisper-nano-tiny")
RECORDING = ROOT / "recordings" / "demo" / "general_45.flac"


@pytest.fixture(scope="module")
def built(shipped, tmp_path_factory) -> Workbench:
    """A copy of the repository in which the tiny build has run."""
    bench = shipped.copy(tmp_path_factory.mktemp("nano") / "built")
    for folder in (BUILD, "dictionaries"):
        shutil.copytree(ROOT / folder, bench / folder)
    bench.write("recordings/demo.tsv", (ROOT / "recordings/demo.tsv").read_bytes())
    bench.make(*TINY)
    return bench


def test_the_model_loads_and_whisper_transcribes_with_it(built, tmp_path):
    from whisper_terms.audio import read_audio
    from whisper_terms.base_model import load_base
    from whisper_terms.openai_format import export_openai, load_openai
    from whisper_terms.transcription import Decoding, transcribe_samples

    directory = built / RESULTS / "model"
    assert load_base(str(directory)).model.config.vocab_size == 51_865
    export_openai(directory, tmp_path / "model.pt")
    model = load_openai(tmp_path / "model.pt", "cpu")
    (heard,) = transcribe_samples(model, [read_audio(RECORDING)[:16_000]], Decoding())
    assert isinstance(heard.segments, list)


def test_it_is_measured(built):
    rows = read_table(built / RESULTS / "scores.tsv")
    assert [row["set"] for row in rows] == ["wheel", "wheel, long", "silence", "noise"]


def test_nothing_is_made_twice(built):
    assert built.plan(*TINY).nothing_to_do


def test_a_stage_is_repeated_by_its_own_settings_only(built):
    jobs = built.plan(*TINY, "--config", "joint={steps: 4}").jobs
    assert jobs.keys() == {"train_jointly", "assemble_model", "measure_model", "all"}


def test_a_config_with_an_unknown_key_is_refused(built):
    outcome = built.run(*TINY, "--dry-run", "--config", "stages=3")
    assert outcome.code != 0
    assert "stages" in outcome.output and "Traceback" not in outcome.output


def test_a_decoder_alone_is_trained(built):
    bundled = ROOT / "models/whisper-nano-ja"
    settings = [f"start={bundled}", "encoder_of=start", "decoder_of=decoder"]
    target = f"{RESULTS}/model"
    jobs = built.plan(target, *TINY, "--config", *settings).jobs
    assert jobs.keys() == {"train_decoder", "assemble_model"}
    built.make(target, *TINY, "--config", *settings)
    before, after = (
        load_file(directory / "model.safetensors") for directory in (bundled, built / target)
    )
    kept = [name for name in before if torch.equal(before[name], after[name])]
    assert all(name.startswith("model.encoder") == (name in kept) for name in before)


def test_a_training_goes_on_from_a_model_and_is_followed_half_the_way(built):
    bundled, model = ROOT / "models/whisper-nano-ja", f"{RESULTS}/model"
    settings = [f"start={bundled}", "followed=0.5", "decoder_of=decoder"]
    built.make(model, *TINY, "--config", *settings)
    weights = "decoder.layers.3.fc1.weight"
    start = load_file(bundled / "model.safetensors")[f"model.{weights}"]
    trained = load_file(built / RESULTS / "decoder.safetensors")[weights]
    mean = load_file(built / model / "model.safetensors")[f"model.{weights}"]
    assert (trained - start).abs().max() > 1e-3
    torch.testing.assert_close(mean.float(), (trained + start) / 2, atol=2e-3, rtol=1e-2)
