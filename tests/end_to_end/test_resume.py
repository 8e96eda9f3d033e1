"""A training that is killed goes on where it was, and ends where it would have ended."""

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import psutil
import pytest
from workbench import MODEL, Workbench

from whisper_terms.tables import read_table

pytestmark = pytest.mark.slow

MADE = f"results/{MODEL}"
TRAINED = f"{MADE}/default"
LOG = f"{MADE}/logs/fine_tune/default.log"
WEIGHTS = f"{TRAINED}/checkpoint/model.safetensors"
FIRST_EPOCH = "'epoch': '1'"


@pytest.fixture(scope="module")
def killed(finished, tmp_path_factory) -> Workbench:
    """A workflow whose training was killed after its first checkpoint."""
    bench = without_training(finished, tmp_path_factory.mktemp("resume") / "bench")
    with bench.start(f"{TRAINED}/checkpoint") as process:
        wait_for_checkpoint(bench, process)
        kill_trainer(process)
        output, _ = process.communicate(timeout=300)
    assert process.returncode != 0, output.decode()
    return bench


def without_training(finished: Workbench, folder: Path) -> Workbench:
    """All that was made, but for one recipe's model and the table."""
    bench = finished.copy(folder)
    shutil.rmtree(bench / TRAINED)
    # With the table there, Snakemake would not miss what it was made from.
    (bench / MADE / "eval.tsv").unlink()
    return bench


def checkpoints(bench: Workbench) -> list[Path]:
    return list((bench / TRAINED).glob("state/*/checkpoint-*/trainer_state.json"))


def wait_for_checkpoint(bench: Workbench, process: subprocess.Popen) -> None:
    end = time.monotonic() + 300
    while not checkpoints(bench):
        assert process.poll() is None, "the training ended before it could be killed"
        assert time.monotonic() < end, "no checkpoint within five minutes"
        time.sleep(0.02)


def kill_trainer(process: subprocess.Popen) -> None:
    """Kill the script itself, as the system does when memory runs out."""
    for child in psutil.Process(process.pid).children(recursive=True):
        try:
            command = child.cmdline()
        except psutil.Error:
            continue  # It has just ended.
        # A process that waits to be collected has no command.
        python = command and "python" in command[0]
        if python and any(word.endswith("fine_tune.py") for word in command):
            os.kill(child.pid, signal.SIGKILL)
            return
    raise AssertionError("no training to kill")


def test_state_survives_and_no_half_model_is_left(killed):
    assert checkpoints(killed)
    assert not (killed / TRAINED / "trained").exists()


def test_resumed_training_is_the_unbroken_one(killed, finished, tmp_path):
    bench = killed.copy(tmp_path / "bench")
    bench.make(f"{MADE}/eval.tsv")
    assert FIRST_EPOCH in (finished / LOG).read_text()
    # Only a run that began with the checkpoint skips the first epoch.
    assert FIRST_EPOCH not in (bench / LOG).read_text()

    assert (bench / WEIGHTS).read_bytes() == (finished / WEIGHTS).read_bytes()
    assert measures(bench) == measures(finished)
    assert not checkpoints(bench)


def test_snakemake_itself_may_be_killed_too(finished, tmp_path):
    """As by a power cut: nobody tidies up, and the folder stays locked."""
    bench, target = without_training(finished, tmp_path / "bench"), f"{TRAINED}/checkpoint"
    with bench.start(target) as process:
        wait_for_checkpoint(bench, process)
    locked = bench.run(target)
    assert locked.code != 0
    assert "--unlock" in locked.output
    bench.make("--unlock")
    bench.make(target)
    assert FIRST_EPOCH not in (bench / LOG).read_text()
    assert (bench / WEIGHTS).read_bytes() == (finished / WEIGHTS).read_bytes()


def measures(bench: Workbench) -> list[dict[str, str]]:
    """The table without how long it took."""
    rows = read_table(bench / MADE / "eval.tsv")
    return [{name: value for name, value in row.items() if name != "rtf"} for row in rows]
