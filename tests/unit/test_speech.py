"""The speech chain: what is stored of a text that is said, and the scripts around it."""

import shutil
import sys
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
import soundfile

import speak_term
import synthesise_replay
import synthesise_shard
from whisper_terms.errors import Fault, UserError
from whisper_terms.sharding import shard_name, shard_of
from whisper_terms.speech import store as store_module
from whisper_terms.speech.engine import Replacement, SpokenText, Voice
from whisper_terms.speech.openjtalk import OpenJTalk
from whisper_terms.speech.sound import SAMPLE_RATE, finish
from whisper_terms.speech.store import SpeechStore
from whisper_terms.speech.synthesis import speak_all
from whisper_terms.tables import TERMS, UTTERANCES, read_table, write_table
from whisper_terms.utterances import Casting, Utterance

EMBEDDED = Path(str(files("pyopenjtalk") / "htsvoice" / "mei_normal.htsvoice"))
PLAIN = Voice("plain")
LOW = Voice("low", half_tone=-7, speed=0.8, vocal_tract=0.85)


@pytest.fixture(scope="module")
def engine():
    return OpenJTalk()


def level(samples):
    return 20 * np.log10(np.sqrt(np.square(samples, dtype=np.float64).mean()))


def tone(seconds, rate=48_000, amplitude=0.5, hertz=220):
    time = np.arange(round(seconds * rate)) / rate
    return (amplitude * np.sin(2 * np.pi * hertz * time)).astype(np.float32)


def silence(seconds, rate=48_000):
    return np.zeros(round(seconds * rate), np.float32)


class TestFinish:
    @pytest.mark.parametrize("amplitude", [0.001, 0.5, 2.5])
    def test_loudness_is_set(self, amplitude):
        finished = finish(tone(1, amplitude=amplitude), 48_000, -23.0)
        assert finished.dtype == np.float32
        # Without the first and last frame, where the resampling filter rings.
        assert level(finished[640:-640]) == pytest.approx(-23.0, abs=0.1)

    def test_pauses_do_not_count(self):
        spoken = np.concatenate([tone(0.5), silence(3), tone(0.5)])
        finished = finish(spoken, 48_000, -23.0)
        assert level(finished[640:7000]) == pytest.approx(-23.0, abs=0.2)

    def test_it_never_clips(self):
        # Four times as loud for a hundredth of the time: the level must give way.
        spiky = np.concatenate([tone(1, amplitude=0.02), tone(0.01, amplitude=0.9), tone(1)])
        finished = finish(spiky, 48_000, -1.0)
        assert np.abs(finished).max() <= 0.9901
        assert np.abs(finished).max() > 0.98

    @pytest.mark.parametrize("rate", [16_000, 22_050, 39_360, 43_200, 48_000, 51_840, 60_001])
    def test_length_and_pitch_survive_resampling(self, rate):
        finished = finish(tone(1, rate), rate, -23.0)
        # Up to a frame more at either end.
        assert 0 <= len(finished) / SAMPLE_RATE - 1 < 0.041
        body = finished[:SAMPLE_RATE]
        assert np.argmax(np.abs(np.fft.rfft(body))) == pytest.approx(220, abs=1)

    def test_the_ends_are_trimmed_to_a_frame(self):
        spoken = np.concatenate([silence(0.7), tone(0.5), silence(0.3), tone(0.5), silence(1.1)])
        finished = finish(spoken, 48_000, -23.0)
        # The pause in the middle stays.
        assert 1.3 <= len(finished) / SAMPLE_RATE <= 1.3 + 0.081
        power = np.square(finished)
        assert power[:320].mean() < 1e-3 * power.max()
        assert power[640:960].mean() > 0.1 * power.max()

    def test_soft_ends_are_kept(self):
        # 40 dB below the rest: breath, or a closing consonant.
        spoken = np.concatenate([tone(0.5, amplitude=0.005), tone(0.5), silence(0.5)])
        assert len(finish(spoken, 48_000, -23.0)) / SAMPLE_RATE >= 1.0

    def test_silence_stays_silent(self):
        assert not finish(silence(0.1), 48_000, -23.0).any()


@dataclass
class Beeper:
    """An engine that counts how often it speaks."""

    name: str = "beeper"
    version: str = "1"
    calls: int = 0

    def speak(self, spoken, voice):
        self.calls += 1
        if spoken.text == "!":
            raise UserError(Fault("can't be spoken", value="!"))
        return tone(0.2, hertz=200 + 10 * len(spoken.text) + voice.half_tone), 48_000

    def voice_digest(self, voice):
        return voice.file


@pytest.fixture
def store(tmp_path):
    return SpeechStore(tmp_path / "store", Beeper(), -23.0)


def wavs(store):
    return sorted(path for path in store.directory.rglob("*") if path.is_file())


class TestStore:
    SPOKEN = SpokenText("痙攣", (Replacement("痙攣", "ケイレン", "ケーレン"),))

    def test_spoken_once(self, store):
        path = store.utterance(self.SPOKEN, PLAIN)
        before = path.stat().st_mtime_ns
        assert store.utterance(self.SPOKEN, PLAIN) == path == store.path(self.SPOKEN, PLAIN)
        assert path.stat().st_mtime_ns == before
        assert (store.made, store.found, store.engine.calls) == (1, 1, 1)
        info = soundfile.info(path)
        assert (info.samplerate, info.channels, info.subtype) == (16_000, 1, "PCM_16")

    def test_another_run_finds_it(self, store):
        path = store.utterance(self.SPOKEN, PLAIN)
        other = SpeechStore(store.directory, Beeper(), -23.0)
        assert other.utterance(self.SPOKEN, PLAIN) == path
        assert (other.made, other.found) == (0, 1)

    def test_what_lost_its_content_is_spoken_again(self, store):
        path = store.utterance(self.SPOKEN, PLAIN)
        content = path.read_bytes()
        path.write_bytes(b"")
        assert store.utterance(self.SPOKEN, PLAIN) == path
        assert path.read_bytes() == content

    def test_the_voice_s_name_is_no_sound(self, store):
        assert store.path(self.SPOKEN, PLAIN) == store.path(self.SPOKEN, Voice("renamed"))

    @pytest.mark.parametrize(
        "voice",
        [Voice("a", half_tone=1), Voice("a", speed=1.1), Voice("a", vocal_tract=0.9),
         Voice("a", file="b")],
    )  # fmt: skip
    def test_the_voice_s_sound_is(self, store, voice):
        assert store.path(self.SPOKEN, voice) != store.path(self.SPOKEN, PLAIN)

    @pytest.mark.parametrize(
        "spoken",
        [SpokenText("痙攣"), SpokenText("痙攣。", SPOKEN.replacements),
         SpokenText("痙攣", (Replacement("痙攣", "ケイレン", "ケイレン"),))],
    )  # fmt: skip
    def test_so_are_text_and_pronunciation(self, store, spoken):
        assert store.path(spoken, PLAIN) != store.path(self.SPOKEN, PLAIN)

    def test_so_are_loudness_engine_and_processing(self, store, monkeypatch):
        path = store.path(self.SPOKEN, PLAIN)
        others = [
            SpeechStore(store.directory, Beeper(), -20.0),
            SpeechStore(store.directory, Beeper(version="2"), -23.0),
            SpeechStore(store.directory, Beeper(name="other"), -23.0),
        ]
        assert len({path, *(other.path(self.SPOKEN, PLAIN) for other in others)}) == 4
        monkeypatch.setattr(store_module, "_PROCESSING", -1)
        assert store.path(self.SPOKEN, PLAIN) != path

    def test_names_hold_nothing_of_the_text(self, store):
        spoken = SpokenText("../../etc/<b>`$(rm)`")
        path = store.utterance(spoken, PLAIN)
        assert path.resolve().is_relative_to(store.directory.resolve())
        assert set(path.stem) <= set("0123456789abcdef")
        assert len(path.stem) == 32

    def test_a_failure_leaves_nothing(self, store, monkeypatch):
        def break_off(path, content):
            with path.open("wb") as out:
                out.write(b"RIFF half a fi")
            raise KeyboardInterrupt

        monkeypatch.setattr(Path, "write_bytes", break_off)
        with pytest.raises(KeyboardInterrupt):
            store.utterance(self.SPOKEN, PLAIN)
        assert wavs(store) == []
        assert store.made == 0

    def test_a_voice_file_counts_by_its_content(self, tmp_path, engine):
        copy, other = tmp_path / "copy.htsvoice", tmp_path / "other.htsvoice"
        shutil.copyfile(EMBEDDED, copy)
        other.write_bytes(EMBEDDED.read_bytes() + b"\n")
        store = SpeechStore(tmp_path / "store", engine, -23.0)
        embedded = store.path(self.SPOKEN, PLAIN)
        assert store.path(self.SPOKEN, Voice("copy", str(copy))) == embedded
        assert store.path(self.SPOKEN, Voice("other", str(other))) != embedded


class TestSpeakAll:
    def plan(self, *texts):
        return [
            Utterance(SpokenText(text), Voice("one"), "train", "context", "t1", "ケイレン")
            for text in texts
        ]

    def test_rows(self, store):
        rows = speak_all(self.plan("痙攣", "動悸です"), store)
        assert [row["text"] for row in rows] == ["痙攣", "動悸です"]
        assert set(rows[0]) == set(UTTERANCES)
        for row in rows:
            assert Path(row["audio"]).is_file()
            frames = soundfile.info(row["audio"]).frames
            assert row["seconds"] == f"{frames / 16_000:.3f}"
        assert (rows[0]["voice"], rows[0]["engine"], rows[0]["split"]) == ("one", "beeper", "train")

    def test_all_faults_once_and_the_rest_is_spoken(self, store):
        with pytest.raises(UserError) as error:
            speak_all(self.plan("!", "痙攣", "!"), store)
        assert len(error.value.faults) == 1
        assert len(wavs(store)) == 1

    def test_an_edit_speaks_what_changed(self, store):
        speak_all(self.plan("痙攣", "動悸", "浮腫"), store)
        speak_all(self.plan("痙攣", "喀痰", "浮腫"), store)
        assert (store.made, store.found) == (4, 2)


CASTING = Casting((PLAIN, LOW), (Voice("held-out", half_tone=3),), 1, 1, 0.5)
TERM_ROWS = [
    dict(zip("term_id surface reading pronunciation".split(), values.split(), strict=True))
    for values in ("t0000000001 痙攣 ケイレン ケーレン", "t0000000002 動悸 ドウキ ドーキ")
]
SHARDS = 2


class TestScripts:
    @pytest.fixture
    def folder(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        self.write_terms(TERM_ROWS)
        Path("carriers.tsv").write_text("class\ttemplate\ngeneral\t{term}だ\ngeneral\tまた{term}\n")
        Path("replay.txt").write_text("晴れだ。\n雨だ。\n駅だ。\n")
        return monkeypatch

    def write_terms(self, rows):
        rows = [{"class": "general", "weight": "1.0", "row": "2"} | row for row in rows]
        write_table("terms.tsv", TERMS, rows)

    def call(self, folder, script, *arguments):
        speech = ["--casting", CASTING.to_json(), "--store", "store"]
        folder.setattr(sys, "argv", [script.__name__, *arguments, *speech])
        script.main()

    def shard(self, folder, name, output="shard.tsv"):
        self.call(
            folder, synthesise_shard,
            *f"--terms terms.tsv --carriers carriers.tsv --shards {SHARDS}".split(),
            *"--replay replay.txt --first 2".split(),
            *f"--shard {name} --output {output}".split(),
        )  # fmt: skip
        return read_table(output)

    def test_shards_divide_the_terms(self, folder):
        names = [shard_name(number) for number in range(SHARDS)]
        for name in names:
            rows = self.shard(folder, name)
            expected = {
                row["term_id"]
                for row in TERM_ROWS
                if shard_name(shard_of(row["term_id"], SHARDS)) == name
            }
            assert {row["term_id"] for row in rows} == expected
            for term_id in expected:
                of_term = [row for row in rows if row["term_id"] == term_id]
                assert [row["kind"] for row in of_term] == ["term", "context", "context"]
                assert [row["split"] for row in of_term] == ["train", "train", "dev"]
            assert all(Path(row["audio"]).is_file() for row in rows)

    def test_an_edited_term_leaves_the_others_as_they_are(self, folder, capsys):
        name = shard_name(shard_of("t0000000001", SHARDS))
        mates = [row for row in TERM_ROWS if shard_name(shard_of(row["term_id"], SHARDS)) == name]
        before = self.shard(folder, name)
        edited = TERM_ROWS[0] | {"reading": "ケイリャク", "pronunciation": "ケーリャク"}
        self.write_terms([edited, *TERM_ROWS[1:]])
        capsys.readouterr()
        after = self.shard(folder, name)
        assert f"3 utterances spoken, {3 * (len(mates) - 1)} were there" in capsys.readouterr().err
        same = {row["audio"] for row in before} & {row["audio"] for row in after}
        assert same == {row["audio"] for row in before if row["term_id"] != "t0000000001"}

    def test_replay_shards_divide_the_sentences(self, folder):
        texts = []
        for number in range(SHARDS):
            arguments = f"--replay replay.txt --first 2 --shards {SHARDS} --output replay.tsv"
            self.call(folder, synthesise_replay, *arguments.split(), "--shard", shard_name(number))
            rows = read_table("replay.tsv", UTTERANCES)
            assert all(shard_of(row["text"], SHARDS) == number for row in rows)
            assert {(row["kind"], row["term_id"]) for row in rows} <= {("replay", "")}
            texts += [row["text"] for row in rows]
        assert sorted(texts) == sorted(["晴れだ。", "雨だ。"])

    def test_one_term_to_listen_to(self, folder):
        arguments = "--terms terms.tsv --term-id t0000000002 --output listen/動悸.wav".split()
        self.call(folder, speak_term, *arguments)
        lone = [row for row in self.shard(folder, shard_name(shard_of("t0000000002", SHARDS)))
                if row["term_id"] == "t0000000002" and row["kind"] == "term"]  # fmt: skip
        assert Path("listen/動悸.wav").read_bytes() == Path(lone[0]["audio"]).read_bytes()

    def test_an_unknown_term(self, folder):
        with pytest.raises(UserError, match="has no such term"):
            self.call(folder, speak_term, *"--terms terms.tsv --term-id t9 --output x.wav".split())
        assert not Path("x.wav").exists()
