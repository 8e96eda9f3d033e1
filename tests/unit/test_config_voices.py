"""The voices of a configuration: who trains, who is held out, and what Coqui can't do."""

import pytest
import yaml
from config_faults import faults_of, only_fault

import generate_config_docs
from whisper_terms.config import Config, load_config

COQUI = {
    "speech": {
        "engine": "coqui",
        "voices": [{"name": "kokoro"}],
        "coqui": {"python": ".venv-coqui/bin/python"},
    },
    "development": {"voices": []},
}


class TestSplit:
    def test_held_out_voices_do_not_train(self):
        config = Config()
        assert [voice.name for voice in config.development_voices()] == ["mei-fast"]
        assert len(config.training_voices()) == len(config.speech.voices) - 1
        assert not set(config.training_voices()) & set(config.development_voices())

    def test_without_held_out_voices_all_do_both(self):
        config = load_config({"development": {"voices": []}})
        assert config.training_voices() == config.development_voices() == config.speech.voices

    def test_the_first_is_one_that_trains(self):
        assert Config().first_voice == "mei"
        assert load_config({"development": {"voices": ["mei"]}}).first_voice == "mei-low"

    def test_one_coqui_voice(self):
        config = load_config(COQUI)
        assert config.first_voice == "kokoro"
        assert config.training_voices() == config.development_voices()

    def test_the_coqui_example_of_the_page_is_valid(self):
        page = generate_config_docs.render_page()
        examples = [yaml.safe_load(part.split("```")[0]) for part in page.split("```yaml\n")[1:]]
        assert COQUI in examples


class TestNames:
    def test_repeated(self):
        voices = [{"name": "mei-fast"}, {"name": "b"}, {"name": "b"}]
        fault = only_fault({"speech": {"voices": voices}})
        assert fault.problem == "speech.voices[2].name is the name of speech.voices[1] too"

    def test_held_out_voice_must_exist(self):
        fault = only_fault({"development": {"voices": ["mei-fsat"]}})
        assert (fault.problem, fault.cure) == (
            "development.voices[0] is unknown",
            "did you mean mei-fast? (or write voices: [] to hold out none)",
        )

    def test_one_voice_must_remain(self):
        mapping = {"speech": {"voices": [{"name": "a"}]}, "development": {"voices": ["a"]}}
        assert "holds out every voice" in only_fault(mapping).problem

    def test_one_voice_alone_holds_out_none(self):
        fault = only_fault({"speech": {"voices": [{"name": "kokoro"}]}})
        assert fault.cure == "known here: kokoro (or write voices: [] to hold out none)"


class TestCoquiVoices:
    def faults(self, *voices, **coqui):
        speech = {"engine": "coqui", "voices": list(voices), "coqui": coqui}
        return faults_of({"speech": speech, "development": {"voices": []}})

    @pytest.mark.parametrize("voices", [{}, {"voices": Config().model_dump()["speech"]["voices"]}])
    def test_the_defaults_are_of_open_jtalk(self, voices):
        # Snakemake hands them over as config.yaml spells them out.
        fault = only_fault({"speech": {"engine": "coqui", **voices}})
        assert fault.problem == "speech.voices are those of Open JTalk, but speech.engine is coqui"
        assert "voices: [{name: kokoro}]" in fault.cure
        assert "development: {voices: []}" in fault.cure

    @pytest.mark.parametrize(
        ("key", "value"), [("half_tone", -5), ("vocal_tract", "0.9"), ("speed", 0.85)]
    )
    def test_a_key_that_does_nothing(self, key, value):
        (fault,) = self.faults({"name": "kokoro"}, {"name": "b", key: value})
        assert fault.problem == f"speech.voices[1].{key} does nothing with this Coqui model"
        assert fault.value == str(value)
        assert "remove it" in fault.cure
        assert "engine: openjtalk" in fault.cure

    def test_every_such_key_is_named(self):
        faults = self.faults({"name": "a", "half_tone": 1, "vocal_tract": 1.1})
        assert [fault.problem.split()[0] for fault in faults] == [
            "speech.voices[0].half_tone",
            "speech.voices[0].vocal_tract",
        ]

    def test_voices_that_sound_alike(self):
        voices = (
            {"name": "a", "file": "x"},
            {"name": "b", "file": "y"},
            {"name": "c", "file": "x"},
        )
        (fault,) = self.faults(*voices)
        assert fault.problem == "speech.voices[2] sounds like speech.voices[0]"

    def test_a_broken_voice_is_no_second_problem(self):
        (fault,) = self.faults({"name": "a"}, {"name": "b", "speed": 9})
        assert fault.problem == "speech.voices[1].speed must be at most 2"

    def test_a_local_model_may_know_speed(self):
        voices = [{"name": "a"}, {"name": "b", "speed": 1.2}]
        speech = {"engine": "coqui", "voices": voices, "coqui": {"model_file": "vits.pth"}}
        load_config({"speech": speech, "development": {"voices": ["b"]}})

    def test_open_jtalk_may_use_them_all(self):
        voices = [{"name": "mei-fast"}, {"name": "b", "half_tone": 3, "vocal_tract": 1.1}]
        load_config({"speech": {"voices": voices}})
