import json
import sys
from pathlib import Path

import pytest
import torch
import whisper
from small_models import ALIGNMENT_HEADS, small_model, write_small_model
from whisper.model import ModelDimensions, Whisper

import export_openai as script
from whisper_terms.ctranslate2_format import export_ctranslate2
from whisper_terms.errors import UserError
from whisper_terms.openai_format import export_openai, load_openai, to_openai


@pytest.fixture(scope="module")
def exported(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("openai")
    target = folder / "results" / "model.pt"
    export_openai(write_small_model(folder / "small"), target)
    return target


def _logits(model, features, tokens):
    """transformers' logits, shape (batch, tokens, vocabulary)."""
    with torch.no_grad():
        return model(input_features=features, decoder_input_ids=tokens).logits


@pytest.mark.parametrize("decoder_layers", [2, 1, 3])
@pytest.mark.parametrize("n_vocab", [51_864, 51_865, 51_866])
@pytest.mark.parametrize("n_mels", [80, 128])
def test_logits_agree(n_mels, n_vocab, decoder_layers):
    ours = small_model(n_mels, n_vocab, decoder_layers, seed=n_vocab)
    checkpoint = to_openai(ours)
    theirs = Whisper(ModelDimensions(**checkpoint["dims"])).eval()
    theirs.load_state_dict(checkpoint["model_state_dict"])  # strict: no weight more, none less
    assert all(weight.dtype == torch.float16 for weight in checkpoint["model_state_dict"].values())

    features = torch.randn(1, n_mels, 3000)
    tokens = torch.randint(0, n_vocab, (1, 6))
    with torch.no_grad():
        logits = theirs(features, tokens)
    expected = _logits(ours, features, tokens)
    assert expected.std() > 0.1  # the comparison below is not of zeros
    torch.testing.assert_close(logits, expected, atol=1e-4, rtol=0)
    assert theirs.is_multilingual == (n_vocab >= 51_865)
    assert theirs.num_languages == {51_864: 99, 51_865: 99, 51_866: 100}[n_vocab]


def test_whisper_loads_the_file(exported):
    model = whisper.load_model(str(exported), device="cpu")
    features, tokens = torch.randn(1, 80, 3000), torch.tensor([[50258, 50266, 50359, 1, 2]])
    with torch.no_grad():
        logits = model(features, tokens)
    torch.testing.assert_close(logits, _logits(small_model(), features, tokens), atol=1e-4, rtol=0)


def test_alignment_heads_come_back(exported):
    model = load_openai(exported, "cpu")
    assert model.alignment_heads.indices().T.tolist() == ALIGNMENT_HEADS
    assert len(whisper.load_model(str(exported), device="cpu").alignment_heads.indices().T) == 4


@pytest.mark.parametrize(("layers", "kept"), [(1, [[0, n] for n in range(4)]), (2, [[1, 0]])])
def test_a_teacher_s_alignment_heads_are_left_out(tmp_path, layers, kept):
    model = write_small_model(tmp_path / "distilled", decoder_layers=layers)
    config = model / "generation_config.json"
    heads = json.dumps({**json.loads(config.read_text()), "alignment_heads": [[1, 0], [25, 3]]})
    config.write_text(heads)
    export_openai(model, tmp_path / "model.pt")
    heads = load_openai(tmp_path / "model.pt", "cpu").alignment_heads
    assert heads.indices().T.tolist() == kept
    export_ctranslate2(model, tmp_path / "ctranslate2")
    config = json.loads((tmp_path / "ctranslate2/config.json").read_text())
    assert config["alignment_heads"] == kept


def test_word_timestamps_work(exported, monkeypatch):
    for compiled in ("backtrace", "dtw_cpu"):  # compiling them would take ten seconds
        function = getattr(whisper.timing, compiled).py_func
        monkeypatch.setattr(whisper.timing, compiled, function)
    audio = 0.1 * torch.randn(16_000)
    segments = load_openai(exported, "cpu").transcribe(
        audio, language="ja", word_timestamps=True, temperature=0.0, fp16=False, sample_len=5
    )["segments"]
    words = [word for segment in segments for word in segment["words"]]
    assert words and all(word["start"] <= word["end"] for word in words)


def test_the_same_model_gives_the_same_bytes(exported, tmp_path):
    export_openai(exported.parents[1] / "small", tmp_path / "other-name.pt")
    assert (tmp_path / "other-name.pt").read_bytes() == exported.read_bytes()


def test_a_file_named_like_a_published_model_is_that_file(exported, tmp_path, monkeypatch):
    (tmp_path / "tiny").write_bytes(exported.read_bytes())
    monkeypatch.chdir(tmp_path)
    assert load_openai("tiny", "cpu").dims.n_audio_state == 64


def test_refuses_a_projection_that_is_not_the_embedding():
    model = small_model()
    model.proj_out.weight = torch.nn.Parameter(model.proj_out.weight + 1)
    with pytest.raises(UserError, match="output projection"):
        to_openai(model)


@pytest.mark.parametrize("value", [1e5, float("nan")])
def test_refuses_what_half_precision_cannot_hold(value):
    model = small_model()
    model.model.decoder.layers[0].fc1.bias.data[0] = value
    with pytest.raises(UserError, match=r"fc1\.bias"):
        to_openai(model)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"activation_function": "relu"}, "activation"),
        ({"scale_embedding": True}, "embedding"),
        ({"decoder_ffn_dim": 128}, "4 times"),
    ],
)
def test_refuses_another_architecture(change, message):
    model = small_model()
    model.config.update(change)
    with pytest.raises(UserError, match=message):
        to_openai(model)


@pytest.mark.parametrize("content", [None, b"", b"no zip", {"weights": 1}])
def test_says_that_a_file_is_no_checkpoint(tmp_path, content):
    path = tmp_path / "model.pt"
    if isinstance(content, dict):
        torch.save(content, path)
    elif content is not None:
        path.write_bytes(content)
    with pytest.raises(UserError, match=r"model\.pt"):
        load_openai(path, "cpu")


def test_script_writes_the_file(exported, tmp_path, monkeypatch):
    checkpoint, target = exported.parents[1] / "small", tmp_path / "new" / "model.pt"
    arguments = ["export_openai", "--checkpoint", str(checkpoint), "--output", str(target)]
    monkeypatch.setattr(sys, "argv", arguments)
    script.main()
    assert target.read_bytes() == exported.read_bytes()
    assert [path.name for path in target.parent.iterdir()] == ["model.pt"]
