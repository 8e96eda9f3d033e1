"""What the stages of the workflow cost, from Snakemake's benchmark files."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from whisper_terms.errors import Fault, UserError
from whisper_terms.tables import read_table

# Rules whose jobs are each for one system, or for the base model's weights.
_OF_SYSTEMS = {
    "fine_tune",
    "interpolate_weights",
    "export_openai",
    "export_ctranslate2",
    "export_ggml",
    "export_onnx",
    "transcribe",
}


@dataclass(frozen=True)
class Job:
    """A benchmark file.

    Attributes:
        stage: the name of the rule: the first name in the file's path.
        names: the other names in its path, of which one may be a system.
        seconds: of wall clock.
        megabytes: the most memory that it held, or None if not measured.
    """

    stage: str
    names: tuple[str, ...]
    seconds: float
    megabytes: float | None


@dataclass(frozen=True)
class Cost:
    """The jobs of one stage, of one system if they belong to one.

    Attributes:
        stage: the name of the rule.
        system: the system, or "".
        jobs: how many.
        seconds: of wall clock, summed over the jobs.
        megabytes: the most memory that a job held, or None if not measured.
        share: seconds as a fraction of the dearest line's.
    """

    stage: str
    system: str
    jobs: int
    seconds: float
    megabytes: float | None
    share: float


def read_jobs(folders: Iterable[str | Path]) -> list[Job]:
    """Read FOLDER/{stage}/…/*.tsv and FOLDER/{stage}.tsv, as Snakemake's `benchmark:` writes them.

    A folder that is not there holds no jobs: results are often copied without their benchmarks, and
    that must not cost the report.

    Raises:
        UserError: files are no benchmarks.
    """
    jobs, faults = [], []
    for folder in map(Path, folders):
        for path in sorted(folder.rglob("*.tsv")):
            try:
                jobs.append(_read_job(folder, path))
            except UserError as error:
                faults += error.faults
    if faults:
        raise UserError(faults)
    return jobs


def costs(jobs: Iterable[Job], systems: Sequence[str]) -> list[Cost]:
    """Sum the jobs by stage and system, the dearest first.

    What was made for a system that is not compared is left out.
    """
    groups: dict[tuple[str, str], list[Job]] = {}
    for job in jobs:
        system = next((name for name in job.names if name in systems), "")
        if job.stage in _OF_SYSTEMS and not system:
            continue
        groups.setdefault((job.stage, system), []).append(job)
    totals = {key: sum(job.seconds for job in group) for key, group in groups.items()}
    dearest = max(totals.values(), default=0)
    return [
        Cost(
            stage=stage,
            system=system,
            jobs=len(groups[stage, system]),
            seconds=seconds,
            megabytes=max(
                (j.megabytes for j in groups[stage, system] if j.megabytes), default=None
            ),
            share=seconds / dearest if dearest else 0.0,
        )
        for (stage, system), seconds in sorted(totals.items(), key=lambda item: -item[1])
    ]


def duration(seconds: float) -> str:
    """A length of time as one would say it."""
    if seconds < 90:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 90:
        return f"{minutes} min {rest:02d} s"
    return f"{minutes // 60} h {minutes % 60:02d} min"


def _read_job(folder: Path, path: Path) -> Job:
    """One file; of a job that was measured several times, the mean."""
    rows = read_table(path, ["s"])
    names = path.relative_to(folder).with_suffix("").parts
    try:
        seconds = [float(row["s"]) for row in rows]
    except ValueError as error:
        raise UserError(Fault(f"not a number of seconds: {error}", file=path)) from None
    if not seconds:
        raise UserError(Fault("holds no measurement", "remove it or run the job again", path))
    memory = [value for row in rows if (value := _number(row.get("max_rss", ""))) is not None]
    return Job(names[0], names[1:], sum(seconds) / len(seconds), max(memory, default=None))


def _number(cell: str) -> float | None:
    """Snakemake writes NA or - where it could not measure."""
    try:
        return float(cell)
    except ValueError:
        return None
