"""What an edit makes again, and what it leaves alone."""

import os
import shutil
import wave
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path

import pytest
from workbench import CONFIG, REPLAY, TERMS, Workbench

from whisper_terms.dictionary import read_dictionaries
from whisper_terms.sharding import shard_name, shard_of
from whisper_terms.tables import read_table

pytestmark = pytest.mark.slow

DICTIONARY = "dictionaries/terms.csv"
WINDOWS = "results/windows/packed.tsv"
TARGETS = [WINDOWS, "results/terms.tsv"]
SPEECH = "results/speech/openjtalk"
ALIAS = TERMS.replace("surface,reading\n", "surface,reading,aliases\n").replace("キ\n", "キ,X\n")
# The jobs that speak one term anew.
OF_ONE_TERM = {
    "check_dictionary": 1,
    "settle_readings": 1,
    "synthesise_shard": 1,
    "build_manifest": 1,
    "pack_windows": 1,
}
# Lone, in carrier sentences, in the development set.
UTTERANCES_OF_A_TERM = 1 + 2 + 1


@pytest.fixture(scope="module")
def spoken(small, tmp_path_factory) -> Workbench:
    """The workflow up to its windows."""
    bench = small.copy(tmp_path_factory.mktemp("reruns") / "spoken")
    bench.make(*TARGETS)
    return bench


@pytest.fixture
def bench(spoken, tmp_path) -> Workbench:
    """The same, to change."""
    return spoken.copy(tmp_path / "bench")


def times(folder: Path) -> dict[str, int]:
    """When each file was written, in nanoseconds, by its path in the folder."""
    found = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.stat().st_mtime_ns for path in found}


def manifest(bench: Workbench) -> list[dict[str, str]]:
    return read_table(bench / "results/manifest.tsv")


def changed(before: Mapping, after: Mapping) -> set:
    return {key for key in before.keys() | after.keys() if before.get(key) != after.get(key)}


def shard_tables(*surfaces: str, bench: Workbench) -> set[str]:
    """The shards' tables of some terms."""
    entries = read_dictionaries([bench / DICTIONARY])
    ids = [entry.term_id for entry in entries if entry.surface in surfaces]
    return {shard_name(shard_of(one, CONFIG["speech"]["shards"])) + ".tsv" for one in ids}


def test_nothing_changed(bench):
    assert bench.make(*TARGETS).nothing_to_do


def test_dictionary_saved_again(bench):
    os.utime(bench / DICTIONARY)
    os.utime(bench / "dictionaries/replay.txt")
    assert bench.make(*TARGETS).nothing_to_do


def test_replaced_voice_file_is_heard(small, tmp_path):
    """A file of the same name: what the voice speaks is spoken anew, and nothing else."""
    bench = small.copy(tmp_path / "bench")
    embedded = files("pyopenjtalk") / "htsvoice" / "mei_normal.htsvoice"
    voice = bench.write("voices/mine.htsvoice", embedded.read_bytes())
    speech = CONFIG["speech"]
    mine = [{"name": "two", "file": "voices/mine.htsvoice"}]
    voices = [speech["voices"][0], *mine, speech["voices"][2]]
    bench.configure(CONFIG | {"speech": speech | {"voices": voices}})
    bench.make(*TARGETS)
    store = times(bench / SPEECH / "store")
    os.utime(voice)
    assert bench.make(*TARGETS).nothing_to_do
    before = manifest(bench)
    voice.write_bytes(embedded.read_bytes() + b"\n")
    bench.make(*TARGETS)
    new = changed(store, times(bench / SPEECH / "store"))
    of_voice = {row["audio"] for row in manifest(bench) if row["voice"] == "two"}
    assert of_voice and {f"{SPEECH}/store/{name}" for name in new} == of_voice
    assert of_voice.isdisjoint(row["audio"] for row in before)


def test_edited_reading_speaks_one_term(bench):
    store, tables = times(bench / SPEECH / "store"), times(bench / SPEECH / "terms")
    replay = times(bench / SPEECH / "replay")
    assert len(tables) > 1, "all terms are in one shard: the test would prove nothing"

    bench.write(DICTIONARY, TERMS.replace("ドウキ", "トウキ"))
    assert bench.make(*TARGETS).jobs == OF_ONE_TERM
    new = changed(store, times(bench / SPEECH / "store"))
    edited = [row for row in manifest(bench) if row["reading"] == "トウキ"]
    assert len(edited) == UTTERANCES_OF_A_TERM
    assert {f"{SPEECH}/store/{name}" for name in new} == {row["audio"] for row in edited}
    # None was written again, none removed.
    assert not new & store.keys()
    assert changed(tables, times(bench / SPEECH / "terms")) == shard_tables("動悸", bench=bench)
    assert not changed(replay, times(bench / SPEECH / "replay"))


def test_a_sentence_speaks_the_term_in_it(bench):
    mine = "dictionaries/mine.txt"
    bench.write(mine, "今日は坂道を歩きます。\n")
    bench.configure(CONFIG | {"sentences": mine})
    bench.make(*TARGETS)
    store = times(bench / SPEECH / "store")
    bench.write(mine, "今日は坂道を歩きます。\n坂道で動悸がします。\n")
    assert bench.make(*TARGETS).jobs == OF_ONE_TERM
    # The voices change turns in the term's other sentences, too.
    new = {f"{SPEECH}/store/{name}" for name in changed(store, times(bench / SPEECH / "store"))}
    said = [row for row in manifest(bench) if row["audio"] in new]
    assert len(said) == len(new)
    assert "坂道で動悸がします。" in {row["text"] for row in said}
    assert {row["reading"] for row in said} == {"ドウキ"}
    assert bench.make(*TARGETS).nothing_to_do


def test_edited_reading_packs_one_shard(bench):
    before = windows(bench)
    bench.write(DICTIONARY, TERMS.replace("ドウキ", "トウキ"))
    bench.make(*TARGETS)
    after = windows(bench)
    (table,) = shard_tables("動悸", bench=bench)
    assert changed(before, after)
    for name in changed(before, after):
        terms = {row["term_id"] for row in before.get(name) or after[name]}
        shards = {shard_name(shard_of(one, CONFIG["speech"]["shards"])) for one in terms}
        assert shards == {table.removesuffix(".tsv")}
    assert before.keys() & after.keys()


def windows(bench: Workbench) -> dict[str, list[dict[str, str]]]:
    """The rows of each window."""
    found: dict[str, list[dict[str, str]]] = {}
    for row in read_table(bench / WINDOWS):
        found.setdefault(row["window"], []).append(row)
    return found


def test_added_term_is_spoken_alone(bench):
    store, rows = times(bench / SPEECH / "store"), manifest(bench)
    bench.write(DICTIONARY, TERMS + "浮腫,フシュ\n")
    assert bench.make(*TARGETS).jobs["synthesise_shard"] == 1
    new = changed(store, times(bench / SPEECH / "store"))
    added = [row for row in manifest(bench) if row not in rows]
    assert {row["reading"] for row in added} == {"フシュ"}
    assert {f"{SPEECH}/store/{name}" for name in new} == {row["audio"] for row in added}
    assert len(added) == UTTERANCES_OF_A_TERM


def test_removed_term_is_forgotten_and_its_speech_kept(bench):
    store = times(bench / SPEECH / "store")
    bench.write(DICTIONARY, TERMS.replace("動悸,ドウキ\n", ""))
    bench.make(*TARGETS)
    assert "ドウキ" not in {row["reading"] for row in manifest(bench)}
    assert times(bench / SPEECH / "store") == store
    # Taken back, it costs no engine.
    bench.write(DICTIONARY, TERMS)
    bench.make(*TARGETS)
    assert "ドウキ" in {row["reading"] for row in manifest(bench)}
    assert times(bench / SPEECH / "store") == store


def test_alias_is_not_spoken(bench):
    bench.write(DICTIONARY, ALIAS)
    assert bench.make(*TARGETS).jobs == {"check_dictionary": 1}


def test_moved_row_is_not_spoken(bench):
    head, *rows = TERMS.splitlines(keepends=True)
    bench.write(DICTIONARY, head + "".join(reversed(rows)))
    assert bench.make(*TARGETS).jobs == {"check_dictionary": 1}


def test_edits_of_several_files_are_all_seen_at_once(bench):
    """With ancient() inputs, Snakemake overlooks all but the first."""
    bench.write(DICTIONARY, ALIAS)
    bench.write("dictionaries/replay.txt", REPLAY.replace("本を", "新聞を"))
    bench.configure(CONFIG | {"windows": {"seconds": 20}})
    jobs = bench.make(*TARGETS).jobs
    # Among the sentences may be some with a word that sounds like a term: the shards look.
    assert jobs.keys() == {
        "check_dictionary",
        "synthesise_shard",
        "synthesise_replay",
        "build_manifest",
        "pack_windows",
    }


def test_lone_term_to_listen_to(bench):
    """A wav by the term's name; its sound is in the store already."""
    store = times(bench / SPEECH / "store")
    (term,) = (row for row in read_table(bench / "results/terms.tsv") if row["surface"] == "動悸")
    target = f"{SPEECH}/term/{term['term_id']}.wav"
    assert bench.make(target).jobs == {"speak_term": 1}
    with wave.open(str(bench / target)) as sound:
        assert (sound.getframerate(), sound.getnchannels(), sound.getsampwidth()) == (16_000, 1, 2)
        assert sound.getnframes() > 4_000
    assert times(bench / SPEECH / "store") == store
    (lone,) = (
        row for row in manifest(bench) if row["kind"] == "term" and row["reading"] == "ドウキ"
    )
    assert (bench / lone["audio"]).read_bytes() == (bench / target).read_bytes()


def test_lost_tables_cost_no_engine(bench):
    """What was spoken is found again, even when all that Snakemake knows of it is gone."""
    store, rows = times(bench / SPEECH / "store"), manifest(bench)
    for path in (bench / "results").iterdir():
        if path.name != "speech":
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    for name in ("terms", "replay"):
        shutil.rmtree(bench / SPEECH / name)
    shutil.rmtree(bench / ".snakemake")
    bench.make(*TARGETS)
    assert times(bench / SPEECH / "store") == store
    assert manifest(bench) == rows


def test_prune_removes_what_no_term_uses(bench):
    store = bench / SPEECH / "store"
    before = times(store)
    bench.write(DICTIONARY, TERMS.replace("ドウキ", "トウキ"))
    bench.make("prune")
    after = times(store)
    used = {Path(row["audio"]).name for row in manifest(bench)}
    assert {Path(path).name for path in after} >= used
    # The term's new utterances are there, its old ones are gone, all others are as they were.
    assert len(before.keys() - after.keys()) == len(after.keys() - before.keys())
    assert len(before.keys() - after.keys()) == UTTERANCES_OF_A_TERM
    assert all(before[path] == after[path] for path in before.keys() & after.keys())
    assert bench.make(WINDOWS).nothing_to_do


def test_what_was_pruned_is_spoken_again(bench):
    """Of a term that was alone in its shard, whose table nothing asked for in the meantime."""
    entries = read_dictionaries([bench / DICTIONARY])
    shards = {one.surface: shard_tables(one.surface, bench=bench).pop() for one in entries}
    alone = next(name for name in shards if list(shards.values()).count(shards[name]) == 1)
    (line,) = (row for row in TERMS.splitlines(keepends=True) if row.startswith(alone))
    before = manifest(bench)
    bench.write(DICTIONARY, TERMS.replace(line, ""))
    bench.make("prune")
    bench.write(DICTIONARY, TERMS)
    bench.make(WINDOWS)
    assert manifest(bench) == before
    assert all((bench / row["audio"]).exists() for row in before)
