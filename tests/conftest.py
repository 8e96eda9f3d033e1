"""Workbenches: copies of the workflow for tests that run Snakemake."""

import csv
import io

import pytest
import soundfile
from workbench import CONFIG, MODEL, RECORDINGS, TERMS, Workbench, add_inputs, copy_workflow
from workbench import write_recordings as write_table

# What a shell, a path, HTML or CSV would read something into, and how it is said.
HOSTILE = {
    "$(touch pwned-$RANDOM); \"a/b'…": "ドルタッチ",
    "<script>alert(1)</script>": "スクリプト",
    "`id >pwned`": "アイディー",
}


@pytest.fixture(scope="session")
def shipped(tmp_path_factory) -> Workbench:
    """A copy of the workflow alone, to be copied again."""
    return copy_workflow(tmp_path_factory.mktemp("workflow") / "shipped")


@pytest.fixture(scope="session")
def small(shipped, tmp_path_factory) -> Workbench:
    """The workflow with small inputs and an empty folder for a model, to be copied again."""
    bench = shipped.copy(tmp_path_factory.mktemp("workflow") / "small")
    add_inputs(bench)
    return bench


@pytest.fixture
def bench(small, tmp_path) -> Workbench:
    """The workflow with small inputs, to change."""
    return small.copy(tmp_path / "bench")


@pytest.fixture(scope="session")
def hostile() -> dict[str, str]:
    """Terms that must stay text, with their readings."""
    return HOSTILE


@pytest.fixture(scope="session")
def finished(small, hostile, tmp_path_factory) -> Workbench:
    """The whole workflow, run once with a random model; to be read, or copied again.

    Its dictionary and its transcripts hold hostile terms, and one of its recordings is a stereo
    MP3 at 44.1 kHz.
    """
    # Here, since it needs torch, and tests of plans and inputs don't.
    from unit.small_models import write_small_model

    bench = small.copy(tmp_path_factory.mktemp("workflow") / "finished")
    write_small_model(bench / "models" / MODEL)
    text = io.StringIO()
    csv.writer(text).writerows(hostile.items())
    bench.write("dictionaries/terms.csv", TERMS + text.getvalue())
    rows = [(audio, said, test_set) for audio, _, said, test_set in RECORDINGS]
    rows[1] = (rows[1][0], "、".join(hostile), "terms")
    rows[3] = ("teeth.mp3", *rows[3][1:])
    write_table(bench, rows)
    samples, _ = soundfile.read(bench / "recordings/teeth.flac")
    stereo = samples.repeat(3)[:, None].repeat(2, axis=1)
    soundfile.write(bench / "recordings/teeth.mp3", stereo, 44_100)
    bench.configure(CONFIG)
    bench.make()
    return bench
