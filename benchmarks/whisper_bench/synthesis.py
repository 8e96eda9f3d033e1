"""How fast the workflow speaks a dictionary, against the engine in a bare loop."""

import os
import shutil
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import chdir
from functools import cache
from multiprocessing import get_context
from pathlib import Path

import yaml
from snakemake.utils import update_config

from whisper_bench.measure import Measurement, measure_call, measure_command, middle, snakemake
from whisper_bench.rows import Row, judge
from whisper_bench.scratch import CONFIG, RESULTS, make_scratch, workflow_arguments
from whisper_terms.carriers import read_carriers
from whisper_terms.speech.engine import SpokenText, Voice
from whisper_terms.tables import TERMS, read_table
from whisper_terms.utterances import plan_replay, plan_term, split_sentences
from whisper_terms.workflow import Plan, read_plan

PART = "synthesis"
MANIFEST = f"{RESULTS}/manifest.tsv"
ENGINE, OURS = "engine alone", "workflow"
# The largest overhead that the project wants, as a fraction.
_WANTED = 0.1
# How often the workflow and the engine take turns.
_ROUNDS = 2
# Utterances that a process takes at a time.
_BATCH = 16
Request = tuple[SpokenText, Voice]


def measure_synthesis(folder: Path, terms: int, replay: int) -> Iterator[dict[str, str]]:
    """The lines of the part.

    Args:
        folder: where the workflow runs; its speech is left there.
        terms: size of the dictionary.
        replay: replay sentences that are spoken too.
    """
    make_scratch(folder, terms, {"speech": {"replay_sentences": replay}})
    measured = [_measure_workflow(folder)]
    spoken = len(list((folder / RESULTS / "speech").glob("*/store/*/*.wav")))
    requests = asked_of(folder)
    if spoken != len(requests):
        raise ValueError(f"the workflow spoke {spoken} utterances, not {len(requests)}")
    size, cores = f"{terms} terms, {spoken} utterances", os.cpu_count() or 1
    measured.append(measure_call(speak_all, requests, cores))
    for _ in range(_ROUNDS - 1):
        measured += [_measure_workflow(folder), measure_call(speak_all, requests, cores)]
    ours, bare = middle(measured[::2]), middle(measured[1::2])
    engine = Row(PART, ENGINE, size, bare.seconds, spoken, "utterances", bare.peak_mb)
    overhead = ours.seconds / engine.seconds - 1
    target = judge(f"at most {_WANTED:.0%} over the engine", overhead <= _WANTED)
    row = Row(
        PART, OURS, size, ours.seconds, spoken, "utterances", ours.peak_mb, target, f"{cores} cores"
    )
    yield engine.cells()
    yield row.cells(engine)


def _measure_workflow(folder: Path) -> Measurement:
    """Speak everything, with nothing made before."""
    for made in (RESULTS, ".snakemake"):
        shutil.rmtree(folder / made, ignore_errors=True)
    return measure_command(snakemake(*workflow_arguments(MANIFEST)), folder)


def asked_of(folder: Path) -> list[Request]:
    """What the workflow in a folder speaks, each utterance once."""
    with chdir(folder):
        plan = read_scratch_plan()
        carriers = read_carriers(plan.config.carriers)
        tables = sorted(Path(RESULTS, "terms").glob("*.tsv"))
        terms = [row for table in tables for row in read_table(table, TERMS)]
        everyday = split_sentences(plan.sentences, plan.casting.held_out)
        wanted = [
            one for term in terms for one in plan_term(term, carriers, plan.casting, everyday)
        ]
        wanted += plan_replay(plan.sentences, plan.casting)
    # Voices of different names that sound alike share a wav, too.
    sounds = {(one.spoken, tuple(one.voice.settings().items())): one for one in wanted}
    return [(one.spoken, one.voice) for one in sounds.values()]


def read_scratch_plan() -> Plan:
    """The plan of the workflow in the current folder."""
    config = yaml.safe_load(Path("config.yaml").read_text(encoding="utf-8"))
    update_config(config, yaml.safe_load(Path(CONFIG).read_text(encoding="utf-8")))
    return read_plan(config, CONFIG)


def speak_all(requests: Sequence[Request], cores: int) -> None:
    """Speak in so many processes, and keep nothing."""
    with ProcessPoolExecutor(cores, mp_context=get_context("spawn")) as executor:
        firsts = range(0, len(requests), _BATCH)
        list(executor.map(_speak, [requests[first : first + _BATCH] for first in firsts]))


def _speak(requests: Sequence[Request]) -> None:
    for spoken, voice in requests:
        _engine().speak(spoken, voice)


@cache
def _engine():
    """The engine of this process; it takes a second to load."""
    from whisper_terms.speech.openjtalk import OpenJTalk

    return OpenJTalk()
