"""What is exported for ONNX, run by onnxruntime and by sherpa-onnx."""

import sys
from base64 import b64decode
from pathlib import Path

import numpy as np
import onnx
import pytest
import sherpa_onnx
import torch
import whisper
from onnxruntime import InferenceSession, SessionOptions
from rapidfuzz.distance import Levenshtein
from small_models import ALIGNMENT_HEADS, small_model, write_small_model

import export_onnx as script
from whisper_terms import onnx_graph
from whisper_terms.audio import read_audio
from whisper_terms.base_model import load_base
from whisper_terms.errors import UserError
from whisper_terms.onnx_format import export_onnx

ROOT = Path(__file__).resolve().parents[2]
NANO = ROOT / "models" / "whisper-nano-ja"
FILES = {"encoder.onnx", "decoder.onnx", "tokens.txt"}
PROMPT = [50_258, 50_266, 50_359, 50_363]  # Japanese, transcribe, no timestamps
HALF_A_FRAME = 80  # samples
TOLERANCE = 1e-4  # of values whose spread is some 2; float32 rounds at 1e-7 of them


@pytest.fixture(scope="module")
def exported(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("onnx") / "made"
    export_onnx(NANO, folder)
    return folder


@pytest.fixture(scope="module")
def small(tmp_path_factory) -> Path:
    return write_small_model(tmp_path_factory.mktemp("small") / "model")


class Runtime:
    """onnxruntime with both graphs, as sherpa-onnx runs them."""

    def __init__(self, folder: Path):
        options = SessionOptions()
        options.intra_op_num_threads = 2
        names = ("encoder", "decoder")
        self.encoder, self.decoder = (
            InferenceSession(folder / f"{name}.onnx", options) for name in names
        )

    def hear(self, mel: np.ndarray) -> list[np.ndarray]:
        return self.encoder.run(None, {"mel": mel})

    def logits(self, sound: list[np.ndarray], tokens: list[int], steps: list[int]):
        """Of tokens that are given in steps of several: (tokens, vocabulary), and attention."""
        values = {one.name: one for one in self.decoder.get_inputs()}
        layers, _, *rest = values["in_n_layer_self_k_cache"].shape
        # Not zeros: what stands behind the offset must not matter.
        caches = [np.full((layers, 1, *rest), 9, np.float32)] * 2
        made, seen, start = [], [], 0
        for count in steps:
            given = [np.array([tokens[start : start + count]]), *caches, *sound, np.array([start])]
            made_now, *caches, seen_now = self.decoder.run(
                None, dict(zip(values, given, strict=True))
            )
            made.append(made_now[0])
            seen.append(seen_now[0])
            start += count
        return np.concatenate(made), np.concatenate(seen, axis=1)


def recording(name: str) -> np.ndarray:
    return read_audio(ROOT / "recordings" / "demo" / f"{name}.flac")


def spectrogram(samples: np.ndarray) -> torch.Tensor:
    return whisper.log_mel_spectrogram(whisper.pad_or_trim(samples))[None]


def steps_of(count: int) -> list[int]:
    """The prompt at once, several tokens behind one, and the others one by one."""
    return [len(PROMPT), 3, *[1] * (count - len(PROMPT) - 3)]


def compare(made: Runtime, model, mel: torch.Tensor, tokens: list[int]) -> None:
    """Encoder, decoder and attention against transformers."""
    with torch.no_grad():
        encoded = model.get_encoder()(mel).last_hidden_state
        expected = model(
            encoder_outputs=(encoded,),
            decoder_input_ids=torch.tensor([tokens]),
            output_attentions=True,
        )
        layers = [layer.encoder_attn for layer in model.model.decoder.layers]
        keys = torch.stack([layer.k_proj(encoded) for layer in layers])
        values = torch.stack([layer.v_proj(encoded) for layer in layers])
    sound = made.hear(mel.numpy())
    np.testing.assert_allclose(sound[0], keys.numpy(), rtol=0, atol=TOLERANCE)
    np.testing.assert_allclose(sound[1], values.numpy(), rtol=0, atol=TOLERANCE)
    logits, seen = made.logits(sound, tokens, steps_of(len(tokens)))
    assert expected.logits.std() > 0.1  # the comparison below is not of zeros
    np.testing.assert_allclose(logits, expected.logits[0].numpy(), rtol=0, atol=TOLERANCE)
    heads = model.generation_config.alignment_heads
    shares = [expected.cross_attentions[layer][0, head].numpy() for layer, head in heads]
    np.testing.assert_allclose(seen, np.stack(shares), rtol=0, atol=TOLERANCE)


def test_onnxruntime_computes_what_transformers_computes(exported):
    base = load_base(str(NANO))
    base.model.set_attn_implementation("eager")
    text = base.tokenizer.encode("受付で名前を書きました。", add_special_tokens=False)
    mel = spectrogram(recording("general_45"))
    compare(Runtime(exported), base.model, mel, [*PROMPT, *text])


@pytest.mark.parametrize(
    ("n_mels", "n_vocab", "decoder_layers"), [(128, 51_866, 3), (80, 51_865, 2)]
)
def test_other_dimensions(tmp_path, n_mels, n_vocab, decoder_layers):
    shape = {"n_mels": n_mels, "n_vocab": n_vocab, "decoder_layers": decoder_layers}
    export_onnx(write_small_model(tmp_path / "model", **shape), tmp_path / "made")
    model = small_model(**shape)
    model.set_attn_implementation("eager")
    model.generation_config.alignment_heads = ALIGNMENT_HEADS
    mel = torch.randn(1, n_mels, 3000, generator=torch.Generator().manual_seed(0))
    compare(Runtime(tmp_path / "made"), model, mel, [*PROMPT, 51_000, n_vocab - 1, 5, 100, 220])
    known = metadata(tmp_path / "made" / "encoder.onnx")
    assert (known["n_mels"], known["n_vocab"]) == (str(n_mels), str(n_vocab))
    assert (known["n_text_layer"], known["n_audio_layer"]) == (str(decoder_layers), "2")


def metadata(path: Path) -> dict[str, str]:
    return {one.key: one.value for one in onnx.load(path).metadata_props}


@pytest.mark.parametrize("loudness", [1.0, 1e-4])
def test_zeros_behind_a_recording_are_heard_as_silence(exported, loudness):
    whole = spectrogram(loudness * recording("general_45")).numpy()
    filled = whole.copy()
    filled[:, :, 700:] = 0  # as sherpa-onnx does it
    assert np.ptp(whole[:, :, 700:]) == 0 and whole[0, 0, 700] != 0
    made = Runtime(exported)
    for one, expected in zip(made.hear(filled), made.hear(whole), strict=True):
        np.testing.assert_allclose(one, expected, rtol=0, atol=TOLERANCE)


def transcribe(folder: Path, samples: np.ndarray, **more):
    """What sherpa-onnx hears where its spectrogram is Whisper's: its result, with text and times.

    The frames of its own are half a frame later; the bundled model is small enough to mind that.
    """
    samples = np.concatenate([np.zeros(HALF_A_FRAME, np.float32), samples])
    recognizer = sherpa_onnx.OfflineRecognizer.from_whisper(
        encoder=str(folder / "encoder.onnx"),
        decoder=str(folder / "decoder.onnx"),
        tokens=str(folder / "tokens.txt"),
        tail_paddings=3000,
        **more,
    )
    stream = recognizer.create_stream()
    stream.accept_waveform(16_000, samples)
    recognizer.decode_stream(stream)
    return stream.result


@pytest.mark.parametrize("name", ["general_45", "general_46", "terms_05"])
def test_sherpa_onnx_hears_what_openai_whisper_hears(exported, bundled, name):
    samples = recording(name)
    options = whisper.DecodingOptions(language="ja", without_timestamps=True, fp16=False)
    expected = whisper.decode(bundled, spectrogram(samples)[0], options).text
    heard = transcribe(exported, samples, language="ja")
    assert heard.text == expected and len(heard.text) > 5
    assert heard.lang == "ja"


def test_sherpa_onnx_hears_the_language_and_the_times(exported):
    samples = recording("general_45")
    heard = transcribe(
        exported,
        samples,
        language="",
        enable_token_timestamps=True,
        enable_segment_timestamps=True,
    )
    assert heard.lang == "ja"
    times = heard.timestamps
    assert len(set(times)) > 5 and times == sorted(times)
    assert times[0] >= 0 and times[-1] < len(samples) / 16_000
    assert "".join(heard.segment_texts) == heard.text
    assert all(0 < duration < len(samples) / 16_000 + 1 for duration in heard.segment_durations)


@pytest.mark.parametrize("precision", ["int8", "int8_float16"])
def test_eight_bits_hear_much_the_same(exported, tmp_path, precision):
    export_onnx(NANO, tmp_path / "made", precision)
    heard = transcribe(tmp_path / "made", recording("general_45"), language="ja").text
    assert Levenshtein.normalized_similarity(heard, "受付で名前を書きました。") > 0.6, heard
    for name in ("encoder.onnx", "decoder.onnx"):
        size, halves = ((folder / name).stat().st_size for folder in (tmp_path / "made", exported))
        assert size < 0.6 * halves


def test_the_files_and_their_layout(exported):
    assert {path.name for path in exported.iterdir()} == FILES
    for name in ("encoder", "decoder"):
        model = onnx.load(exported / f"{name}.onnx")
        onnx.checker.check_model(model, full_check=True)
        # As old as those of sherpa-onnx's own models, so that its older versions load them too.
        assert (model.opset_import[0].version, model.ir_version) == (17, 8)
    lines = (exported / "tokens.txt").read_text().splitlines()
    pairs = [line.split(" ") for line in lines]
    assert [int(number) for _, number in pairs] == list(range(50_257))
    written = b"".join(b64decode(pairs[token][0]) for token in (30_266, 28_757, 1543))
    assert written == whisper.tokenizer.get_encoding("multilingual").decode_bytes(
        [30_266, 28_757, 1543]
    )
    assert pairs[-1][0] == "="


def test_the_metadata_is_the_tokenizer_s(exported):
    known = metadata(exported / "encoder.onnx")
    tokenizer = whisper.tokenizer.get_tokenizer(True, num_languages=99)
    assert known["sot_sequence"] == "50258,50259,50359"
    for key in "sot eot no_speech no_timestamps transcribe translate".split():
        assert known[key] == str(getattr(tokenizer, key))
    languages = zip(
        known["all_language_codes"].split(","), known["all_language_tokens"].split(","), strict=True
    )
    expected = zip(tokenizer.all_language_codes, tokenizer.all_language_tokens, strict=True)
    assert dict(languages) == {code: str(token) for code, token in expected}
    assert known["blank_id"] == str(tokenizer.encode(" ")[0])


def test_the_same_model_gives_the_same_bytes(small, tmp_path):
    for name in ("one", "two"):
        export_onnx(small, tmp_path / name, "int8")
    for name in FILES:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_too_large_a_model_is_refused(small, tmp_path, monkeypatch):
    monkeypatch.setattr(onnx_graph, "LARGEST", 1_000_000)
    with pytest.raises(UserError, match="no ONNX file holds"):
        export_onnx(small, tmp_path / "made")
    assert not (tmp_path / "made").exists()


def test_no_model(tmp_path):
    with pytest.raises(UserError):
        export_onnx(tmp_path / "none", tmp_path / "made")
    assert not (tmp_path / "made").exists()


def test_the_script(small, tmp_path, monkeypatch):
    command = ["export_onnx.py", "--checkpoint", str(small), "--output", str(tmp_path / "made")]
    monkeypatch.setattr(sys, "argv", command)
    script.main()
    assert {path.name for path in (tmp_path / "made").iterdir()} == FILES
    monkeypatch.setattr(sys, "argv", [*command, "--precision", "4"])
    with pytest.raises(SystemExit):
        script.main()


def test_what_is_not_an_export_stays(small, tmp_path):
    (tmp_path / "made").mkdir()
    (tmp_path / "made" / "notes.txt").write_text("mine")
    with pytest.raises(UserError, match=r"notes\.txt"):
        export_onnx(small, tmp_path / "made")
    assert [path.name for path in (tmp_path / "made").iterdir()] == ["notes.txt"]
