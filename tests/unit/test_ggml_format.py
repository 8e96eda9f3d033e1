"""What is exported for ggml, run by whisper.cpp."""

import struct
import sys
from pathlib import Path

import _pywhispercpp
import numpy as np
import pytest
import torch
import whisper
from pywhispercpp.model import Model
from rapidfuzz.distance import Levenshtein
from small_models import write_small_model

import export_ggml as script
from whisper_terms.audio import read_audio
from whisper_terms.errors import UserError
from whisper_terms.ggml_format import _blocks_of_eight_bits, export_ggml

ROOT = Path(__file__).resolve().parents[2]
NANO = ROOT / "models" / "whisper-nano-ja"
FIRST_TIMESTAMP, HUNDREDTHS = 50_364, 2  # in large-v2's tokens and before; a step of 0.02 s


@pytest.fixture(scope="module")
def exported(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("ggml")
    export_ggml(NANO, folder / "model.bin")
    return folder


def recording(name: str) -> np.ndarray:
    return read_audio(ROOT / "recordings" / "demo" / f"{name}.flac")


def load(model: Path) -> Model:
    """The likeliest token at every step, and no second try."""
    greedy = {"temperature_inc": 0.0, "greedy": {"best_of": 1}}
    return Model(str(model), language="ja", n_threads=2, redirect_whispercpp_logs_to=None, **greedy)


def written(context, segment: int) -> tuple[list[int], np.ndarray]:
    """The tokens of a segment after its first timestamp, and how likely they were."""
    places = range(_pywhispercpp.whisper_full_n_tokens(context, segment))
    tokens = [_pywhispercpp.whisper_full_get_token_id(context, segment, i) for i in places]
    likely = [_pywhispercpp.whisper_full_get_token_p(context, segment, i) for i in places]
    return tokens, np.array(likely)


@pytest.mark.parametrize("name", ["general_45", "general_46", "terms_05"])
def test_whisper_cpp_is_as_sure_of_its_tokens_as_openai_whisper(exported, bundled, name):
    sound = recording(name)
    runtime = load(exported / "model.bin")
    (segment,) = runtime.transcribe(sound)
    tokens, likely = written(runtime._ctx, 0)
    before = [50_258, 50_266, 50_359, FIRST_TIMESTAMP + segment.t0 // HUNDREDTHS]
    spectrogram = whisper.log_mel_spectrogram(whisper.pad_or_trim(sound))[None]
    with torch.no_grad():
        logits = bundled(spectrogram, torch.tensor([before + tokens]))[0, len(before) - 1 : -1]
    expected = logits.softmax(-1)[range(len(tokens)), tokens].numpy()
    # In half precision, and without the tokens that are never written: those it may be surer of.
    assert np.median(np.abs(likely - expected)) < 0.05
    assert np.corrcoef(likely, expected)[0, 1] > 0.8
    assert 0 < segment.t0 < segment.t1 <= 100 * len(sound) / 16_000  # hundredths of a second


@pytest.mark.parametrize("precision", ["int8", "int8_float16"])
def test_eight_bits_hear_much_the_same(exported, tmp_path, precision):
    export_ggml(NANO, tmp_path / "model.bin", precision)
    segments = load(tmp_path / "model.bin").transcribe(recording("general_45"))
    heard = "".join(segment.text for segment in segments)
    assert Levenshtein.normalized_similarity(heard, "受付で名前を書きました。") > 0.6, heard
    size, halves = ((folder / "model.bin").stat().st_size for folder in (tmp_path, exported))
    assert size < 0.6 * halves


def test_blocks_by_hand():
    row = np.zeros(64, np.float32)
    row[:3] = 12.7, -12.7, 0.06  # a scale of 0.1, and a block of nothing
    blocks = _blocks_of_eight_bits(row)
    assert len(blocks) == 2 * (2 + 32)
    assert struct.unpack("<e32b", blocks[:34]) == (np.float16(0.1), 127, -127, 1, *[0] * 29)
    assert not any(blocks[34:])


@pytest.mark.parametrize("n_vocab", [51_865, 51_866])
@pytest.mark.parametrize("n_mels", [80, 128])
def test_the_header_and_the_vocabulary(tmp_path, n_mels, n_vocab):
    source = write_small_model(tmp_path / "model", n_mels=n_mels, n_vocab=n_vocab, decoder_layers=1)
    export_ggml(source, tmp_path / "made.bin")
    content = (tmp_path / "made.bin").read_bytes()
    assert content[:4] == b"lmgg"
    values = struct.unpack_from("<11i", content, 4)
    assert (values[0], values[8], values[9], values[10]) == (n_vocab, 1, n_mels, 1)
    shape = struct.unpack_from("<2i", content, 48)
    assert shape == (n_mels, 201)
    start = 56 + 4 * n_mels * 201
    assert struct.unpack_from("<2i", content, start) == (50_257, 1)
    assert content[start + 8 : start + 9] == b"!"  # the first byte pair of GPT-2


def test_no_model(tmp_path, monkeypatch):
    with pytest.raises(UserError):
        export_ggml(tmp_path / "none", tmp_path / "made.bin")
    assert not (tmp_path / "made.bin").exists()
    model = write_small_model(tmp_path / "model")
    command = ["export_ggml.py", "--checkpoint", str(model), "--output", str(tmp_path / "a.bin")]
    monkeypatch.setattr(sys, "argv", command)
    script.main()
    assert (tmp_path / "a.bin").read_bytes()[:4] == b"lmgg"
    monkeypatch.setattr(sys, "argv", [*command, "--precision", "4"])
    with pytest.raises(SystemExit):
        script.main()
