"""Pruning: what is named is kept, whether it has been made or not; nothing outside is touched."""

import os
import sys
from pathlib import Path

import pytest
from small_models import write_small_model
from small_windows import sounding_windows

import prune_stores as script
from whisper_terms.encodings import COLUMNS as ENCODINGS
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


def test_a_file_that_is_being_written_stays(tmp_path):
    half, old = make(tmp_path / "store/.new.wav"), make(tmp_path / "store/.old.wav")
    os.utime(old, (0, 0))
    assert find_leftovers(tmp_path / "store", []).files == (old,)
    assert half.exists()


class TestScript:
    """A wav and an encoding that are used, one of each that are not, and a model."""

    @pytest.fixture
    def folder(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        windows = sounding_windows(tmp_path, 1)
        write_table("windows.tsv", COLUMNS, window_rows(windows))
        self.wav, self.shard = make(Path("speech/store/aa/1.wav")), Path("speech/terms/0001.tsv")
        write_table(self.shard, UTTERANCES, [{"audio": self.wav, "term_id": "here"}])
        self.term = make(Path("speech/term/here.wav"))
        write_small_model(Path("nano/base/checkpoint"))
        store, base = Path("nano/encodings/store"), weights_digest("nano/base/checkpoint")
        self.encoding = make(encoding_path(store, base, windows[0].id))
        self.table = Path("nano/encodings/packed.tsv")
        write_table(self.table, ENCODINGS, [{"window": windows[0].id, "file": self.encoding}])
        self.unused = [
            make(Path("speech/store/bb/2.wav")),
            make(Path("speech/term/gone.wav")),
            make(Path("speech/replay/0007.tsv")),
            make(encoding_path(store, base, "gone")),
        ]
        return tmp_path

    def run(self, monkeypatch, *more: str) -> None:
        arguments = f"prune --shards {self.shard} --speech speech --models nano {' '.join(more)}"
        monkeypatch.setattr(sys, "argv", arguments.split())
        script.main()

    def test_unused_files_go(self, folder, monkeypatch, capsys):
        self.run(monkeypatch, "--windows windows.tsv")
        kept = (self.wav, self.term, self.shard, self.encoding, self.table)
        assert all(path.exists() for path in kept)
        assert not any(path.exists() for path in self.unused)
        assert "speech/store: removing 1 files, 0.0 MB; 1 kept" in capsys.readouterr().out

    def test_a_table_that_names_what_is_gone_goes_too(self, folder, monkeypatch):
        rows = [{"window": "gone", "file": self.unused[-1]}]
        write_table(self.table, ENCODINGS, rows)
        self.run(monkeypatch, "--windows windows.tsv")
        assert not self.table.exists() and self.encoding.exists()

    @pytest.mark.parametrize("listed", [True, False])
    def test_copies_of_recordings_go_with_their_table(self, folder, monkeypatch, listed):
        """Else nothing would tell that they are missing when they are wanted again."""
        copy, other = make(Path("copies/store/aa/1.wav")), make(Path("copies/store/bb/2.wav"))
        table = Path("copies/replay.tsv")
        write_table(table, UTTERANCES, [{"audio": copy}])
        self.run(monkeypatch, "--copies copies", f"--recorded {table if listed else ''}")
        assert copy.exists() == table.exists() == listed
        assert not other.exists()

    def test_windows_of_the_models_own(self, folder, monkeypatch):
        """Those whose speech is in use are kept, though no other table has them."""
        own, base = sounding_windows(folder, 2, kind="term"), Path("nano/base/checkpoint")
        write_table("nano/windows/packed-misheard.tsv", COLUMNS, window_rows(own))
        Path("nano/windows/.packed-misheard.killed.tsv").touch()
        spoken = [{"audio": one.audio} for one in own[0].utterances]
        write_table(self.shard, UTTERANCES, [{"audio": self.wav}, *spoken])
        store, digest = Path("nano/encodings/store"), weights_digest(base)
        live, gone = (make(encoding_path(store, digest, one.id)) for one in own)
        tables = {
            name: Path(f"nano/encodings/{name}-misheard.tsv") for name in ("packed", "single")
        }
        write_table(tables["packed"], ENCODINGS, [{"window": own[0].id, "file": live}])
        write_table(tables["single"], ENCODINGS, [{"window": own[1].id, "file": gone}])
        self.run(monkeypatch, "--windows windows.tsv")
        assert live.exists() and tables["packed"].exists() and self.encoding.exists()
        assert not gone.exists() and not tables["single"].exists()

    def test_windows_of_another_model_keep_nothing(self, folder, monkeypatch):
        (window,) = sounding_windows(folder, 1, kind="term")
        write_table("other/windows/packed-misheard.tsv", COLUMNS, window_rows([window]))
        spoken = [{"audio": one.audio} for one in window.utterances]
        write_table(self.shard, UTTERANCES, [{"audio": self.wav}, *spoken])
        digest = weights_digest("nano/base/checkpoint")
        encoding = make(encoding_path(Path("nano/encodings/store"), digest, window.id))
        self.run(monkeypatch, "other --windows windows.tsv")
        assert not encoding.exists()

    def test_a_dry_run_removes_nothing(self, folder, monkeypatch, capsys):
        self.run(monkeypatch, "--windows windows.tsv --dry-run")
        assert all(path.exists() for path in self.unused)
        assert "would remove 1 files" in capsys.readouterr().out

    def test_encodings_of_unknown_windows_are_left_alone(self, folder, monkeypatch, capsys):
        self.run(monkeypatch)
        assert self.encoding.exists() and self.unused[-1].exists()
        assert "left alone" in capsys.readouterr().err

    def test_so_are_those_of_a_model_without_its_base(self, folder, monkeypatch, capsys):
        Path("nano/base/checkpoint").rename("elsewhere")
        self.run(monkeypatch, "--windows windows.tsv")
        assert self.unused[-1].exists()
        assert "left alone" in capsys.readouterr().err
