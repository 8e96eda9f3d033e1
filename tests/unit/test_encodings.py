"""The frozen encoder's output: computed once, stored in half precision, found again."""

import shutil
import sys
from collections import namedtuple
from dataclasses import replace

import numpy as np
import pytest
import torch
from small_models import small_base, write_small_model
from small_windows import sounding_windows
from whisper.audio import log_mel_spectrogram

import encode_windows as script
from whisper_terms import encodings
from whisper_terms.base_model import load_base
from whisper_terms.encodings import COLUMNS as ENCODINGS
from whisper_terms.encodings import (
    encode_windows,
    find_encodings,
    read_encodings,
    weights_digest,
    window_features,
)
from whisper_terms.errors import UserError
from whisper_terms.tables import write_table
from whisper_terms.windows import COLUMNS, window_audio, window_rows


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return small_base(tmp_path_factory.mktemp("base"))


@pytest.fixture(scope="module")
def windows(tmp_path_factory):
    return sounding_windows(tmp_path_factory.mktemp("wavs"), 3)


@pytest.fixture
def encode(base, tmp_path, monkeypatch):
    """Encode into one store, and count the windows that the encoder ran over."""
    encoded = []
    real = encodings._encode

    def counted(batch, *others):
        encoded.extend(window.id for window in batch)
        return real(batch, *others)

    monkeypatch.setattr(encodings, "_encode", counted)

    def run(windows, digest="digest", batch_size=8, store=tmp_path / "store"):
        encoded.clear()
        files = encode_windows(
            windows, base.model, base.feature_extractor, store, digest, batch_size
        )
        return files, list(encoded)

    return run


@pytest.mark.parametrize("n_mels", [80, 128])
def test_features_are_whisper_s(tmp_path, windows, n_mels):
    extractor = small_base(tmp_path, n_mels=n_mels).feature_extractor
    features = window_features(windows[0], extractor)
    assert (features.shape, features.dtype) == ((n_mels, 3000), np.float32)
    expected = log_mel_spectrogram(window_audio(windows[0]), n_mels).numpy()
    # Whisper pads with silence before the spectrogram: the last frame may differ.
    assert np.abs(features[:, :-1] - expected[:, :2999]).max() < 2e-3


def test_they_are_the_encoder_s_output(base, windows, encode):
    files, _ = encode(windows)
    for window in windows:
        stored = np.load(files[window.id])
        assert (stored.shape, stored.dtype) == ((1500, 64), np.float16)
        features = torch.from_numpy(window_features(window, base.feature_extractor))[None]
        with torch.no_grad():
            direct = base.model.get_encoder()(features).last_hidden_state[0].numpy()
        # Half precision has eleven bits.
        assert np.allclose(stored, direct, rtol=2**-10, atol=1e-4)
    assert not np.allclose(np.load(files[windows[0].id]), np.load(files[windows[1].id]), atol=1e-2)


def test_dropout_is_off(base, windows, encode, tmp_path):
    # The trainer may have left the model in training mode.
    for layer in base.model.get_encoder().layers:
        layer.dropout = 0.5
    try:
        base.model.train()
        files, _ = encode(windows[:1])
        again, _ = encode(windows[:1], store=tmp_path / "other")
    finally:
        for layer in base.model.get_encoder().layers:
            layer.dropout = 0.0
        base.model.eval()
    name = windows[0].id
    assert np.array_equal(np.load(files[name]), np.load(again[name]))


def test_the_size_of_batches_does_not_matter(windows, encode, tmp_path):
    together, _ = encode(windows)
    alone, _ = encode(windows, batch_size=1, store=tmp_path / "other")
    for window in windows:
        one, other = np.load(together[window.id]), np.load(alone[window.id])
        assert np.allclose(one, other, rtol=2**-9, atol=1e-3)


def test_only_what_is_missing_is_encoded(windows, encode):
    files, encoded = encode(windows[:2])
    assert encoded == [window.id for window in windows[:2]]
    before = files[windows[0].id].stat().st_mtime_ns
    more, encoded = encode(windows)
    assert encoded == [windows[2].id]
    assert more[windows[0].id] == files[windows[0].id]
    assert files[windows[0].id].stat().st_mtime_ns == before
    assert encode(windows) == (more, [])


def test_one_that_a_power_failure_emptied_is_made_again(windows, encode, tmp_path):
    files, _ = encode(windows[:2])
    empty = files[windows[1].id]
    whole = empty.read_bytes()
    table = tmp_path / "encodings.tsv"
    rows = [{"window": window, "file": str(file)} for window, file in files.items()]
    write_table(table, ENCODINGS, rows)
    assert find_encodings(table) == files
    for rest in (b"", whole[: len(whole) // 2]):
        empty.write_bytes(rest)
        assert encode(windows[:2])[1] == [windows[1].id]
        assert empty.read_bytes() == whole
    empty.write_bytes(b"")
    with pytest.raises(UserError, match="1 of 2 encodings are gone"):
        find_encodings(table)


def test_other_texts_have_the_same_sound(windows, encode):
    encode(windows[:1])
    renamed = [replace(one, text="別") for one in windows[0].utterances]
    assert encode([replace(windows[0], utterances=tuple(renamed))])[1] == []


def test_another_base_is_another_encoding(windows, encode):
    files, _ = encode(windows[:1])
    others, encoded = encode(windows[:1], digest="other")
    assert encoded == [windows[0].id]
    assert others[windows[0].id] != files[windows[0].id]


def test_a_run_that_breaks_off_leaves_whole_files(windows, encode, monkeypatch, tmp_path):
    real = np.save

    def break_off(path, array):
        if len(list((tmp_path / "store").glob("[!.]*.npy"))) == 1:
            path.write_bytes(b"half")
            raise KeyboardInterrupt
        real(path, array)

    monkeypatch.setattr(np, "save", break_off)
    with pytest.raises(KeyboardInterrupt):
        encode(windows)
    monkeypatch.undo()
    (whole,) = (tmp_path / "store").iterdir()
    assert np.load(whole).shape == (1500, 64)


def test_a_full_disk_is_said_before(windows, encode, monkeypatch):
    usage = namedtuple("usage", "total used free")
    size = 1500 * 64 * 2
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(10**9, 0, 3 * size - 1))
    with pytest.raises(UserError, match="the encodings need") as error:
        encode(windows)
    assert "cached_encoder: false" in error.value.faults[0].cure
    assert len(encode(windows[:2])[1]) == 2
    # What is there needs no room.
    assert len(encode(windows)[1]) == 1


def test_the_digest_of_weights(tmp_path):
    directory = write_small_model(tmp_path / "model")
    before = weights_digest(directory)
    (directory / "config.json").touch()
    assert weights_digest(directory) == before
    weights = directory / "model.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    assert weights_digest(directory) != before
    with pytest.raises(UserError, match="holds no weights"):
        weights_digest(tmp_path)


def test_the_script(tmp_path, windows, monkeypatch):
    directory = write_small_model(tmp_path / "model")
    write_table(tmp_path / "windows.tsv", COLUMNS, window_rows(windows[:2]))
    command = "encode --base model --windows windows.tsv --store store --output out.tsv"
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", [*command.split(), "--device", "cpu"])
    script.main()
    files = read_encodings("out.tsv")
    assert list(files) == [window.id for window in windows[:2]]
    direct = window_features(windows[0], load_base(str(directory)).feature_extractor)
    with torch.no_grad():
        encoder = load_base(str(directory)).model.get_encoder()
        expected = encoder(torch.from_numpy(direct)[None]).last_hidden_state[0].numpy()
    assert np.allclose(np.load(files[windows[0].id]), expected, rtol=2**-10, atol=1e-4)


def test_encodings_that_are_gone_are_told(windows, encode, tmp_path):
    files, _ = encode(windows[:2])
    rows = [{"window": name, "file": str(file)} for name, file in files.items()]
    write_table(tmp_path / "encodings.tsv", ENCODINGS, rows)
    assert find_encodings(tmp_path / "encodings.tsv") == files
    files[windows[0].id].unlink()
    with pytest.raises(UserError, match="1 of 2 encodings are gone") as error:
        find_encodings(tmp_path / "encodings.tsv")
    assert "delete this table" in error.value.faults[0].cure
