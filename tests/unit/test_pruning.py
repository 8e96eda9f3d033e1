"""Pruning: what is named is kept, whether it has been made or not; nothing outside is touched."""

import sys
from pathlib import Path

import pytest
from small_models import write_small_model
from small_windows import sounding_windows

import prune_stores as script
from whisper_terms.encodings import encoding_path, weights_digest
from whisper_terms.pruning import find_leftovers
from whisper_terms.tables import UTTERANCES, write_table
from whisper_terms.windows import COLUMNS, window_rows


def make(path: Path, size: int = 3) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(bytes(size))
    return path


def test_leftovers(tmp_path):
    kept, old = make(tmp_path / "store/aa/1.wav"), make(tmp_path / "store/bb/2.wav", 10)
    outside = make(tmp_path / "3.wav")
    leftovers = find_leftovers(tmp_path / "store", [kept, tmp_path / "store/cc/missing.wav"])
    assert (leftovers.files, leftovers.kept, leftovers.size) == ((old,), 1, 10)
    leftovers.remove()
    assert kept.exists() and outside.exists()
    assert not old.parent.exists(), "a folder that is empty then goes too"


def test_a_store_that_is_not_there(tmp_path):
    leftovers = find_leftovers(tmp_path / "none", [])
    assert (leftovers.files, leftovers.kept) == ((), 0)


class TestScript:
    @pytest.fixture
    def folder(self, tmp_path, monkeypatch):
        """A wav and an encoding that are used, one of each that are not, and a model."""
        monkeypatch.chdir(tmp_path)
        windows = sounding_windows(tmp_path, 1)
        write_table("windows.tsv", COLUMNS, window_rows(windows))
        write_table("manifest.tsv", UTTERANCES, [{"audio": make(Path("speech/aa/1.wav"))}])
        write_small_model(Path("nano/base/checkpoint"))
        store, base = Path("nano/encodings/store"), weights_digest("nano/base/checkpoint")
        self.used = make(encoding_path(store, base, windows[0].id))
        self.unused = [make(Path("speech/bb/2.wav")), make(encoding_path(store, base, "gone"))]
        return tmp_path

    def run(self, monkeypatch, *more: str) -> None:
        arguments = (
            "prune --manifest manifest.tsv --speech speech --windows windows.tsv --models nano"
        )
        monkeypatch.setattr(sys, "argv", [*arguments.split(), *more])
        script.main()

    def test_unused_files_go(self, folder, monkeypatch, capsys):
        self.run(monkeypatch)
        assert self.used.exists() and Path("speech/aa/1.wav").exists()
        assert not any(path.exists() for path in self.unused)
        assert "speech: removing 1 files, 0.0 MB; 1 kept" in capsys.readouterr().out

    def test_a_dry_run_removes_nothing(self, folder, monkeypatch, capsys):
        self.run(monkeypatch, "--dry-run")
        assert all(path.exists() for path in self.unused)
        assert "would remove 1 files" in capsys.readouterr().out

    def test_a_model_without_its_base_is_left_alone(self, folder, monkeypatch, capsys):
        Path("nano/base/checkpoint").rename("elsewhere")
        self.run(monkeypatch)
        assert self.unused[1].exists()
        assert "left alone" in capsys.readouterr().err
