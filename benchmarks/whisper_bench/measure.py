"""Wall-clock time and peak memory of a command, or of a function in a process of its own."""

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from threading import Event, Thread
from typing import Any

import psutil

from whisper_terms.errors import Fault, UserError

# Seconds between two looks at the memory; a peak that is shorter may be missed.
_INTERVAL = 0.1
# Lines of a failed command's output that are shown.
_LAST_LINES = 20


@dataclass(frozen=True)
class Measurement:
    """What a command or function took.

    Attributes:
        seconds: wall-clock time.
        peak_mb: largest sum of the resident memory of the process and its children, in MB (10^6
            bytes). Pages that processes share are counted in each.
        result: a command's standard output and errors; what a function returned.
    """

    seconds: float
    peak_mb: float
    result: Any


def middle(measurements: Sequence[Measurement]) -> Measurement:
    """Several measurements of the same as one.

    The machine's speed drifts by a tenth and more within minutes, with its neighbours' load and its
    own warmth. Cases that take turns all get their share of that.

    Returns:
        The median of the times (of two their mean), the largest memory, the first result.
    """
    return Measurement(
        statistics.median(one.seconds for one in measurements),
        max(one.peak_mb for one in measurements),
        measurements[0].result,
    )


def measure_command(command: Sequence[str], folder: str | Path) -> Measurement:
    """Run a command in a folder.

    Raises:
        UserError: its exit status is not 0; the last lines of its output are shown.
    """
    start = time.perf_counter()
    process = subprocess.Popen(
        command,
        cwd=folder,
        env=clean_environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    with _watch(process.pid) as peak:
        output = process.communicate()[0].decode(errors="replace")
    seconds = time.perf_counter() - start
    if process.returncode:
        last = "\n".join(output.splitlines()[-_LAST_LINES:])
        raise UserError(Fault(f"{' '.join(command)} failed:\n{last}", "run it by hand"))
    return Measurement(seconds, peak[0] / 1e6, output)


def measure_call(function: Callable, *arguments) -> Measurement:
    """Call a function in a new process, which has none of this one's memory.

    Args:
        function: of a module, so that the process finds it by its name. Its own result may hold
            times that leave out loading and warming up.
        arguments: anything that can be pickled, as its result must be.
    """
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as executor:
        # Starts the process, whose number is then known.
        pid = executor.submit(os.getpid).result()
        with _watch(pid) as peak:
            start = time.perf_counter()
            result = executor.submit(function, *arguments).result()
            seconds = time.perf_counter() - start
    return Measurement(seconds, peak[0] / 1e6, result)


def snakemake(*arguments: str) -> list[str]:
    """The command that runs Snakemake, in this interpreter's environment."""
    return [sys.executable, "-m", "snakemake", *arguments]


def clean_environment() -> Mapping[str, str]:
    """The caller's environment without options for Snakemake, and with this Python first.

    PYTHONPATH is the benchmarks' own; the workflow needs none.
    """
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("SNAKEMAKE_") and name != "PYTHONPATH"
    }
    path = os.pathsep.join([str(Path(sys.executable).parent), kept.get("PATH", "")])
    return kept | {"PATH": path, "HF_HUB_OFFLINE": "1"}


@contextmanager
def _watch(pid: int):
    """Give a list whose one number grows to the largest memory in bytes during the block."""
    peak, done = [0], Event()

    def look() -> None:
        while not done.wait(_INTERVAL):
            peak[0] = max(peak[0], _memory(pid))

    thread = Thread(target=look, daemon=True)
    thread.start()
    try:
        yield peak
    finally:
        done.set()
        thread.join()


def _memory(pid: int) -> int:
    """Resident bytes of a process and its children; processes that just ended have none."""
    try:
        process = psutil.Process(pid)
        family = [process, *process.children(recursive=True)]
    except psutil.Error:
        return 0
    total = 0
    for one in family:
        try:
            total += one.memory_info().rss
        except psutil.Error:
            continue
    return total
