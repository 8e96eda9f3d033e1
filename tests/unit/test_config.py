"""The config's models, and the files that are generated from them."""

import itertools
import json
from pathlib import Path

import jsonschema
import pytest
import yaml

import generate_config_docs
from whisper_terms.config import Config, Recipe, Settings, SpeechSettings, load_config, read_config
from whisper_terms.config.defaults import RECIPE_NOTES

ROOT = Path(__file__).resolve().parents[2]


class TestGenerated:
    @pytest.mark.parametrize("path", generate_config_docs.OUTPUTS)
    def test_is_up_to_date(self, path):
        found = (ROOT / path).read_text(encoding="utf-8")
        assert found == generate_config_docs.OUTPUTS[path](), (
            f"{path} drifted: run python workflow_scripts/generate_config_docs.py"
        )

    def test_example_holds_the_defaults(self):
        assert read_config(ROOT / "config.yaml") == Config()

    def test_example_meets_the_schema(self):
        schema = json.loads(generate_config_docs.render_schema())
        jsonschema.Draft202012Validator.check_schema(schema)
        jsonschema.validate(yaml.safe_load(generate_config_docs.render_yaml()), schema)

    def test_schema_refuses_unknown_keys_in_recipes(self):
        schema = json.loads(generate_config_docs.render_schema())
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate({"recipes": {"mine": {"epoch": 3}}}, schema)

    def test_every_key_of_the_example_has_a_comment(self):
        lines = generate_config_docs.render_yaml().splitlines()
        # The models and the recipes after the first repeat what was explained above them.
        plain = set(Config().models) | set(Recipe.model_fields)
        for before, line in itertools.pairwise(lines):
            key = line.strip().split(":")[0]
            is_key = ":" in line and not line.strip().startswith(("#", "-"))
            if is_key and key not in plain:
                assert before.strip().startswith("#"), line

    def test_no_line_is_too_long(self):
        assert max(map(len, generate_config_docs.render_yaml().splitlines())) <= 100

    def test_every_recipe_has_a_note(self):
        assert set(RECIPE_NOTES) == set(Config().recipes)

    @pytest.mark.parametrize("model", [*Settings.__subclasses__()])
    def test_every_key_has_a_description(self, model):
        for key, field in model.model_fields.items():
            assert (field.description or "").endswith("."), key


class TestDefaults:
    def test_an_empty_mapping_is_the_default(self):
        assert load_config({}) == Config()

    def test_a_recipe_takes_what_it_lacks_from_the_default(self):
        config = load_config(
            {"recipes": {"default": {}, "longer": {"epochs": 16}}, "systems": ["base"]}
        )
        assert config.recipes["longer"] == Config().recipes["default"].model_copy(
            update={"epochs": 16}
        )

    def test_an_encoder_that_runs_in_every_step_may_hear_less(self):
        uncached = {"spec_augment": True, "cached_encoder": False}
        config = load_config({"recipes": {"default": {}, "mine": uncached}, "systems": ["base"]})
        assert config.recipes["mine"].spec_augment and not config.recipes["default"].spec_augment

    def test_blog_recipes_are_the_tutorial(self):
        recipes = Config().recipes
        assert {recipes[f"blog-{kind}-10"].train for kind in ("full", "frozen")} == {
            "all",
            "decoder",
        }
        for name in ("blog-full-10", "blog-full-40", "blog-frozen-10", "blog-frozen-40"):
            recipe = recipes[name]
            assert recipe.epochs == int(name[-2:])
            assert recipe.learning_rate == 1e-5
            assert (recipe.packed, recipe.cached_encoder, recipe.replay) == (False, False, 0)
            assert (recipe.utterances, recipe.voices) == ("isolated", "first")


class TestReading:
    def test_numbers_may_be_text(self):
        # YAML 1.1 reads 1e-4 as text, and Snakemake's --config gives nested values as text.
        mapping = {
            "recipes": {"default": {"learning_rate": "1e-4", "epochs": "3", "packed": "false"}},
            "systems": ["base", "default"],
        }
        config = load_config(mapping)
        assert config.recipes["default"].learning_rate == 1e-4
        assert config.recipes["default"].epochs == 3
        assert config.recipes["default"].packed is False

    @pytest.mark.parametrize("null", ["null", "", None])
    def test_nothing_may_be_text_wherever_it_is_allowed(self, null):
        mapping = {
            "speech": {"replay_sentences": null, "shards": null},
            "evaluation": {"padding_frames": null},
            "recipes": {"default": {"patience": null}},
            "systems": ["base", "default"],
        }
        config = load_config(mapping)
        assert config.speech.replay_sentences is config.speech.shards is None
        assert config.evaluation.padding_frames is config.recipes["default"].patience is None

    def test_one_path_may_stand_for_a_list(self):
        assert load_config({"dictionaries": "mine.csv"}).dictionaries == ("mine.csv",)

    # Snakemake does the same to targets.
    @pytest.mark.parametrize("path", ["out/", "./out", "other/../out"])
    def test_results_have_one_spelling(self, path):
        assert load_config({"results": path}).results == "out"

    def test_the_config_cannot_be_changed(self):
        with pytest.raises(ValueError, match="frozen"):
            Config().model = "tiny"


class TestShards:
    @pytest.mark.parametrize(
        ("terms", "shards"),
        [(0, 4), (40, 4), (256, 4), (257, 8), (10_123, 256), (100_000, 2048), (10**7, 4096)],
    )
    def test_follow_the_number_of_terms(self, terms, shards):
        assert SpeechSettings().shards_for(terms) == shards

    def test_a_given_number_stays(self):
        assert SpeechSettings(shards=7).shards_for(100_000) == 7


class TestJson:
    def test_recipe_survives(self):
        recipe = Config().recipes["blog-full-10"]
        assert Recipe.from_json(recipe.to_json()) == recipe

    def test_training_and_the_choice_after_it_take_their_own_keys(self):
        recipe = Config().recipes["blog-full-10"]
        training, choice = (
            json.loads(text) for text in (recipe.training_json(), recipe.interpolation_json())
        )
        of_lora = {"lora_rank", "lora_targets"}
        unless_asked = of_lora | {"patience", "replay_labels", "spec_augment", "terms"}
        assert training.keys() | choice.keys() == set(Recipe.model_fields) - unless_asked
        for key, value in (("patience", 2), ("spec_augment", True)):
            other = json.loads(recipe.model_copy(update={key: value}).training_json())
            assert other == training | {key: value}
        lora = json.loads(recipe.model_copy(update={"train": "lora"}).training_json())
        assert lora.keys() == training.keys() | of_lora
        # If all terms turn out to be misheard, there is nothing new to train on.
        picky = recipe.model_copy(update={"terms": "misheard"})
        assert picky.training_json() == recipe.training_json()
        asking = recipe.model_copy(update={"replay_labels": "base"})
        assert asking.training_json() == recipe.training_json(), "there is no replay to label"
        asking = json.loads(asking.model_copy(update={"replay": 0.1}).training_json())
        assert asking.keys() == training.keys() | {"replay_labels"}
        assert training.keys() & choice.keys() == {"timestamps"}
        assert choice["interpolation"] == [1.0] and training["epochs"] == 10

    def test_speech_survives(self):
        speech = Config().speech
        assert SpeechSettings.from_json(speech.to_json()) == speech

    def test_is_one_line_with_sorted_keys(self):
        text = Config().recipes["default"].to_json()
        assert list(json.loads(text)) == sorted(Recipe.model_fields)
        assert "\n" not in text

    def test_says_the_same_however_it_was_written(self):
        one = load_config({"recipes": {"default": {"seed": 0, "epochs": 4}}, "systems": ["base"]})
        assert one.recipes["default"].to_json() == Config().recipes["default"].to_json()


class TestCheckFiles:
    def make(self, root: Path, config: Config) -> None:
        lists = (*config.dictionaries, *config.recordings, *config.sentences)
        for path in (*lists, config.carriers, config.replay):
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).touch()
        (root / config.models["nano"]).mkdir(parents=True)

    def test_all_are_there(self, tmp_path):
        self.make(tmp_path, Config())
        assert Config().check_files(tmp_path) == []

    def test_names_every_missing_file(self, tmp_path):
        config = load_config(
            {"speech": {"voices": [{"name": "mei-fast"}, {"name": "b", "file": "b.htsvoice"}]}}
        )
        faults = config.check_files(tmp_path)
        assert [fault.file for fault in faults] == [
            "dictionaries/demo.csv",
            "recordings/demo.tsv",
            "recordings/homophones.tsv",
            "dictionaries/carriers.tsv",
            "dictionaries/sentences.txt",
            "dictionaries/replay.txt",
            "b.htsvoice",
            "models/whisper-nano-ja",
        ]
        assert faults[-2].cure == "check voice b: file in the configuration"

    def test_a_coqui_speaker_is_no_file(self, tmp_path):
        speech = {
            "engine": "coqui",
            "voices": [{"name": "mei-fast"}, {"name": "b", "file": "speaker 1"}],
            "coqui": {"vocoder_file": "vocoder.pth", "python": "coqui/bin/python"},
        }
        config = load_config({"speech": speech})
        self.make(tmp_path, config)
        faults = config.check_files(tmp_path)
        assert [fault.file for fault in faults] == ["vocoder.pth", "coqui/bin/python"]

    def test_a_command_is_no_file(self, tmp_path):
        config = load_config(
            {
                "speech": {"engine": "coqui", "voices": [{"name": "kokoro"}]},
                "development": {"voices": []},
            }
        )
        self.make(tmp_path, config)
        assert config.check_files(tmp_path) == []

    def test_a_missing_model_directory(self, tmp_path):
        self.make(tmp_path, Config())
        (tmp_path / "models/whisper-nano-ja").rmdir()
        (fault,) = Config().check_files(tmp_path)
        assert fault.problem == "no such model directory"

    @pytest.mark.parametrize("spec", ["~/nano", "~/models/nano"])
    def test_a_model_in_the_home_directory(self, tmp_path, monkeypatch, spec):
        monkeypatch.setenv("HOME", str(tmp_path / "home"))
        config = load_config({"models": {"nano": spec, "tiny": "openai/whisper-tiny"}})
        assert config.models == {
            "nano": str(tmp_path / "home" / spec[2:]),
            "tiny": "openai/whisper-tiny",
        }
        self.make(tmp_path, config)
        assert config.check_files(tmp_path) == []
        Path(config.models["nano"]).rmdir()
        (fault,) = config.check_files(tmp_path)
        assert (fault.problem, fault.file) == ("no such model directory", config.models["nano"])

    def test_a_hub_id_is_no_directory(self, tmp_path):
        self.make(tmp_path, Config())
        assert load_config({"model": "tiny"}).check_files(tmp_path) == []
