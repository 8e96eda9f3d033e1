"""The user's own recordings as replay: what is refused, what is left out, and what is listed."""

import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from small_windows import write_tone

import gather_replay as script
from whisper_terms.errors import UserError
from whisper_terms.manifest import build_manifest
from whisper_terms.recorded_replay import check_recordings, copy_recordings, utterance_rows
from whisper_terms.recordings import read_recordings
from whisper_terms.replay import read_replay_recordings
from whisper_terms.scoring.lexicon import Lexicon
from whisper_terms.tables import UTTERANCES, read_table
from whisper_terms.windows import PackingRules, pack


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_tone(Path("tested.wav"), 1, 900)
    write_list("test.tsv", [("tested.wav", "痙攣です。", "terms")], "audio text test_set")
    return tmp_path


def write_list(path, rows, header="audio text"):
    lines = [header.split(), *rows]
    Path(path).write_text("".join("\t".join(line) + "\n" for line in lines))


def record(rows):
    """A table of recordings that exist, each with a sound of its own."""
    for number, (audio, _) in enumerate(rows):
        write_tone(Path(audio), 1, 200 + 10 * number)
    write_list("mine.tsv", rows)
    return read()


def read():
    return read_replay_recordings(["mine.tsv"], of_tests())


def of_tests():
    return read_recordings(["test.tsv"])


def faults(action):
    with pytest.raises(UserError) as error:
        action()
    return [(str(one.file), one.row, one.problem) for one in error.value.faults]


class TestTables:
    def test_a_transcript_may_be_missing_and_so_may_the_test_set(self, folder):
        one, two = record([("a.wav", "今日は晴れです。"), ("b.wav", "")])
        assert (one.audio, one.text, two.text) == (Path("a.wav"), "今日は晴れです。", "")
        write_list("mine.tsv", [("a.wav", "晴れ", "all")], "audio text test_set")
        assert [one.text for one in read()] == ["晴れ"]

    def test_a_test_recording_is_refused_and_both_rows_are_named(self, folder):
        record([("a.wav", "晴れ")])
        write_list("mine.tsv", [("a.wav", "晴れ"), ("./tested.wav", "")])
        ((file, row, problem),) = faults(read)
        assert (file, row) == ("mine.tsv", 3)
        assert "is a test recording, test.tsv:2" in problem

    def test_all_faults_are_told_at_once(self, folder):
        record([("a.wav", "")])
        write_list("mine.tsv", [("a.wav", ""), ("a.wav", ""), ("no.wav", ""), ("", "晴れ")])
        assert faults(read) == [
            ("mine.tsv", 4, "no such audio file"),
            ("mine.tsv", 5, "names no audio file"),
            ("mine.tsv", 3, "this audio is listed twice"),
        ]


class TestChecks:
    def check(self, recordings, seconds=30.0, tokens=440):
        return lambda: check_recordings(recordings, of_tests(), seconds, tokens)

    def test_good_ones_pass(self, folder):
        self.check(record([("a.wav", "晴れ"), ("b.wav", "")]), seconds=1.0)()

    def test_what_is_longer_than_a_window(self, folder):
        recordings = record([("a.wav", ""), ("b.wav", "")])
        write_tone(Path("b.wav"), 30.01)
        assert faults(self.check(recordings)) == [
            ("mine.tsv", 3, "is 30.01 s long, but a window has 30 s (windows.seconds)")
        ]

    def test_a_copy_of_a_test_recording(self, folder):
        recordings = record([("a.wav", "晴れ")])
        Path("a.wav").write_bytes(Path("tested.wav").read_bytes())
        ((file, row, problem),) = faults(self.check(recordings))
        assert (file, row) == ("mine.tsv", 2) and "test.tsv:2" in problem

    def test_what_is_no_audio(self, folder):
        recordings = record([("a.wav", ""), ("b.wav", "")])
        Path("a.wav").write_text("Dear diary\n" * 100)
        soundfile.write("b.wav", np.zeros(0), 16_000)
        (_, row, problem), (_, other, silent) = faults(self.check(recordings))
        assert (row, other) == (2, 3)
        assert "can't be read as audio" in problem and silent == "the audio has no samples"

    @pytest.mark.parametrize("becomes", [Path.unlink, lambda path: (path.unlink(), path.mkdir())])
    def test_test_recordings_that_cannot_be_read(self, folder, becomes):
        recordings, tested = record([("a.wav", ""), ("b.wav", "")]), of_tests()
        Path("b.wav").write_text("Dear diary\n" * 100)
        becomes(Path("tested.wav"))
        (file, row, problem), (_, other, _) = faults(
            lambda: check_recordings(recordings, tested, 30.0, 440)
        )
        assert (file, row, other) == ("test.tsv", 2, 3)
        assert "can't be read as audio" in problem

    def test_a_transcript_that_no_label_holds(self, folder):
        # 300 bytes of UTF-8 and fewer tokens: what counts is tokens.
        recordings = record([("a.wav", "今日は晴れです。よ" * 11)])
        self.check(recordings, tokens=200)()
        ((_, row, problem),) = faults(self.check(recordings, tokens=60))
        assert row == 2 and "tokens, too many for a label" in problem


class TestCopies:
    def test_the_copy_is_what_whisper_hears_and_the_recording_stays(self, folder):
        record([("a.wav", "晴れ")])
        noise = np.random.default_rng(0).normal(0, 0.1, (44_100, 2))
        soundfile.write("a.wav", noise, 44_100)
        before = Path("a.wav").read_bytes()
        (one,) = copy_recordings(read(), Path("store"))
        info = soundfile.info(str(one.audio))
        assert (info.samplerate, info.channels, info.frames) == (16_000, 1, 16_000)
        assert one.seconds == 1.0
        assert Path("a.wav").read_bytes() == before

    def test_the_name_follows_the_sound(self, folder):
        recordings = record([("a.wav", "晴れ"), ("b.wav", "雨")])
        first = [one.audio for one in copy_recordings(recordings, Path("store"))]
        Path("a.wav").rename("c.wav")
        write_tone(Path("b.wav"), 1, 777)
        write_list("mine.tsv", [("c.wav", "晴れ"), ("b.wav", "雨")])
        second = [one.audio for one in copy_recordings(read(), Path("store"))]
        assert second[0] == first[0] and second[1] != first[1]

    def test_a_copy_is_made_once(self, folder):
        recordings = record([("a.wav", "晴れ")])
        (one,) = copy_recordings(recordings, Path("store"))
        made = one.audio.stat().st_mtime_ns
        copy_recordings(recordings, Path("store"))
        assert one.audio.stat().st_mtime_ns == made


class TestRows:
    def rows(self, texts, held_out=0.2):
        recordings = record([(f"{number}.wav", text) for number, text in enumerate(texts)])
        return [*utterance_rows(copy_recordings(recordings, Path("store")), held_out)]

    def test_with_and_without_a_transcript_both_splits_have_some(self, folder):
        rows = self.rows([f"{number}番です。" for number in range(10)] + [""] * 10)
        assert {row["kind"] for row in rows} == {"replay"}
        known = [row["split"] for row in rows if row["text"]]
        unknown = [row["split"] for row in rows if not row["text"]]
        assert [(one.count("dev"), one.count("train")) for one in (known, unknown)] == [(2, 8)] * 2

    def test_one_alone_is_trained_on(self, folder):
        assert [row["split"] for row in self.rows(["晴れ", ""])] == ["train", "train"]

    def test_a_sentence_is_in_one_split(self, folder):
        rows = self.rows([f"{number % 5}番です。" for number in range(20)])
        assert len({(row["text"], row["split"]) for row in rows}) == 5

    def test_no_row_of_the_manifest_says_what_is_tested(self, folder):
        rows = self.rows(["痙攣です", "晴れです。", ""])
        kept = build_manifest(rows, [one.text for one in of_tests()], Lexicon(())).rows
        # What has no transcript is not taken for silence, nor for the end of a sentence.
        assert [row["text"] for row in kept] == ["", "晴れです。"]


class TestPacking:
    RULES = PackingRules(seconds=30.0, gap=(0.2, 0.8), max_tokens=440, most=10**6)

    def row(self, number, seconds, text=""):
        return {
            "audio": f"store/{number}.wav",
            "text": text,
            "seconds": f"{seconds:.3f}",
            "split": "train",
            "kind": "replay",
            "term_id": "",
            "voice": "recording",
            "engine": "recording",
        }

    def test_what_has_no_transcript_shares_windows_with_its_like_alone(self):
        rows = [self.row(number, 3.0, f"{number}番" * (number % 2)) for number in range(12)]
        windows = pack(rows, self.RULES, 1)
        assert sum(len(one.utterances) for one in windows) == 12
        assert len(windows) < 6
        for window in windows:
            assert len({bool(one.text) for one in window.utterances}) == 1
            assert window.is_labelled is bool(window.utterances[0].text)

    # 30 s of fast speech, whose bytes would exceed any label.
    @pytest.mark.parametrize("text", ["", "話すのが速い人です。" * 25], ids=["unknown", "long"])
    @pytest.mark.parametrize("most", [440, 64])
    def test_every_recording_finds_its_place(self, text, most):
        rules = PackingRules(30.0, (0.2, 0.8), most, 10**6)
        ((one,),) = [window.utterances for window in pack([self.row(1, 30.0, text)], rules, 4)]
        assert one.start == 0.0

    def test_labels_of_what_nobody_wrote_down_are_not_crowded(self):
        windows = pack([self.row(number, 5.0) for number in range(20)], self.RULES, 1)
        rules = PackingRules(30.0, (0.2, 0.8), 130, 10**6)
        assert len(pack([self.row(number, 5.0) for number in range(20)], rules, 1)) > len(windows)


class TestScript:
    def run(self, monkeypatch, rows, *more):
        record(rows)
        Path("terms.csv").write_text("surface,reading,aliases\n痙攣,ケイレン,ケイレン|けいれん\n")
        arguments = "gather --replay mine.tsv --recordings test.tsv --dictionary terms.csv"
        arguments += " --held-out 0.5 --store copies --output out.tsv"
        monkeypatch.setattr(sys, "argv", [*arguments.split(), *more])
        script.main()
        return read_table("out.tsv", UTTERANCES)

    def test_recordings_with_a_term_are_left_out_and_named(self, folder, monkeypatch, capsys):
        rows = [("a.wav", "晴れ"), ("b.wav", "足がけいれんした"), ("c.wav", "痙攣"), ("d.wav", "")]
        kept = self.run(monkeypatch, rows)
        assert [row["text"] for row in kept] == ["晴れ", ""]
        told = capsys.readouterr().err
        assert "2 recordings left out: a term is said in them" in told
        assert "mine.tsv:3: holds a term" in told and "mine.tsv:4: holds a term" in told

    def test_nothing_but_terms_is_an_error(self, folder, monkeypatch):
        with pytest.raises(UserError, match="every recording holds a term"):
            self.run(monkeypatch, [("a.wav", "痙攣")])

    def test_faults_come_before_any_copy(self, folder, monkeypatch):
        with pytest.raises(UserError, match=r"mine\.tsv:2: is 1\.00 s long"):
            self.run(monkeypatch, [("a.wav", "晴れ")], "--seconds", "0.9")
        assert not Path("copies").exists()
