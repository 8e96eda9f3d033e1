"""What is exported for CTranslate2, run by faster-whisper."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from ctranslate2 import StorageView
from ctranslate2.models import Whisper
from faster_whisper import WhisperModel
from rapidfuzz.distance import Levenshtein
from small_models import ALIGNMENT_HEADS, small_model, write_small_model

import export_ctranslate2 as script
from whisper_terms.audio import read_audio
from whisper_terms.ctranslate2_format import export_ctranslate2
from whisper_terms.errors import UserError
from whisper_terms.transcription import Decoding, transcribe_samples

ROOT = Path(__file__).resolve().parents[2]
NANO = ROOT / "models" / "whisper-nano-ja"


@pytest.mark.parametrize("n_vocab", [51_865, 51_866])
@pytest.mark.parametrize("n_mels", [80, 128])
def test_the_encoder_says_the_same(tmp_path, n_mels, n_vocab):
    source = write_small_model(tmp_path / "model", n_mels=n_mels, n_vocab=n_vocab, decoder_layers=1)
    export_ctranslate2(source, tmp_path / "made", "float32")
    features = torch.randn(1, n_mels, 3000, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        model = small_model(n_mels, n_vocab, 1)
        expected = model.get_encoder()(features).last_hidden_state.numpy()
    made = Whisper(str(tmp_path / "made"), device="cpu", compute_type="float32")
    assert made.n_mels == n_mels and made.is_multilingual
    heard = np.array(made.encode(StorageView.from_array(features.numpy())))
    np.testing.assert_allclose(heard, expected, atol=1e-4)


def test_faster_whisper_hears_what_openai_whisper_hears(bundled, tmp_path):
    export_ctranslate2(NANO, tmp_path / "made", "float32")
    names = ["general_45", "general_46", "terms_01"]
    samples = [read_audio(ROOT / "recordings" / "demo" / f"{name}.flac") for name in names]
    theirs = transcribe_samples(bundled, samples, Decoding(beam_size=1))
    # As transcription.py decodes.
    greedy = {"beam_size": 1, "temperature": 0.0, "condition_on_previous_text": False}
    model = WhisperModel(str(tmp_path / "made"), device="cpu", compute_type="float32")
    for sound, one in zip(samples, theirs, strict=True):
        segments, about = model.transcribe(sound, language="ja", word_timestamps=True, **greedy)
        segments = list(segments)
        heard = "".join(segment.text for segment in segments)
        assert heard == "".join(segment["text"] for segment in one.segments)
        assert about.language == "ja"
        assert all(0 <= word.start <= word.end for segment in segments for word in segment.words)


@pytest.mark.parametrize("precision", ["float16", "int8", "int8_float16"])
def test_lower_precision_hears_much_the_same(tmp_path, precision):
    text = "受付で名前を書きました。"
    export_ctranslate2(NANO, tmp_path / "made", precision)
    model = WhisperModel(str(tmp_path / "made"), device="cpu")
    sound = read_audio(ROOT / "recordings" / "demo" / "general_45.flac")
    segments, _ = model.transcribe(sound, language="ja", beam_size=1, temperature=0.0)
    heard = "".join(segment.text for segment in segments)
    assert Levenshtein.normalized_similarity(heard, text) > 0.6, heard


def test_files_and_precision(tmp_path):
    source = write_small_model(tmp_path / "model")
    sizes = {}
    for precision in ("float32", "float16"):
        export_ctranslate2(source, tmp_path / precision, precision)
        names = {path.name for path in (tmp_path / precision).iterdir()}
        assert names == {
            "config.json",
            "model.bin",
            "preprocessor_config.json",
            "tokenizer.json",
            "vocabulary.json",
        }
        sizes[precision] = (tmp_path / precision / "model.bin").stat().st_size
    assert sizes["float16"] < 0.6 * sizes["float32"]
    config = json.loads((tmp_path / "float16" / "config.json").read_text())
    assert config["alignment_heads"] == ALIGNMENT_HEADS
    # Again, in the same place.
    export_ctranslate2(source, tmp_path / "float16", "float16")


def test_no_model(tmp_path, monkeypatch):
    with pytest.raises(UserError):
        export_ctranslate2(tmp_path / "none", tmp_path / "made")
    assert not (tmp_path / "made").exists()
    command = ["export_ctranslate2.py", "--checkpoint", str(write_small_model(tmp_path / "model"))]
    monkeypatch.setattr(sys, "argv", [*command, "--output", str(tmp_path / "made")])
    script.main()
    assert (tmp_path / "made" / "model.bin").exists()
