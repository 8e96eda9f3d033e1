"""How Open JTalk says a text, and how voices differ."""

from importlib.resources import files
from pathlib import Path

import numpy as np
import pyopenjtalk
import pytest

from whisper_terms.config import CoquiSettings
from whisper_terms.errors import UserError
from whisper_terms.readings import settle_reading
from whisper_terms.speech.engine import Replacement, SpokenText, Voice
from whisper_terms.speech.openjtalk import OpenJTalk, full_context_labels
from whisper_terms.speech.synthesis import make_engine

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
