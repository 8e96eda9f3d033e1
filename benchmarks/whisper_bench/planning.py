"""What Snakemake takes to find out what is to be done, before anything is made and after.

The baseline is a workflow with one job a wav, as one would write it first: one rule, a wav for
each term, the term among its params.
"""

import json
import re
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from whisper_bench.lexicon import draw_terms, write_dictionary
from whisper_bench.measure import Measurement, measure_command, middle, snakemake
from whisper_bench.rows import Row, judge
from whisper_bench.scratch import DICTIONARY, ROOT, make_scratch, workflow_arguments
from whisper_terms.errors import Fault, UserError
from whisper_terms.tables import write_text

PART = "planning"
OURS, ONE_JOB = "workflow", "one job a wav"
FRESH, DONE, EDITED = "dry run", "no-op", "dry run after an edit"
# Seconds and MB that the project wants: of plans of up to so many terms, and of larger ones.
_SMALL, _SMALL_SECONDS, _LARGE_SECONDS, _LARGE_MB = 10_123, 3.0, 30.0, 1000.0
# Plans that take less are planned so many times: a second is quickly lost to something else.
_SHORT, _TIMES = 10.0, 3
# Snakemake sleeps 0.1 s before it touches anything, which with thousands of jobs is minutes.
_QUICK = """
import sys
from snakemake.cli import main
from snakemake.executors.touch import Executor
Executor.SLEEPING_TIME = 0
main(sys.argv[1:])
"""
_TERMS_FILE = "terms.json"
_SNAKEFILE = f"""
import json

with open("{_TERMS_FILE}", encoding="utf-8") as source:
    TERMS = json.load(source)


rule all:
    input:
        expand("wav/{{number}}.wav", number=TERMS),


rule speak:
    output:
        "wav/{{number}}.wav",
    params:
        term=lambda wildcards: TERMS[wildcards.number],
    shell:
        "echo {{params.term:q}} > {{output}}"
"""


def measure_planning(sizes: Sequence[int], largest_baseline: int) -> Iterator[dict[str, str]]:
    """The lines of the part.

    Args:
        sizes: numbers of terms, ascending.
        largest_baseline: the baseline is measured up to so many terms; the lines of larger sizes
            are compared with that of the largest one measured, by terms a second.
    """
    baselines: dict[str, Row] = {}
    for size in sizes:
        if size <= largest_baseline:
            baselines = dict(_measure(ONE_JOB, size))
            yield from (row.cells() for row in baselines.values())
        for step, row in _measure(OURS, size):
            yield row.cells(baselines[step])


def outputs(summary: str) -> list[str]:
    """The files and directories that a plan makes, from the output of `snakemake --summary`.

    Raises:
        UserError: there is no table in it.
    """
    _, found, table = summary.partition("output_file\t")
    if not found:
        raise UserError(Fault("snakemake --summary shows no table", "run it by hand"))
    return [line.split("\t")[0] for line in table.splitlines()[1:] if "\t" in line]


def make_stand_ins(folder: Path, paths: Sequence[str]) -> None:
    """Make small files, and directories, in the place of what a workflow makes.

    A path without a suffix is a directory, as in all our rules.
    """
    for path in map(folder.joinpath, paths):
        if path.suffix:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("stand-in\n", encoding="utf-8")
        else:
            path.mkdir(parents=True, exist_ok=True)


def _measure(workflow: str, size: int) -> Iterator[tuple[str, Row]]:
    """The three plans of a workflow, by what is asked of them."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        prepare = _prepare_ours if workflow == OURS else _prepare_baseline
        arguments = prepare(folder, size)
        plan = snakemake(*arguments, "--dry-run", "--quiet", "all")
        fresh = _measure_plan(plan, folder)
        yield FRESH, _row(workflow, FRESH, size, fresh, _count_jobs(folder, arguments))
        _pretend_made(folder, arguments)
        # Not a dry run: whether there is nothing to do is what a user finds out by running it.
        done = _measure_plan(snakemake(*arguments), folder)
        _check_nothing_done(done.result)
        yield DONE, _row(workflow, DONE, size, done, 0)
        _edit(folder, size)
        edited = _measure_plan(plan, folder)
        yield EDITED, _row(workflow, EDITED, size, edited, _count_jobs(folder, arguments))


def _measure_plan(command: Sequence[str], folder: Path) -> Measurement:
    """Run a command that makes nothing; a short one several times."""
    first = measure_command(command, folder)
    times = _TIMES if first.seconds < _SHORT else 1
    return middle([first] + [measure_command(command, folder) for _ in range(1, times)])


def _prepare_ours(folder: Path, size: int) -> list[str]:
    make_scratch(folder, size, {})
    return workflow_arguments()


def _prepare_baseline(folder: Path, size: int) -> list[str]:
    # The same options of Snakemake for both.
    (folder / "profiles").symlink_to(ROOT / "profiles")
    write_text(folder / "Snakefile", _SNAKEFILE)
    _write_terms(folder, dict(draw_terms(size)))
    return ["--cores", "all"]


def _write_terms(folder: Path, readings: dict[str, str]) -> None:
    terms = {f"{number:06d}": list(term) for number, term in enumerate(readings.items())}
    write_text(folder / _TERMS_FILE, json.dumps(terms, ensure_ascii=False))


def _pretend_made(folder: Path, arguments: Sequence[str]) -> None:
    """Leave behind what a whole run would: outputs, their times and Snakemake's records of them."""
    summary = measure_command(snakemake(*arguments, "--summary"), folder).result
    make_stand_ins(folder, outputs(summary))
    # Forced, since all is there already, and only of what was touched there are records. Many at
    # a time, since each round of the scheduler looks through all jobs that wait.
    touch = [sys.executable, "-c", _QUICK, *arguments, "--cores", "1000", "--touch", "--forceall"]
    measure_command([*touch, "--quiet", "all"], folder)


def _edit(folder: Path, size: int) -> None:
    """Give the term in the middle another reading, in either kind of folder."""
    readings = dict(draw_terms(size))
    surface = list(readings)[size // 2]
    readings[surface] += "ノ"
    if (folder / _TERMS_FILE).exists():
        _write_terms(folder, readings)
    else:
        write_dictionary(folder / DICTIONARY, readings)


def _count_jobs(folder: Path, arguments: Sequence[str]) -> int:
    """How many jobs a dry run would start."""
    command = snakemake(*arguments, "--dry-run", "--quiet", "rules")
    found = re.search(r"^total +(\d+)", measure_command(command, folder).result, re.MULTILINE)
    return int(found[1]) if found else 0


def _check_nothing_done(output: str) -> None:
    if "Nothing to be done" not in output:
        last = "\n".join(output.splitlines()[-10:])
        raise UserError(Fault(f"the no-op did something:\n{last}", "see make_stand_ins"))


def _row(workflow: str, step: str, size: int, measured: Measurement, jobs: int) -> Row:
    return Row(
        PART,
        f"{workflow}: {step}",
        f"{size} terms",
        measured.seconds,
        size,
        "terms",
        measured.peak_mb,
        _target(step, size, measured) if workflow == OURS else "",
        f"{jobs} jobs",
    )


def _target(step: str, size: int, measured: Measurement) -> str:
    if size > _SMALL:
        met = measured.seconds < _LARGE_SECONDS and measured.peak_mb < _LARGE_MB
        return judge(f"under {_LARGE_SECONDS:g} s and {_LARGE_MB:g} MB", met)
    if step == EDITED:
        return ""
    return judge(f"under {_SMALL_SECONDS:g} s", measured.seconds < _SMALL_SECONDS)
