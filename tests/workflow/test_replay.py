"""Replay from the user's own recordings, and by the base model's own words."""

from pathlib import Path

import pytest
from workbench import CONFIG, MODEL, RECORDINGS, ROOT, Workbench, command_of, tsv

from whisper_terms.tables import read_table
from whisper_terms.windows import read_windows

TABLE = "recordings/mine.tsv"
# Of the shipped recordings, with and without what is said in them.
OWN = [
    ("general_47.flac", "夜はよく眠れましたか？"),
    ("general_48.flac", "医者は若い女の人でした。"),
    ("general_49.flac", ""),
    ("general_50.flac", ""),
]
RECIPE = {"epochs": 1, "warmup_steps": 0, "replay_labels": "base"}
OWN_CONFIG = CONFIG | {
    "replay_recordings": [TABLE],
    "recipes": CONFIG["recipes"] | {"asking": RECIPE},
    "systems": ["base", "default", "asking"],
}
COPIES = "results/speech/recordings"
LABELS = f"results/{MODEL}/replay_labels"


@pytest.fixture
def own(bench) -> Workbench:
    """A workbench with recordings for replay."""
    for audio, _ in OWN:
        bench.write(f"recordings/{audio}", (ROOT / "recordings/demo" / audio).read_bytes())
    bench.write(TABLE, tsv([("audio", "text"), *OWN]))
    bench.configure(OWN_CONFIG)
    return bench


def test_they_are_checked_and_labelled_once(own):
    jobs = own.plan().jobs
    assert jobs["gather_replay"] == jobs["label_replay"] == jobs["encode_windows"] == 1
    assert jobs["fine_tune"] == 2


def test_a_layout_without_times_is_labelled_apart_and_needs_no_encodings(own):
    single = {"packed": False, "timestamps": False, "cached_encoder": False}
    recipes = OWN_CONFIG["recipes"] | {"plain": RECIPE | single}
    own.configure(OWN_CONFIG | {"recipes": recipes, "systems": ["base", "plain"]})
    plan = own.plan()
    assert plan.jobs["label_replay"] == 1 and "encode_windows" not in plan.jobs
    assert f"{LABELS}/single-untimed.tsv" in plan.output


def test_windows_of_misheard_terms_are_labelled_too(own):
    """What is selected, packed and encoded for the one is labelled for the other, and trained."""
    recipes = OWN_CONFIG["recipes"] | {"both": RECIPE | {"terms": "misheard"}}
    own.configure(OWN_CONFIG | {"recipes": recipes, "systems": ["base", "both"]})
    plan = own.plan("--printshellcmds")
    windows = f"results/{MODEL}/windows/packed-misheard.tsv"
    encodings = f"results/{MODEL}/encodings/packed-misheard.tsv"
    labels = f"{LABELS}/packed-misheard-timed.tsv"
    labelling, training, choosing = (
        command_of(plan, script) for script in ("label_replay", "fine_tune", "interpolate_weights")
    )
    assert f"--windows {windows} --encodings {encodings}" in labelling
    assert f"--output {labels}" in labelling
    for command in (training, choosing):
        assert f"--windows {labels} --encodings {encodings}" in command
    assert "pack_windows" not in plan.jobs and plan.jobs["label_replay"] == 1


def test_nobody_pays_for_what_is_not_asked(bench):
    jobs = bench.plan().jobs
    assert not jobs.keys() & {"gather_replay", "label_replay"}


def test_a_recording_longer_than_a_window_ends_before_speech_is_made(own):
    own.configure(OWN_CONFIG | {"windows": {"seconds": 1.5}})
    outcome = own.run("--cores", "1", "results/manifest.tsv")
    assert outcome.code != 0
    assert f"{TABLE}:2: is " in outcome.output and "cut it into shorter ones" in outcome.output
    assert "Traceback" not in outcome.output
    assert not [*Path(own / "results").rglob("*.wav")]


@pytest.mark.slow
def test_from_recordings_to_a_model(own):
    (own / "models" / MODEL).rmdir()
    (own / "models" / MODEL).symlink_to(ROOT / "models/whisper-nano-ja")
    own.make(f"results/{MODEL}/asking/checkpoint")

    recorded = read_table(own / COPIES / "replay.tsv")
    assert sorted(row["text"] for row in recorded) == sorted(text for _, text in OWN)
    manifest = read_table(own / "results/manifest.tsv")
    assert {row["audio"] for row in recorded} <= {row["audio"] for row in manifest}
    tested = {own / "recordings" / audio for audio, *_ in RECORDINGS}
    assert not {own / row["audio"] for row in manifest} & tested

    labelled = read_windows(own / LABELS / "packed-timed.tsv")
    asked = [one for one in labelled if one.is_replay and one.split == "train"]
    assert asked and all(one.answer for one in asked)
    assert all(one.answer is None for one in labelled if not one.is_replay)

    # The model is asked nothing again, and pruning takes the copies that are of no more use alone.
    answers = (own / LABELS / "packed-timed.tsv").read_bytes()
    own.write("recordings/general_50.flac", (own / "recordings/general_49.flac").read_bytes())
    own.make(f"{LABELS}/packed-timed.tsv")
    assert (own / LABELS / "packed-timed.tsv").read_bytes() != answers
    copies = {path.name for path in (own / COPIES / "store").rglob("*.wav")}
    own.make("prune")
    kept = {path.name for path in (own / COPIES / "store").rglob("*.wav")}
    used = {Path(row["audio"]).name for row in read_table(own / COPIES / "replay.tsv")}
    assert kept == used < copies
    assert all((own / "recordings" / audio).is_file() for audio, _ in OWN)
