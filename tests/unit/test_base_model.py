import json
import shutil
import socket
import sys
import time
from pathlib import Path

import pytest
import torch
from local_hub import find_in_new_process, hub_of
from safetensors.torch import load_file, save_file
from small_models import GENERATION_CONFIG, small_base, small_model, write_small_model

import fetch_base
from whisper_terms.base_model import link_model, load_base, save_model, special_ids
from whisper_terms.errors import UserError
from whisper_terms.model_files import find_model
from whisper_terms.tokenizer import build_tokenizer

FILES = [
    "model.safetensors",
    "config.json",
    "generation_config.json",
    "tokenizer.json",
    "vocab.json",
    "merges.txt",
    "preprocessor_config.json",
    "processor_config.json",
]


@pytest.fixture(scope="module")
def saved(tmp_path_factory) -> Path:
    return write_small_model(tmp_path_factory.mktemp("models") / "small")


@pytest.fixture
def broken(saved, tmp_path) -> Path:
    """A copy to break."""
    return Path(shutil.copytree(saved, tmp_path / "broken"))


def test_writes_every_file_that_converters_read(saved):
    assert set(FILES) <= {path.name for path in saved.iterdir()}
    assert (saved / "generation_config.json").read_text() == GENERATION_CONFIG
    assert not [path for path in saved.parent.iterdir() if path.name.startswith(".")]
    assert len({path.stat().st_mode for path in saved.iterdir()}) == 1


def test_reads_back_what_was_written(saved):
    base, weights = load_base(str(saved)), small_model().state_dict()
    assert base.model.dtype == torch.float32 and not base.model.training
    assert all(torch.equal(weights[k], v) for k, v in base.model.state_dict().items())
    assert base.tokenizer.get_vocab() == build_tokenizer().get_vocab()
    assert base.generation_config.alignment_heads == [[1, 0], [1, 3]]
    assert base.generation_config.suppress_tokens == [1, 2, 7]


def test_second_generation_is_the_first(saved, tmp_path):
    base = load_base(str(saved))
    save_model(tmp_path / "again", base.model, base)
    for name in FILES:
        assert (tmp_path / "again" / name).read_bytes() == (saved / name).read_bytes(), name


def test_half_precision_files_load_as_float32(saved, tmp_path):
    base = load_base(str(saved))
    save_model(tmp_path / "half", small_model().half(), base)
    size = (tmp_path / "half" / "model.safetensors").stat().st_size
    assert size < 0.6 * (saved / "model.safetensors").stat().st_size
    assert load_base(str(tmp_path / "half")).model.dtype == torch.float32


def test_128_mel_bins_survive(tmp_path):
    base = small_base(tmp_path / "source", build_tokenizer(100), n_mels=128)
    model = small_model(128, 51_866)
    save_model(tmp_path / "v3", model, base)
    # faster-whisper reads this file, transformers processor_config.json.
    preprocessor = json.loads((tmp_path / "v3" / "preprocessor_config.json").read_text())
    assert preprocessor["feature_size"] == 128
    assert load_base(str(tmp_path / "v3")).model.config.num_mel_bins == 128


def test_a_linked_model_is_the_same_and_survives(saved, tmp_path):
    (tmp_path / "source").mkdir()
    for path in saved.iterdir():
        shutil.copy2(path, tmp_path / "source")
    link_model(tmp_path / "source", tmp_path / "linked")
    link_model(tmp_path / "source", tmp_path / "linked")
    shutil.rmtree(tmp_path / "source")
    for path in saved.iterdir():
        assert (tmp_path / "linked" / path.name).read_bytes() == path.read_bytes()


def test_a_model_is_copied_where_there_are_no_links(saved, tmp_path, monkeypatch):
    def refuse(source, target):
        raise OSError

    monkeypatch.setattr("os.link", refuse)
    link_model(saved, tmp_path / "linked")
    assert load_base(str(tmp_path / "linked")).model.config.d_model == 64


def test_replaces_a_model_but_nothing_else(saved, broken):
    base = load_base(str(saved))
    (broken / "config.json").write_text("{}")
    save_model(broken, base.model, base)
    assert (broken / "config.json").read_bytes() == (saved / "config.json").read_bytes()
    (broken / "README.md").write_text("mine")
    with pytest.raises(UserError, match=r"README\.md"):
        save_model(broken, base.model, base)
    assert (broken / "README.md").read_text() == "mine"
    assert [path.name for path in broken.parent.iterdir()] == ["broken"]


def test_failing_leaves_the_old_model(saved, broken, monkeypatch):
    base = load_base(str(saved))
    monkeypatch.setattr(type(base.tokenizer), "save_vocabulary", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        save_model(broken, base.model, base)
    assert (broken / "model.safetensors").is_file()
    assert [path.name for path in broken.parent.iterdir()] == ["broken"]


def test_a_failed_move_leaves_the_old_model(saved, broken, monkeypatch):
    """As on a full disk, or where the folder has become another's."""
    base, rename = load_base(str(saved)), Path.rename

    def refuse(path: Path, target: Path) -> Path:
        if path.name == "new":
            raise PermissionError(target)
        return rename(path, target)

    (broken / "config.json").write_text("{}")
    monkeypatch.setattr(Path, "rename", refuse)
    with pytest.raises(PermissionError):
        save_model(broken, base.model, base)
    assert (broken / "config.json").read_text() == "{}"
    assert [path.name for path in broken.parent.iterdir()] == ["broken"]


def test_a_file_is_no_place_for_a_model(saved, tmp_path):
    (tmp_path / "model").write_text("mine")
    with pytest.raises(UserError, match="is a file"):
        link_model(saved, tmp_path / "model")
    assert (tmp_path / "model").read_text() == "mine"


def _truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:1000])


def _edit(path: Path, **changes) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def _drop_a_weight(directory: Path) -> None:
    weights = load_file(directory / "model.safetensors")
    weights.pop("model.decoder.layers.1.fc1.weight")
    save_file(weights, directory / "model.safetensors", metadata={"format": "pt"})


def _give_it_128_mel_bins(directory: Path) -> None:
    (directory / "processor_config.json").unlink()
    _edit(directory / "preprocessor_config.json", feature_size=128)


@pytest.mark.parametrize(
    ("breakage", "message"),
    [
        (lambda d: (d / "config.json").unlink(), r"config\.json"),
        (lambda d: (d / "config.json").write_text("not JSON"), "JSON"),
        (lambda d: _edit(d / "config.json", model_type="bert"), "'bert'"),
        (lambda d: (d / "model.safetensors").unlink(), "no weights"),
        (lambda d: _truncate(d / "model.safetensors"), "can't be loaded"),
        (
            lambda d: (d / "model.safetensors").write_text("version https://git-lfs.github.com/"),
            "git lfs pull",
        ),
        (lambda d: _drop_a_weight(d), r"1 weights are missing .*fc1"),
        (lambda d: _edit(d / "config.json", d_model=32), "can't be loaded"),
        (lambda d: [(d / f).unlink() for f in ("tokenizer.json", "vocab.json")], "no tokenizer"),
        (lambda d: (d / "tokenizer.json").write_text("{}"), "can't be loaded"),
        (
            lambda d: [(d / f"{p}_config.json").unlink() for p in ("preprocessor", "processor")],
            "no preprocessor_config",
        ),
        (lambda d: _give_it_128_mel_bins(d), "128 Mel bins"),
    ],
)
def test_says_what_is_wrong_with_a_directory(broken, breakage, message):
    breakage(broken)
    with pytest.raises(UserError, match=message):
        load_base(str(broken))


def test_refuses_english_only_models(tmp_path):
    base = small_base(tmp_path / "source")
    save_model(tmp_path / "en", small_model(n_vocab=51_864), base)
    with pytest.raises(UserError, match="English only"):
        load_base(str(tmp_path / "en"))


@pytest.mark.parametrize("spec", ["nowhere", "/no/such/model", "./a/b", "../a", "a/b/c", "a b", ""])
def test_a_path_that_is_not_there_is_no_hub_id(spec, monkeypatch):
    # Were it asked, the hub would be what the error is about.
    monkeypatch.setattr("whisper_terms.model_files._fetch", lambda _: pytest.fail("asks the hub"))
    with pytest.raises(UserError, match="no such model directory"):
        find_model(spec)


def test_a_typo_beside_a_model_is_no_hub_id(saved, monkeypatch):
    monkeypatch.chdir(saved.parent.parent)
    with pytest.raises(UserError, match="no such model directory"):
        find_model(f"{saved.parent.name}/smal")


@pytest.mark.parametrize("server", ["deaf", "refusing"])
def test_no_network_is_said_within_seconds(tmp_path, server):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        if server == "refusing":
            listener.close()
        start = time.monotonic()
        run = find_in_new_process(f"http://127.0.0.1:{port}", tmp_path)
    assert "UserError" in run.stderr and "hf download org/small" in run.stderr
    assert time.monotonic() - start < 15


def test_a_hub_id_is_downloaded_once_and_then_found_without_a_network(saved, tmp_path):
    with hub_of(saved) as (endpoint, requests):
        first = find_in_new_process(endpoint, tmp_path)
        assert first.returncode == 0, first.stderr
        directory = Path(first.stdout.strip())
        assert (directory / "model.safetensors").read_bytes() == (
            saved / "model.safetensors"
        ).read_bytes()
        assert not (directory / "flax_model.msgpack").exists()
        assert not any("fp32" in request for request in requests)
        count = sum(request.startswith("GET /org") for request in requests)
        assert find_in_new_process(endpoint, tmp_path).stdout == first.stdout
        assert sum(request.startswith("GET /org") for request in requests) == count
    assert find_in_new_process(endpoint, tmp_path).stdout == first.stdout
    assert load_base(str(directory)).model.config.d_model == 64


def test_older_weights_are_downloaded_where_there_are_no_others(broken, tmp_path):
    weights = load_file(broken / "model.safetensors")
    torch.save(weights, broken / "pytorch_model.bin")
    (broken / "model.safetensors").unlink()
    with hub_of(broken) as (endpoint, _):
        run = find_in_new_process(endpoint, tmp_path)
    assert run.returncode == 0, run.stderr
    # Found again without a network.
    assert find_in_new_process(endpoint, tmp_path).stdout == run.stdout
    model = load_base(run.stdout.strip()).model.state_dict()
    assert all(torch.equal(model[name], weight) for name, weight in weights.items())


def test_a_hub_id_that_is_not_there_is_said(saved, tmp_path):
    with hub_of(saved) as (endpoint, _):
        run = find_in_new_process(endpoint, tmp_path, "org/typo")
    assert "UserError: org/typo" in run.stderr and "404" in run.stderr


@pytest.mark.parametrize("languages", [99, 100])
def test_special_ids_are_openais(languages):
    from whisper.tokenizer import get_tokenizer

    theirs = get_tokenizer(multilingual=True, num_languages=languages)
    ids = special_ids(build_tokenizer(languages), "ja")
    assert (ids.start, ids.end, ids.transcribe) == (theirs.sot, theirs.eot, theirs.transcribe)
    assert ids.language == theirs.to_language_token("ja") == 50266
    assert ids.no_timestamps == theirs.no_timestamps == 50363 + languages - 99
    assert ids.no_speech == theirs.no_speech
    assert ids.timestamp_begin == theirs.timestamp_begin


def test_special_ids_know_the_hubs_old_name():
    class Old:
        def get_vocab(self):
            names = [
                "startoftranscript",
                "ja",
                "transcribe",
                "notimestamps",
                "0.00",
                "nocaptions",
                "endoftext",
            ]
            return {f"<|{name}|>": number for number, name in enumerate(names)}

    assert special_ids(Old(), "ja").no_speech == 5


def test_special_ids_that_are_missing_are_named():
    with pytest.raises(UserError, match=r"<\|xx\|>"):
        special_ids(build_tokenizer(), "xx")


def test_script_copies_a_base(saved, tmp_path, monkeypatch):
    target = tmp_path / "results" / "small" / "base"
    monkeypatch.setattr(sys, "argv", ["fetch_base", "--model", str(saved), "--output", str(target)])
    fetch_base.main()
    assert (target / "model.safetensors").read_bytes() == (saved / "model.safetensors").read_bytes()
