"""What Snakemake learns while it builds its graph: digests of shards, casting, faults."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from whisper_terms.config import Config
from whisper_terms.errors import UserError
from whisper_terms.sharding import shard_name, shard_of
from whisper_terms.workflow import read_plan

ROOT = Path(__file__).resolve().parents[2]
TERMS = [
    "痙攣,ケイレン,,",
    "心窩部痛,シンカブツウ,,",
    "嚥下障害,エンゲショウガイ,,",
    "動悸,ドウキ,,",
]
TERMS += [f"検査{number},ケンサ,," for number in range(20)]
SENTENCES = [f"今日は{number}番です。" for number in range(20)]
CONFIG = {
    "dictionaries": ["terms.csv"],
    "recordings": ["test.tsv"],
    "carriers": "carriers.tsv",
    "sentences": [],
    "replay": "replay.txt",
    "models": {"local": "models/local", "hub": "openai/whisper-tiny"},
    "model": "local",
    "speech": {"shards": 8, "voices": [{"name": "one"}, {"name": "two", "speed": 1.2}]},
    "development": {"voices": ["two"], "fraction": 0.2},
}

# A recipe whose replay the base model labels, and no replay sentences.
ASKING = {"recipes": {"mine": {"replay_labels": "base"}}, "systems": ["base", "mine"]}
MUTE = {"speech": CONFIG["speech"] | {"replay_sentences": 0}}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_terms(TERMS)
    Path("carriers.tsv").write_text("class\ttemplate\ngeneral\t{term}です\ngeneral\tまた{term}\n")
    Path("replay.txt").write_text("\n".join(SENTENCES))
    Path("a.wav").write_bytes(b"RIFF")
    Path("test.tsv").write_text("audio\ttext\ttest_set\na.wav\t痙攣です。\tterms\n")
    Path("models/local").mkdir(parents=True)
    for name in ("config.json", "model.safetensors", "README.md"):
        Path("models/local", name).touch()
    return tmp_path


@pytest.mark.parametrize(("share", "kept"), [(0.0, 2), (0.4, 2), (0.66, 2), (0.8, 4), (0.9, 9)])
def test_replay_is_kept_for_the_recipe_that_draws_most(folder, share, kept):
    recipes = {"some": {"replay": 0.3}, "more": {"replay": share}, "unused": {"replay": 0.99}}
    assert plan(recipes=recipes, systems=["base", "some", "more"]).replay_for_terms == kept
    assert plan(systems=["base"]).replay_for_terms == 2


def test_sentences_go_to_the_terms_in_them(folder):
    before = plan()
    Path("mine.txt").write_text("動悸がひどい。\n今日は晴れた。\n")
    after = plan(sentences=["mine.txt"])
    assert [one.surface for one in after.entries if one.sentences] == ["動悸"]
    shards = before.term_shards
    assert sum(shards[name] != digest for name, digest in after.term_shards.items()) == 1


def write_terms(rows):
    Path("terms.csv").write_text("\n".join(["surface,reading,aliases,weight", *rows]))


def plan(**changes):
    return read_plan(CONFIG | changes, "config.yaml")


def changed(before, after):
    """The shards that rerun."""
    return {name for name, digest in after.items() if before.get(name) != digest}


def shard(surface):
    (entry,) = [entry for entry in plan().entries if entry.surface == surface]
    return shard_name(shard_of(entry.term_id, 8))


def test_every_term_has_a_shard(folder):
    terms = [entry.term_id for entry in plan().entries]
    assert set(plan().term_shards) == {shard_name(shard_of(term, 8)) for term in terms}
    assert len(plan().term_shards) > 4
    assert set(plan().replay_shards) == {shard_name(shard_of(text, 8)) for text in SENTENCES}


@pytest.mark.parametrize(
    "edited", ["心窩部痛,ココロカブツウ,,", "心窩部痛,シンカブツウ,,2"], ids=["reading", "weight"]
)
def test_an_edited_term_reruns_its_shard(folder, edited):
    before = plan().term_shards
    write_terms([edited if row.startswith("心窩部痛") else row for row in TERMS])
    assert changed(before, plan().term_shards) == {shard("心窩部痛")}


def test_so_does_a_new_or_a_removed_one(folder):
    before = plan().term_shards
    write_terms([*TERMS, "喀痰,カクタン,,"])
    assert changed(before, plan().term_shards) == {shard("喀痰")}
    gone = shard("心窩部痛")
    write_terms([row for row in TERMS if not row.startswith("心窩部痛")])
    after = plan().term_shards
    assert changed(before, after) <= {gone}
    assert before != after


@pytest.mark.parametrize(
    "rows",
    [TERMS[::-1], ["心窩部痛,シンカブツウ,心か部痛,", *TERMS[:1], *TERMS[2:]],
     [row.replace("ドウキ", "どうき") for row in TERMS]],
    ids=["order", "alias", "hiragana"],
)  # fmt: skip
def test_what_is_not_heard_reruns_nothing(folder, rows):
    before = plan().term_shards
    write_terms(rows)
    assert plan().term_shards == before


def test_an_edited_replay_sentence_reruns_its_shard(folder):
    before, terms = plan().replay_shards, plan().term_shards
    Path("replay.txt").write_text("\n".join([*SENTENCES[::-1], "新しい文です。"]))
    assert changed(before, plan().replay_shards) == {shard_name(shard_of("新しい文です。", 8))}
    assert plan().term_shards == terms


def test_few_sentences_beside_many_terms_are_few_shards(folder):
    write_terms([f"用語{number},ヨウゴ," for number in range(300)])
    speech = {name: value for name, value in CONFIG["speech"].items() if name != "shards"}
    read = plan(speech=speech)
    assert (read.shards, read.replay_parts) == (8, 4)
    assert len(read.replay_shards) <= 4


def test_the_number_of_replay_sentences(folder):
    speech = CONFIG["speech"] | {"replay_sentences": 3}
    assert plan(speech=speech).sentences == tuple(SENTENCES[:3])
    assert sum(map(len, [plan().sentences])) == len(SENTENCES)


def test_casting(folder):
    casting = plan().casting
    assert [voice.name for voice in casting.train] == ["one"]
    assert [(voice.name, voice.speed) for voice in casting.development] == [("two", 1.2)]
    defaults = Config().speech
    assert casting.isolated == defaults.isolated_per_term
    assert casting.in_carriers == defaults.carriers_per_term
    assert casting.held_out == 0.2


def test_classes_without_sentences_are_no_fault(folder):
    assert plan().notices == ()
    rows = ["surface,class", "痙攣,symptoms", "動悸,symptoms", "検査,general", "電圧,physics"]
    Path("terms.csv").write_text("\n".join(rows))
    notices = plan().notices
    assert [(notice.value, notice.row) for notice in notices] == [("symptoms", 2), ("physics", 5)]
    assert "2 terms, this one first" in notices[0].problem
    assert all(notice.file == "terms.csv" and "general" in notice.cure for notice in notices)


def test_recipes_choose_windows_and_encodings(folder):
    loose = plan()
    assert (loose.layout("default"), loose.uses_encodings("default")) == ("packed", True)
    assert (loose.layout("blog-full-10"), loose.uses_encodings("blog-full-10")) == ("single", False)


def test_replay_is_labelled_by_encodings_that_are_there_anyway(folder):
    recipes = {
        "default": {},
        "mine": {"replay_labels": "base", "train": "all", "cached_encoder": False},
    }
    assert not plan(recipes=recipes, systems=["base", "mine"]).encodings_for_labels("packed")
    recipes["cached"] = {"replay_labels": "base"}
    assert plan(recipes=recipes, systems=["base", "mine"]).encodings_for_labels("packed")


def test_layouts_of_misheard_terms_are_told_apart(folder):
    recipes = {
        "all": {},
        "new": {"terms": "misheard"},
        "single": {"terms": "misheard", "packed": False},
    }
    chosen = plan(recipes=recipes, systems=["base", "all", "new", "single"])
    layouts = [chosen.layout(recipe) for recipe in recipes]
    assert layouts == ["packed", "packed-misheard", "single-misheard"]
    # Those that no model has to be asked for.
    assert chosen.layouts_in("results") == ["packed"]
    Path("results/local/encodings").mkdir(parents=True)
    for layout in ("single", "single-misheard"):
        Path(f"results/local/encodings/{layout}.tsv").touch()
    assert chosen.layouts_in("results") == ["packed", "single"]
    assert plan(recipes=recipes, systems=["base", "new"]).layouts_in("elsewhere") == []


def test_files_of_a_base_model(folder):
    files = ["models/local/config.json", "models/local/model.safetensors"]
    Path("models/local/build").mkdir()
    Path("models/local/.cache").touch()
    assert plan().base_files("local") == files
    assert plan().base_files("hub") == []


def faults(**changes):
    with pytest.raises(UserError) as error:
        plan(**changes)
    return [fault.problem for fault in error.value.faults]


def test_faults_of_all_files_at_once(folder):
    write_terms(["痙攣,ケイレン,,", "痙攣,ケイレン,,-1"])
    Path("replay.txt").write_text("\n")
    Path("carriers.tsv").write_text("class\ttemplate\ngeneral\tなし\n")
    Path("a.wav").unlink()
    found = faults()
    assert "holds no sentence" in found
    assert "a template needs one slot" in found
    assert "no such audio file" in found
    assert len(found) >= 4


def test_missing_files_are_named_before_others_are_read(folder):
    Path("terms.csv").unlink()
    Path("test.tsv").unlink()
    Path("replay.txt").write_text("\n")
    assert faults() == ["no such file", "no such file"]


class TestReplayRecordings:
    @pytest.fixture(autouse=True)
    def recordings(self, folder):
        self.record(["晴れ", "雨"])

    def record(self, texts):
        for number, _ in enumerate(texts):
            Path(f"own{number}.wav").write_bytes(b"RIFF")
        rows = [f"own{number}.wav\t{text}\n" for number, text in enumerate(texts)]
        Path("mine.tsv").write_text("audio\ttext\n" + "".join(rows))

    def plan(self, **changes):
        return plan(replay_recordings="mine.tsv", **changes)

    def faults(self, **changes):
        return faults(replay_recordings="mine.tsv", **changes)

    def test_are_read_and_none_by_default(self):
        assert [one.text for one in self.plan().replay_recordings] == ["晴れ", "雨"]
        assert plan().replay_recordings == ()

    def test_are_none_of_the_test_recordings(self):
        Path("mine.tsv").write_text("audio\ttext\nown0.wav\t晴れ\na.wav\t雨\n")
        (problem,) = self.faults()
        assert "is a test recording, test.tsv:2" in problem

    def test_nor_in_a_table_of_those(self):
        (problem,) = faults(replay_recordings=["test.tsv"])
        assert problem == "replay_recordings[0] stands in recordings too"

    def test_without_a_transcript_a_recipe_must_ask_the_base_model(self):
        self.record(["晴れ", ""])
        (problem,) = self.faults()
        assert problem.startswith("1 recordings for replay have no transcript")
        assert self.plan(**ASKING).asks_base("mine")
        # One that asks and is not compared, or has no replay, is no use.
        # A run without that recipe is no mistake.
        self.plan(**ASKING | {"systems": ["base"]})
        recipes = {"mine": {"replay_labels": "base", "replay": 0}}
        assert len(self.faults(**ASKING | {"recipes": recipes})) == 1

    def test_a_recipe_by_texts_needs_some(self):
        self.record(["", ""])
        recipes = {"mine": {"replay_labels": "base"}, "other": {}, "bare": {"replay": 0}}
        systems = ["base", "mine", "other", "bare"]
        (problem,) = self.faults(recipes=recipes, systems=systems, **MUTE)
        assert problem == "recipes.other takes its replay from texts, and there is none"
        self.plan(recipes=recipes, systems=["base", "mine", "bare"], **MUTE)
        self.record(["晴れ", ""])
        self.plan(recipes=recipes, systems=systems, **MUTE)

    def test_what_a_term_can_be_written_as(self):
        before = self.plan().spellings
        write_terms(["心窩部痛,ココロカブツウ,,2" if "心窩" in row else row for row in TERMS])
        assert self.plan().spellings == before
        write_terms([*TERMS[1:], "痙攣,ケイレン,けいれん,"])
        assert self.plan().spellings != before


def test_a_wrong_configuration(folder):
    assert faults(model="locl") == ["model is unknown"]


@pytest.mark.parametrize(
    ("recipe", "key"),
    [({"utterances": "isolated"}, "utterances: isolated"), ({"voices": "first"}, "voices: first")],
)
def test_packed_windows_are_all_or_nothing(folder, recipe, key):
    # Packed windows of isolated terms, or of one voice, exist by accident only.
    (problem,) = faults(recipes={"mine": recipe}, systems=["base", "mine"])
    assert problem.startswith(f"recipes.mine.packed is true, but {key} picks")
    plan(recipes={"mine": recipe | {"packed": False}}, systems=["base", "mine"])


def test_the_shipped_configuration_is_whole(monkeypatch):
    monkeypatch.chdir(ROOT)
    shipped = read_plan({}, "config.yaml")
    assert shipped.entries
    assert shipped.recordings
    assert shipped.sentences


def test_the_standard_library_and_pydantic_are_enough():
    code = (
        "import sys; before = set(sys.modules); import whisper_terms.workflow;"
        "print(*{name.split('.')[0] for name in set(sys.modules) - before})"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT / "workflow_scripts", capture_output=True, text=True
    )
    imported = set(run.stdout.split()) - set(sys.stdlib_module_names)
    # What envs/snakemake.yaml has, with its parts.
    known = {"whisper_terms", "pydantic", "pydantic_core", "yaml"}
    known |= {"annotated_types", "typing_extensions", "typing_inspection", "cython_runtime"}
    assert "pydantic" in imported
    assert {name for name in imported if not name.startswith("_")} <= known


def test_the_time_grows_with_the_number_of_terms_alone(folder):
    seconds = []
    for count in (1000, 10_000):
        write_terms(
            [f"検査{number}番,ケンサ{'アイウエオ'[number % 5]}バン,," for number in range(count)]
        )
        started = time.process_time()
        read = plan(speech={"voices": CONFIG["speech"]["voices"]})
        assert (len(read.entries), len(read.term_shards)) == (count, read.shards)
        seconds.append(time.process_time() - started)
    # Whatever looked at every two terms would take a hundred times as long.
    assert seconds[1] < 30 * seconds[0], seconds
