"""The Coqui engine: its text and its errors anywhere, its sound where TTS is installed."""

import importlib.util
import json
import re
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import yaml

from whisper_terms.config.speech import CoquiSettings
from whisper_terms.errors import UserError
from whisper_terms.speech import coqui
from whisper_terms.speech.coqui import CoquiEngine, choose_speaker, replace_surfaces
from whisper_terms.speech.engine import Replacement, SpokenText, Voice

ENVS = Path(__file__).resolve().parents[2] / "envs"
VOICE = Voice("kokoro")


def say(text, *terms):
    return SpokenText(text, tuple(Replacement(*term) for term in terms))


DYSPHAGIA = ("嚥下障害", "エンゲショウガイ", "エンゲショーガイ")
TERM = say("嚥下障害", DYSPHAGIA)
RATE = 22050
needs_tts = pytest.mark.skipif(
    importlib.util.find_spec("TTS") is None,
    reason="Coqui TTS is not installed here (make coqui)",
)

# ---------------------------------------------------------------------------------------------
# Anywhere


def test_each_surface_becomes_its_pronunciation():
    spoken = say("心窩部痛と嚥下障害", ("心窩部痛", "シンカブツウ", "シンカブツー"), DYSPHAGIA)
    assert replace_surfaces(spoken) == "シンカブツーとエンゲショーガイ"


def test_the_longer_surface_wins():
    spoken = say("肺炎球菌", ("肺炎", "ハイエン", ""), ("肺炎球菌", "ハイエンキューキン", ""))
    assert replace_surfaces(spoken) == "ハイエンキューキン"


def test_the_reading_stands_in_for_a_missing_pronunciation_without_its_separators():
    spoken = say("SDK", ("SDK", "エス・ディー ケー", ""))
    assert replace_surfaces(spoken) == "エスディーケー"


@pytest.mark.parametrize("terms", [(), (("嚥下", "", ""),), (("", "エンゲ", "エンゲ"),)])
def test_text_without_a_usable_replacement_stays(terms):
    assert replace_surfaces(say("嚥下する", *terms)) == "嚥下する"


def test_surfaces_and_pronunciations_are_no_patterns():
    assert replace_surfaces(say("C++ (a.b)", ("C++", r"\1シー", ""))) == r"\1シー (a.b)"


def test_a_fence_marks_what_is_to_be_taken_as_it_stands():
    assert coqui.FENCED.split(replace_surfaces(TERM, fence=True)) == ["", "エンゲショーガイ", ""]


def test_every_wrong_file_is_named_at_once(tmp_path):
    settings = CoquiSettings(
        model_file=str(tmp_path / "none.pth"), vocoder_config=str(tmp_path / "none.json")
    )
    with pytest.raises(UserError) as caught:
        CoquiEngine(settings)
    message = str(caught.value)
    for part in ("none.pth: no such file", "none.json: no such file", "given without config_file"):
        assert part in message
    assert "vocoder_config is given without vocoder_file" in message


def test_no_model_at_all_is_an_error():
    with pytest.raises(UserError, match="names no model"):
        CoquiEngine(CoquiSettings(model=""))


def test_a_missing_library_is_said_with_its_cure(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UserError, match="not installed") as caught:
        CoquiEngine(CoquiSettings())
    assert "make coqui" in str(caught.value)


def test_a_single_speaker_needs_no_name():
    assert choose_speaker(SimpleNamespace(speaker_manager=None), VOICE) is None
    with pytest.raises(UserError, match="leave the voice's file empty"):
        choose_speaker(SimpleNamespace(speaker_manager=None), Voice("mei", "mei.htsvoice"))


def test_one_of_several_speakers_must_be_named():
    manager = SimpleNamespace(speaker_names=["hanako", "taro"])
    model = SimpleNamespace(speaker_manager=manager)
    assert choose_speaker(model, Voice("a", "taro")) == "taro"
    for name in ("", "tarou"):
        with pytest.raises(UserError, match=r"for example .*taro"):
            choose_speaker(model, Voice("a", name))


@pytest.fixture
def silent_engine(monkeypatch):
    """An engine around a model of one symbol a character; `waves` is what it will say in turn."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: object())
    engine = CoquiEngine(CoquiSettings())
    marks = SimpleNamespace(pad="_", bos=None, eos="~", blank=None, char_to_id=ord)
    tokenizer = SimpleNamespace(
        phonemizer=None,
        characters=marks,
        text_to_ids=lambda text: [ord(sign) for sign in f"{text.replace('無', '')}~"],
    )
    model = SimpleNamespace(
        tokenizer=tokenizer, length_scale=1.0, args=SimpleNamespace(length_scale=1.2)
    )
    engine.__dict__["_synthesizer"] = SimpleNamespace(tts_model=model, output_sample_rate=RATE)

    def answer(*waves):
        remaining = [np.asarray(wave, dtype=np.float32) for wave in waves]
        monkeypatch.setattr(coqui, "_synthesize", lambda *given: remaining.pop(0))
        return remaining

    return engine, model, answer


@pytest.mark.parametrize(
    ("wave", "problem"),
    [
        ([], "empty"),
        ([0.0], "empty"),
        (np.zeros(RATE), "empty"),
        (np.full(RATE, np.nan), "not finite"),
        (np.full(RATE, np.inf), "not finite"),
    ],
)
def test_a_broken_sound_is_an_error(silent_engine, wave, problem):
    engine, _, answer = silent_engine
    answer(wave)
    with pytest.raises(UserError, match=problem) as caught:
        engine.speak(TERM, VOICE)
    assert "嚥下障害" in str(caught.value)


def test_a_text_without_any_symbol_is_an_error(silent_engine):
    with pytest.raises(UserError, match="no symbol"):
        silent_engine[0].speak(SpokenText("無"), VOICE)


def test_a_voice_that_never_stops_is_tried_again_and_then_given_up(silent_engine):
    engine, _, answer = silent_engine
    babble, word = np.full(60 * RATE, 0.1), np.full(RATE, 0.1)
    rest = answer(babble, word, word)
    assert len(engine.speak(TERM, VOICE)[0]) == RATE
    assert len(rest) == 1
    answer(babble, babble, babble)
    with pytest.raises(UserError, match="did not stop"):
        engine.speak(TERM, VOICE)


def test_a_loud_sound_is_scaled_into_range(silent_engine):
    engine, _, answer = silent_engine
    answer(np.linspace(-4, 2, RATE))
    wave, rate = engine.speak(TERM, VOICE)
    assert (wave.min(), wave.dtype, rate) == (-1.0, np.float32, RATE)


def test_speed_scales_the_models_own_length_and_does_not_add_up(silent_engine):
    engine, model, answer = silent_engine
    answer(*[np.ones(RATE)] * 2)
    for _ in range(2):
        engine.speak(TERM, Voice("fast", speed=2.0))
        assert model.length_scale == pytest.approx(0.6)


def test_the_store_tells_speakers_apart(silent_engine):
    engine = silent_engine[0]
    assert engine.voice_digest(Voice("a", "taro")) != engine.voice_digest(Voice("a", "hanako"))


def test_both_environments_pin_the_same_versions():
    lines = (ENVS / "requirements-coqui.txt").read_text().splitlines()
    pins = [line for line in lines if line and not line.startswith("#")]
    conda = yaml.safe_load((ENVS / "speech-coqui.yaml").read_text())
    assert conda["dependencies"][-1]["pip"] == pins
    assert all(re.fullmatch(r"[\w-]+(\[\w+\])?==[\d.]+", pin) for pin in pins)


# ---------------------------------------------------------------------------------------------
# With the library


@pytest.fixture(scope="module")
def tacotron(tmp_path_factory):
    """A Tacotron2 with the Kokoro model's alphabet and random weights, saved as the library does.

    Its widths are fixed in the library (100 MB), so it goes as soon as the module is done.
    """
    import torch
    from trainer.io import save_model
    from TTS.tts.configs.shared_configs import CharactersConfig
    from TTS.tts.configs.tacotron2_config import Tacotron2Config
    from TTS.tts.models import setup_model

    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
    marks = "!'(),-.:;? "
    config = Tacotron2Config(
        r=2,
        max_decoder_steps=20,
        use_phonemes=True,
        phonemizer="ja_jp_phonemizer",
        phoneme_language="ja-jp",
        text_cleaner="basic_cleaners",
        characters=CharactersConfig(
            pad="_", eos="~", bos="^", characters=letters + marks, punctuations=marks,
            phonemes=letters,
        ),
    )  # fmt: skip
    config.audio.sample_rate = RATE
    config.audio.do_trim_silence = False
    config.audio.griffin_lim_iters = 10
    folder = tmp_path_factory.mktemp("tacotron")
    torch.manual_seed(0)
    model = setup_model(config)
    config.save_json(folder / "config.json")
    save_model(config, model, folder / "model.pth", current_step=1, epoch=1)
    yield CoquiSettings(
        model_file=str(folder / "model.pth"), config_file=str(folder / "config.json")
    )
    (folder / "model.pth").unlink()


@pytest.fixture(scope="module")
def vocoder(tmp_path_factory):
    """A small HiFi-GAN with random weights, as settings of a vocoder by path."""
    import torch
    from trainer.io import save_model
    from TTS.vocoder.configs import HifiganConfig
    from TTS.vocoder.models import setup_model

    config = HifiganConfig(
        generator_model_params={
            "upsample_factors": [8, 8, 4],
            "upsample_kernel_sizes": [16, 16, 8],
            "upsample_initial_channel": 16,
            "resblock_kernel_sizes": [3],
            "resblock_dilation_sizes": [[1, 3, 5]],
            "resblock_type": "1",
        }
    )
    config.audio.sample_rate = RATE
    folder = tmp_path_factory.mktemp("vocoder")
    torch.manual_seed(0)
    config.save_json(folder / "vocoder.json")
    save_model(config, setup_model(config), folder / "vocoder.pth", current_step=1, epoch=1)
    yield {
        "vocoder_file": str(folder / "vocoder.pth"),
        "vocoder_config": str(folder / "vocoder.json"),
    }
    (folder / "vocoder.pth").unlink()


@pytest.fixture(scope="module")
def engine(tacotron):
    return CoquiEngine(tacotron)


def check_sound(wave, rate):
    assert (wave.dtype, wave.ndim, rate) == (np.float32, 1, RATE)
    assert np.isfinite(wave).all()
    assert 0.1 * RATE < len(wave) < 2 * RATE
    assert 0 < np.abs(wave).max() <= 1


@needs_tts
@pytest.mark.coqui
def test_tacotron_speaks_by_griffin_lim_and_prints_nothing(engine, capsys):
    wave, rate = engine.speak(TERM, VOICE)
    check_sound(wave, rate)
    # The library's own half second of zeros is not part of the utterance.
    assert wave[-100:].any()
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "")


@needs_tts
@pytest.mark.coqui
def test_the_same_text_sounds_the_same_and_another_one_does_not(engine, tacotron):
    first, _ = engine.speak(TERM, VOICE)
    other, _ = engine.speak(SpokenText("患者は元気です。"), VOICE)
    again, _ = engine.speak(TERM, VOICE)
    afresh, _ = CoquiEngine(tacotron).speak(TERM, VOICE)
    np.testing.assert_array_equal(first, again)
    np.testing.assert_array_equal(first, afresh)
    assert first.shape != other.shape or not np.array_equal(first, other)


@needs_tts
@pytest.mark.coqui
def test_a_vocoder_from_a_file_makes_the_sound(tacotron, vocoder, engine):
    settings = tacotron.model_copy(update=vocoder)
    voiced = CoquiEngine(settings)
    wave, rate = voiced.speak(TERM, VOICE)
    check_sound(wave, rate)
    np.testing.assert_array_equal(wave, voiced.speak(TERM, VOICE)[0])
    assert not np.array_equal(wave, engine.speak(TERM, VOICE)[0])
    assert voiced.version != engine.version


@needs_tts
@pytest.mark.coqui
def test_pronunciations_reach_the_model_as_they_are_and_the_rest_is_read(engine):
    phonemizer = engine._synthesizer.tts_model.tokenizer.phonemizer
    spoken = say("患者は子牛を見た。", ("子牛", "コウシ", "コウシ"))
    # Unfenced, コウシ is looked up again and read コーシ; は and を outside are particles.
    assert "ko:shi" in phonemizer.phonemize(replace_surfaces(spoken), separator="")
    fenced = phonemizer.phonemize(replace_surfaces(spoken, fence=True), separator="")
    assert fenced == "kaNjawakoushiomita."


@needs_tts
@pytest.mark.coqui
def test_the_version_follows_the_files_content_not_their_place(tacotron, engine, tmp_path):
    config = json.loads(Path(tacotron.config_file).read_text())
    copy = tmp_path / "copy.json"
    copy.write_bytes(Path(tacotron.config_file).read_bytes())
    moved = CoquiEngine(tacotron.model_copy(update={"config_file": str(copy)}))
    assert moved.version == engine.version
    assert re.fullmatch(r"[\d.]+-[0-9a-f]{16}", engine.version)
    edited = tmp_path / "edited.json"
    edited.write_text(json.dumps(config | {"max_decoder_steps": 21}))
    changed = CoquiEngine(tacotron.model_copy(update={"config_file": str(edited)}))
    assert changed.version != engine.version
    assert CoquiEngine(CoquiSettings()).version != engine.version


@needs_tts
@pytest.mark.coqui
def test_a_file_that_is_no_model_is_an_error(tacotron, tmp_path):
    junk = tmp_path / "junk.pth"
    junk.write_bytes(b"not a checkpoint")
    broken = CoquiEngine(tacotron.model_copy(update={"model_file": str(junk)}))
    with pytest.raises(UserError, match="doesn't load") as caught:
        broken.speak(TERM, VOICE)
    assert "junk.pth" in str(caught.value)


@needs_tts
@pytest.mark.coqui
def test_an_unknown_name_is_an_error_that_tells_the_known_one():
    engine = CoquiEngine(CoquiSettings(model="tts_models/ja/kokoro/tacotron2"))
    with pytest.raises(UserError, match="tts_models/ja/kokoro/tacotron2-DDC"):
        engine.speak(TERM, VOICE)


@needs_tts
@pytest.mark.coqui
def test_a_failed_download_is_an_error_with_a_cure(monkeypatch, tmp_path):
    from TTS.utils.manage import ModelManager

    def fail(self, name):
        raise ConnectionError("no route to host")

    monkeypatch.setenv("TTS_HOME", str(tmp_path))
    monkeypatch.setattr(ModelManager, "download_model", fail)
    with pytest.raises(UserError, match=r"can't be downloaded.*no route") as caught:
        CoquiEngine(CoquiSettings()).speak(TERM, VOICE)
    assert "model_file" in str(caught.value)
