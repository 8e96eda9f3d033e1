"""The speech chain: how Open JTalk says a text, what is stored of it, and the scripts around it."""

import shutil
import sys
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import numpy as np
import pyopenjtalk
import pytest
import soundfile

import speak_term
import synthesise_replay
import synthesise_shard
from whisper_terms.config import CoquiSettings
from whisper_terms.errors import Fault, UserError
from whisper_terms.readings import settle_reading
from whisper_terms.sharding import shard_name, shard_of
from whisper_terms.speech import store as store_module
from whisper_terms.speech.engine import Replacement, SpokenText, Voice
from whisper_terms.speech.openjtalk import OpenJTalk, full_context_labels
from whisper_terms.speech.sound import SAMPLE_RATE, finish
from whisper_terms.speech.store import SpeechStore
from whisper_terms.speech.synthesis import make_engine, speak_all
from whisper_terms.tables import TERMS, UTTERANCES, read_table, write_table
from whisper_terms.utterances import Casting, Utterance

EMBEDDED = Path(str(files("pyopenjtalk") / "htsvoice" / "mei_normal.htsvoice"))
PLAIN = Voice("plain")
LOW = Voice("low", half_tone=-7, speed=0.8, vocal_tract=0.85)


def term(surface, reading):
    how = settle_reading(surface, reading)
    return Replacement(surface, how.reading, how.pronunciation)


def labels(text, *terms):
    return full_context_labels(SpokenText(text, terms))


def phonemes(text, *terms):
    """What is said, without silences; a devoiced vowel (capital) is a vowel."""
    said = [label.split("-", 1)[1].split("+", 1)[0] for label in labels(text, *terms)]
    return " ".join(phoneme.lower() for phoneme in said if phoneme not in ("sil", "pau"))


class TestPronunciation:
    def test_misread_kanji_are_said_by_their_reading(self):
        plain = phonemes("心窩部痛が続く。")
        assert plain.startswith("k o k o r o k a b u ts u u")
        said = phonemes("心窩部痛が続く。", term("心窩部痛", "シンカブツウ"))
        assert said == "sh i n k a b u ts u u g a ts u z u k u"

    def test_latin_letters_and_spaces(self):
        said = phonemes("ailia SDKを使う。", term("ailia SDK", "アイリアエスディーケー"))
        assert said == "a i r i a e s u d i i k e e o ts u k a u"

    def test_what_the_analyser_knows_keeps_its_accent(self):
        sentence = "坂道で動悸が激しくなり、動悸が続く。"
        assert labels(sentence, term("動悸", "ドウキ")) == pyopenjtalk.extract_fullcontext(sentence)
        # Written in kana it has another accent, so this is no empty claim.
        assert labels("動悸が続く。") != labels("ドーキが続く。")

    def test_a_devoiced_vowel_is_no_other_sound(self):
        assert labels("腹水です。", term("腹水", "フクスイ")) == labels("腹水です。")

    @pytest.mark.parametrize("surface", ["鼻血", "気を失う", "続く"])
    def test_kana_that_sound_alike_are_no_other_sound(self, surface):
        reading = {"鼻血": "ハナヂ", "気を失う": "キヲウシナウ", "続く": "ツヅク"}[surface]
        assert labels(surface, term(surface, reading)) == labels(surface)

    def test_every_mention_is_said(self):
        said = phonemes("心窩部痛と心窩部痛。", term("心窩部痛", "シンカブツウ"))
        assert said == "sh i n k a b u ts u u t o sh i n k a b u ts u u"

    def test_the_sound_elsewhere_in_the_sentence_does_not_count(self):
        # 胃 is said イ here; the い of 痛い is not to be taken for it.
        assert phonemes("胃が痛い。", Replacement("胃", "ウィ", "ウィ")).startswith("w i g a")
        assert phonemes("胃が痛い。", Replacement("痛", "イ", "イ")) == "i g a i i"

    def test_within_a_longer_word_it_is_not_taken_for_said(self):
        # 本 in 日本 is said ホン, but ニホン is one word: nothing shows which part of it is 本.
        assert phonemes("日本", Replacement("本", "ホン", "ホン")).endswith("h o n")

    @pytest.mark.parametrize(
        ("pronunciation", "said"),
        [("コウシ", "k o u sh i"), ("コーシ", "k o o sh i"), ("オウ", "o u"), ("ハ", "h a")],
    )
    @pytest.mark.parametrize("sentence", ["{}", "この{}は大きい。", "{}と{}"])
    def test_kana_are_said_as_they_stand(self, pronunciation, said, sentence):
        # Left alone, the analyser says このコウシは as コノコーシワ.
        how = Replacement("犢<子>", pronunciation, pronunciation)
        spoken = phonemes(sentence.format("犢<子>", "犢<子>"), how)
        assert spoken.count(said) == sentence.count("{}")

    def test_the_analyser_alone_would_say_it_otherwise(self):
        assert phonemes("このコウシは大きい。").startswith("k o n o k o o sh i")

    @pytest.mark.parametrize(
        "surface", ["<b>\"x\"</b>", "`$(rm -rf /)`", "';--", "a&b|c", "{term}", r"\d+.*", "😀"]
    )  # fmt: skip
    def test_markup_and_shell_are_text(self, surface):
        how = Replacement(surface, "ケンサ", "ケンサ")
        assert phonemes(f"これは{surface}です。", how) == "k o r e w a k e n s a d e s u"

    def test_a_term_inside_another(self):
        terms = term("腎盂腎炎", "ジンウジンエン"), term("腎炎", "ジンエン")
        assert phonemes("腎盂腎炎と腎炎。", *terms) == "j i n u j i n e n t o j i n e n"

    def test_terms_that_are_not_there(self):
        assert labels("今日は晴れです。", term("動悸", "ドウキ")) == labels("今日は晴れです。")

    def test_what_can_not_be_said_is_a_fault(self, monkeypatch):
        # An analyser that drops what it should say.
        real = pyopenjtalk.run_frontend
        monkeypatch.setattr(
            pyopenjtalk, "run_frontend", lambda text: real(text.replace("ケンサ", "ケサ"))
        )
        with pytest.raises(UserError, match="is not said with ケンサ") as error:
            labels("これは検<査>です。", Replacement("検<査>", "ケンサ", "ケンサ"))
        assert "reading" in error.value.faults[0].cure


@pytest.fixture(scope="module")
def engine():
    return OpenJTalk()


# Vowels mostly, in many pitches.
VOICED = SpokenText("ねえ、まあ、いいよね、もう")


def pitch(samples, rate):
    """The median fundamental frequency of loud frames of 40 ms, in Hz, by autocorrelation."""
    frames = samples[: len(samples) // (rate // 25) * (rate // 25)].reshape(-1, rate // 25)
    power = np.square(frames).mean(axis=1)
    return rate / float(
        np.median([period(frame, rate) for frame in frames[power > power.max() / 10]])
    )


def period(frame, rate):
    lags = range(rate // 700, rate // 120)
    alike = np.array([np.corrcoef(frame[:-lag], frame[lag:])[0, 1] for lag in lags])
    # The first peak that is about as high as the highest: not a multiple of the period.
    peaks = (
        (alike[1:-1] >= alike[:-2]) & (alike[1:-1] >= alike[2:]) & (alike[1:-1] > 0.9 * max(alike))
    )
    return lags[np.flatnonzero(peaks)[0] + 1]


def centroid(samples, rate):
    """The mean frequency of the spectrum, in Hz."""
    spectrum = np.abs(np.fft.rfft(samples))
    return float((np.fft.rfftfreq(len(samples), 1 / rate) * spectrum).sum() / spectrum.sum())


class TestEngine:
    def test_sound(self, engine):
        samples, rate = engine.speak(SpokenText("動悸"), PLAIN)
        assert (samples.dtype, samples.ndim, rate) == (np.float32, 1, 48_000)
        assert 0.3 < len(samples) / rate < 2
        assert 0.05 < np.abs(samples).max() < 3

    def test_a_voice_is_forgotten_after_use(self, engine):
        spoken = SpokenText("動悸")
        first, _ = engine.speak(spoken, PLAIN)
        low, _ = engine.speak(spoken, LOW)
        again, _ = engine.speak(spoken, PLAIN)
        assert np.array_equal(first, again)
        assert not np.array_equal(first[:5000], low[:5000])
        # And another engine says the same.
        assert np.array_equal(OpenJTalk().speak(spoken, PLAIN)[0], first)

    @pytest.mark.parametrize("half_tone", [-7, 5])
    def test_half_tones_change_pitch_alone(self, engine, half_tone):
        plain, rate = engine.speak(VOICED, PLAIN)
        other, _ = engine.speak(VOICED, Voice("other", half_tone=half_tone))
        change = pitch(other, rate) / pitch(plain, rate)
        assert change == pytest.approx(2 ** (half_tone / 12), rel=0.05)
        assert len(other) == len(plain)

    def test_speed(self, engine):
        plain, _ = engine.speak(SpokenText("心臓の検査"), PLAIN)
        fast, _ = engine.speak(SpokenText("心臓の検査"), Voice("fast", speed=1.25))
        assert len(fast) / len(plain) == pytest.approx(1 / 1.25, rel=0.1)

    @pytest.mark.parametrize("vocal_tract", [0.8, 1.25])
    def test_the_vocal_tract_leaves_pitch_and_speed(self, engine, vocal_tract):
        plain, rate = engine.speak(VOICED, PLAIN)
        other, claimed = engine.speak(VOICED, Voice("other", vocal_tract=vocal_tract))
        assert claimed == 48_000 * vocal_tract
        assert len(other) / claimed == pytest.approx(len(plain) / rate, rel=0.05)
        assert pitch(other, claimed) / pitch(plain, rate) == pytest.approx(1, rel=0.08)
        # Larger speakers have lower resonances.
        assert (centroid(other, claimed) < centroid(plain, rate)) == (vocal_tract < 1)

    @pytest.mark.parametrize("text", ["", "。", "…", "😀"])
    def test_silence_is_a_fault(self, engine, text):
        with pytest.raises(UserError, match="gives no sound"):
            engine.speak(SpokenText(text), PLAIN)

    def test_a_sound_that_overflows_is_a_fault_and_leaves_no_trace(self, engine):
        before, _ = engine.speak(SpokenText("動悸"), PLAIN)
        with pytest.raises(UserError, match="can't be spoken"):
            engine.speak(SpokenText("あ" * 80), PLAIN)
        assert np.array_equal(engine.speak(SpokenText("動悸"), PLAIN)[0], before)

    def test_faults_of_voice_files(self, engine, tmp_path):
        broken = tmp_path / "broken.htsvoice"
        broken.write_bytes(EMBEDDED.read_bytes()[:5000])
        with pytest.raises(UserError, match="is no usable voice"):
            engine.speak(SpokenText("動悸"), Voice("broken", str(broken)))
        with pytest.raises(UserError, match="no such voice file") as error:
            engine.speak(SpokenText("動悸"), Voice("absent", str(tmp_path / "absent.htsvoice")))
        assert "absent" in error.value.faults[0].cure

    def test_by_name(self):
        assert make_engine("openjtalk", CoquiSettings()).name == "openjtalk"


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
        def break_off(path, *arguments, **others):
            Path(path).write_bytes(b"RIFF half a fi")
            raise KeyboardInterrupt

        monkeypatch.setattr(soundfile, "write", break_off)
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
            arguments = f"--replay replay.txt --sentences 2 --shards {SHARDS} --output replay.tsv"
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
