"""What a user is told about a wrong config: every problem, its place and its cure."""

import pytest
from config_faults import faults_of, only_fault

from whisper_terms.config import Config, load_config


class TestUnknownKeys:
    def test_names_the_nearest_key(self):
        fault = only_fault({"dictionarys": ["a.csv"]})
        assert fault.problem == "unknown key dictionarys"
        assert fault.cure == "did you mean dictionaries?"
        assert fault.file == "missing.yaml"

    def test_in_a_recipe(self):
        fault = only_fault({"recipes": {"default": {"epoch": 3}}, "systems": ["base"]})
        assert fault.problem == "unknown key recipes.default.epoch"
        assert fault.cure == "did you mean epochs?"

    def test_in_a_voice(self):
        voices = [{"name": "mei-fast"}, {"name": "b", "halftone": 1}]
        fault = only_fault({"speech": {"voices": voices}})
        assert fault.problem == "unknown key speech.voices[1].halftone"
        assert fault.cure == "did you mean half_tone?"

    def test_lists_the_keys_where_none_is_near(self):
        fault = only_fault({"windows": {"zzz": 1}})
        known = "seconds, gap, max_tokens, sparse, noise, reverberation, telephone"
        assert fault.cure == f"known here: {known}"


@pytest.mark.parametrize(
    ("mapping", "problem", "cure", "value"),
    [
        (
            {"speech": {"shards": "many"}},
            "speech.shards must be a whole number",
            "write for example shards: 16",
            "many",
        ),
        (
            {"speech": {"shards": 1.5}},
            "speech.shards must be a whole number",
            "write for example shards: 16",
            "1.5",
        ),
        (
            {"speech": {"shards": True}},
            "speech.shards must be a whole number",
            "write for example shards: 16",
            "true",
        ),
        (
            {"speech": {"shards": 1e99}},
            "speech.shards must be a whole number",
            "write for example shards: 16",
            "1e+99",
        ),
        (
            {"carriers": ["a"]},
            "carriers must be text",
            "write for example carriers: dictionaries/carriers.tsv",
            None,
        ),
        ({3: 4}, "the top level holds a key that is no text", "remove it", "3"),
        (
            {"speech": {"loudness": "loud"}},
            "speech.loudness must be a number",
            "write for example loudness: -23.0",
            "loud",
        ),
        (
            {"windows": {"seconds": 31}},
            "windows.seconds must be at most 30",
            "write for example seconds: 30.0",
            "31",
        ),
        (
            {"windows": {"seconds": float("nan")}},
            "windows.seconds must be a finite number",
            "write for example seconds: 30.0",
            "nan",
        ),
        ({"windows": {"gap": [0.1]}}, "windows.gap holds too few values", "give 2", None),
        (
            {"windows": {"gap": [0.8, 0.2]}},
            "windows.gap holds the longest silence first",
            "write [0.2, 0.8]",
            None,
        ),
        (
            {"windows": {"gap": 3}},
            "windows.gap must be a list",
            "see windows in docs/configuration.md",
            "3",
        ),
        (
            {"evaluation": 3},
            "evaluation must be a block of keys and values",
            "see evaluation in docs/configuration.md",
            "3",
        ),
        (
            {"evaluation": None},
            "evaluation has no value",
            "see evaluation in docs/configuration.md, or remove the key to take its default",
            None,
        ),
        ({"device": "gpu"}, "device must be auto or cpu or cuda", "did you mean cpu?", "gpu"),
        (
            {"language": "japanese"},
            "language is no language code",
            "write two or three small letters, such as ja",
            "japanese",
        ),
        ({"results": 2024}, "results must be text", 'put it in quotes: "2024"', "2024"),
        (
            {"carriers": "{x}.tsv"},
            "carriers is no usable path",
            "give a path without braces and line breaks",
            "{x}.tsv",
        ),
        (
            {"dictionaries": []},
            "dictionaries is empty",
            "see dictionaries in docs/configuration.md",
            None,
        ),
        (
            {"recordings": []},
            "recordings is empty",
            "see recordings in docs/configuration.md",
            None,
        ),
        (
            {"speech": {"shards": 5000}},
            "speech.shards must be at most 4096",
            "write for example shards: 16",
            "5000",
        ),
        (
            {"speech": {"voices": [{"name": "mei-fast"}, {"speed": 1}]}},
            "speech.voices[1] lacks the key name",
            "add it",
            None,
        ),
        (
            {"speech": {"voices": [{"name": "mei-fast"}, {"name": "b", "vocal_tract": 2}]}},
            "speech.voices[1].vocal_tract must be at most 1.4",
            "write for example vocal_tract: 1.0",
            "2",
        ),
    ],
)
def test_wrong_value(mapping, problem, cure, value):
    fault = only_fault(mapping)
    assert (fault.problem, fault.cure, fault.value) == (problem, cure, value)


# Where a number may be null, it is a number all the same; where it may not, null is none.
@pytest.mark.parametrize(("key", "value"), [("patience", True), ("epochs", "null")])
def test_no_number_of_epochs(key, value):
    fault = only_fault({"recipes": {"default": {key: value}}, "systems": ["base"]})
    assert fault.problem == f"recipes.default.{key} must be a whole number"


class TestNames:
    def test_model_must_be_listed(self):
        fault = only_fault({"model": "smal"})
        assert (fault.problem, fault.cure) == ("model is unknown", "did you mean small?")

    @pytest.mark.parametrize("name", ["../x", "a b", "-x", ".hidden", "a/b", "日本", "a" * 65, ""])
    def test_model_name_is_safe(self, name):
        fault = only_fault({"models": {"nano": "x", name: "y"}})
        assert fault.problem == "models holds a name that is not valid"
        assert fault.value == name

    def test_a_number_as_a_name(self):
        fault = only_fault({"recipes": {"default": {}, 10: {}}, "systems": ["base"]})
        assert fault.cure == 'put it in quotes: "10"'

    @pytest.mark.parametrize("name", sorted(Config.RESERVED_RECIPES))
    def test_recipe_name_is_reserved(self, name):
        fault = only_fault({"recipes": {"default": {}, name: {}}, "systems": ["base"]})
        assert fault.problem == f"recipes holds the name {name}, which is reserved"

    def test_model_name_is_reserved(self):
        fault = only_fault({"models": {"nano": "x", "speech": "y"}})
        assert fault.problem == "models holds the name speech, which is reserved"

    @pytest.mark.parametrize("name", ["base", "encodings", "mine"])
    def test_a_comparison_has_a_folder_of_its_own(self, name):
        recipes = {"default": {}, "mine": {}}
        fault = only_fault({"comparison": name, "recipes": recipes, "systems": ["base"]})
        assert fault.problem == f"comparison is {name}, which is the folder of something else"
        assert fault.cure == "choose a name that no recipe has"

    def test_a_comparison_is_a_name(self):
        assert "comparison" in only_fault({"comparison": "../mine"}).problem
        # Taken for the list of the systems.
        assert only_fault({"comparison": ["base"]}).problem == "comparison must be text"


class TestRecipes:
    def test_cache_needs_a_frozen_encoder(self):
        fault = only_fault(
            {"recipes": {"default": {}, "mine": {"train": "all"}}, "systems": ["base"]}
        )
        assert fault.problem == (
            "recipes.mine.cached_encoder is true, but train: all changes the encoder in every step"
        )
        assert fault.cure == "write cached_encoder: false, or train: decoder"

    def test_a_cached_encoding_has_no_spectrogram(self):
        fault = only_fault(
            {"recipes": {"default": {}, "mine": {"spec_augment": True}}, "systems": ["base"]}
        )
        assert fault.problem == (
            "recipes.mine.spec_augment is true, but cached_encoder: true keeps no spectrogram that "
            "could be changed"
        )
        assert fault.cure == "write cached_encoder: false, or spec_augment: false"

    def test_noise_is_for_a_frozen_encoder(self):
        noisy = {"train": "all", "cached_encoder": False, "encoding_noise": 0.3}
        fault = only_fault({"recipes": {"default": {}, "mine": noisy}, "systems": ["base"]})
        assert fault.problem == (
            "recipes.mine.encoding_noise is 0.3, but with train: all no encoder is frozen, "
            "and no noise added"
        )
        assert fault.cure == "write encoding_noise: 0, or train: decoder"
        noisy["train"] = "lora"
        load_config({"recipes": {"default": {}, "mine": noisy}, "systems": ["base"]})

    @pytest.mark.parametrize("none", [0, "0"])
    def test_a_recipe_of_lone_terms_needs_some(self, none):
        lone = {"utterances": "isolated", "packed": False}
        mapping = {
            "speech": {"isolated_per_term": none},
            "recipes": {"default": {}, "lone": lone, "unused": lone},
            "systems": ["base", "default", "lone"],
        }
        fault = only_fault(mapping)
        assert fault.problem == (
            "recipes.lone.utterances is isolated, but speech.isolated_per_term is 0"
        )
        assert fault.cure == "raise isolated_per_term, or write utterances: all in the recipe"
        load_config(mapping | {"systems": ["base", "default"]}, "missing.yaml")

    # As text, as Snakemake hands nested values of --config over.
    @pytest.mark.parametrize(("none", "share"), [(0, 0.4), ("0", "0.40")])
    def test_replay_needs_sentences(self, none, share):
        mapping = {
            "speech": {"replay_sentences": none},
            "recipes": {"default": {"replay": share}, "bare": {"replay": none}},
            "systems": ["base", "bare", "default"],
        }
        fault = only_fault(mapping)
        assert fault.problem == "recipes.default.replay is 0.4, but speech.replay_sentences is 0"
        # Others may need what this one lacks.
        load_config(mapping | {"systems": ["base", "bare"]}, "missing.yaml")

    def test_share_of_replay_is_below_one(self):
        fault = only_fault({"recipes": {"default": {"replay": 1}}, "systems": ["base"]})
        assert fault.problem == "recipes.default.replay must be less than 1"

    @pytest.mark.parametrize("kind", [int, str])
    def test_gpus_share_a_batch(self, kind):
        sizes = {"default": 4, "wide": 6, "unused": 5}
        mapping = {
            "resources": {"gpu": kind(3)},
            "recipes": {name: {"batch_size": kind(size)} for name, size in sizes.items()},
            "systems": ["base", "default", "wide"],
        }
        fault = only_fault(mapping)
        assert fault.problem == "recipes.default.batch_size is 4, which 3 GPUs can't share"

    @pytest.mark.parametrize("size", ["many", True, None, [4]])
    def test_a_batch_that_is_no_number_is_one_problem(self, size):
        recipes = {"default": {"batch_size": size}}
        only_fault({"resources": {"gpu": 3}, "recipes": recipes, "systems": ["base", "default"]})


class TestSystems:
    def test_unknown(self):
        fault = only_fault({"systems": ["base", "blog-ful-10"]})
        assert (fault.problem, fault.value) == ("systems[1] is unknown", "blog-ful-10")
        assert fault.cure == "did you mean blog-full-10?"

    def test_base_comes_first(self):
        fault = only_fault({"systems": ["default", "base"]})
        assert fault.problem.startswith("the first of systems must be base")

    def test_repeated(self):
        fault = only_fault({"systems": ["base", "default", "default"]})
        assert fault.problem == "systems[2] stands in systems already"

    def test_broken_recipes_are_not_missed_twice(self):
        fault = only_fault({"recipes": 5})
        assert fault.problem == "recipes must be a block of keys and values"


class TestPaths:
    def test_repeated(self):
        fault = only_fault({"dictionaries": ["a.csv", "b.csv", "a.csv"]})
        assert fault.problem == "dictionaries[2] stands in dictionaries already"

    def test_recordings_with_one_name(self):
        fault = only_fault({"recordings": ["a/x.tsv", "b/x.tsv"]})
        assert (fault.problem, fault.value) == (
            "recordings holds several files called x",
            "b/x.tsv",
        )


def test_all_problems_at_once():
    mapping = {
        "modle": "nano",
        "model": "big",
        "speech": {"shards": "x", "voices": [{"name": "a"}, {"name": "a", "speed": 9}]},
        "development": {"voices": []},
        "systems": ["base", "none-such"],
        "recipes": {"default": {"epoch": 1, "train": "all"}},
        "recordings": ["x.tsv", "x.tsv"],
    }
    problems = {fault.problem for fault in faults_of(mapping)}
    assert problems == {
        "unknown key modle",
        "model is unknown",
        "speech.shards must be a whole number",
        "speech.voices[1].speed must be at most 2",
        "speech.voices[1].name is the name of speech.voices[0] too",
        "systems[1] is unknown",
        "unknown key recipes.default.epoch",
        "recipes.default.cached_encoder is true, but train: all changes the encoder in every step",
        "recordings[1] stands in recordings already",
    }
