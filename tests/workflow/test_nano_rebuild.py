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
    from whisper.audio import N_FRAMES, log_mel_spectrogram, pad_or_trim

    from whisper_terms.audio import read_audio
    from whisper_terms.base_model import load_base
    from whisper_terms.openai_format import export_openai, load_openai
    from whisper_terms.transcription import Decoding, transcribe_samples

    directory = built / RESULTS / "model"
    base = load_base(str(directory)).model
    assert base.config.vocab_size == 51_865
    export_openai(directory, tmp_path / "model.pt")
    model = load_openai(tmp_path / "model.pt", "cpu")
    sound = read_audio(RECORDING)[:16_000]
    (heard,) = transcribe_samples(model, [sound], Decoding())
    assert heard.compute_seconds > 0
    # What it says means nothing yet, and may be nothing; but both say the same of every token.
    window = pad_or_trim(log_mel_spectrogram(sound), N_FRAMES)[None]
    tokens = torch.tensor([[50_258, 50_266, 50_359, 50_364]])
    with torch.inference_mode():
        ours, theirs = base(window, decoder_input_ids=tokens).logits, model(window, tokens)
    torch.testing.assert_close(theirs, ours, atol=1e-3, rtol=1e-3)


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


def test_a_decoder_alone_is_trained(built, tmp_path):
    bench = built.copy(tmp_path / "bench")
    bundled = ROOT / "models/whisper-nano-ja"
    settings = [f"start={bundled}", "encoder_of=start", "decoder_of=decoder"]
    target = f"{RESULTS}/model"
    jobs = bench.plan(target, *TINY, "--config", *settings).jobs
    assert jobs.keys() == {"train_decoder", "assemble_model"}
    bench.make(target, *TINY, "--config", *settings)
    before, after = (
        load_file(directory / "model.safetensors") for directory in (bundled, bench / target)
    )
    kept = [name for name in before if torch.equal(before[name], after[name])]
    assert all(name.startswith("model.encoder") == (name in kept) for name in before)


def test_a_training_goes_on_from_a_model_and_is_followed_half_the_way(built, tmp_path):
    bench = built.copy(tmp_path / "bench")
    bundled, model = ROOT / "models/whisper-nano-ja", f"{RESULTS}/model"
    settings = [f"start={bundled}", "followed=0.5", "decoder_of=decoder"]
    bench.make(model, *TINY, "--config", *settings)
    weights = "decoder.layers.3.fc1.weight"
    start = load_file(bundled / "model.safetensors")[f"model.{weights}"]
    trained = load_file(bench / RESULTS / "decoder.safetensors")[weights]
    mean = load_file(bench / model / "model.safetensors")[f"model.{weights}"]
    assert (trained - start).abs().max() > 1e-3
    torch.testing.assert_close(mean.float(), (trained + start) / 2, atol=2e-3, rtol=1e-2)
