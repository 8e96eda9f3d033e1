"""What the workflow costs by the size of the dictionary, from Snakemake's benchmark files."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from whisper_bench.markdown import percent, percent_with_interval, table
from whisper_terms.plots import new_figure, save_figure
from whisper_terms.report_costs import Cost, costs, duration, read_jobs
from whisper_terms.scoring.columns import EVAL
from whisper_terms.tables import TERMS, read_table

# The plot has the dearest stages only; the others lie on top of each other.
_STAGES_SHOWN = 6


@dataclass(frozen=True)
class Run:
    """The workflow, run for a dictionary.

    Attributes:
        terms: how many it taught.
        costs: of its stages, the dearest first.
        disk: bytes of what it keeps, by what it is.
        scores: rows of eval.tsv.
    """

    terms: int
    costs: Sequence[Cost]
    disk: Mapping[str, int]
    scores: Sequence[Mapping[str, str]]

    def seconds(self, stage: str) -> float:
        """Of all jobs of a stage, one after another."""
        return sum(cost.seconds for cost in self.costs if cost.stage == stage)

    def megabytes(self, stage: str) -> float:
        """The most memory that a job of a stage held; 0 where that is not known."""
        held = (cost.megabytes or 0.0 for cost in self.costs if cost.stage == stage)
        return max(held, default=0.0)


def read_run(results: Path, model: str) -> Run:
    """A run, from its folder of results.

    Args:
        results: the folder, see `results` in the configuration.
        model: the base model's name.
    """
    scores = read_table(results / model / "eval.tsv", EVAL)
    systems = list(dict.fromkeys(row["system"] for row in scores))
    jobs = read_jobs([results / "benchmarks", results / model / "benchmarks"])
    disk = {
        "speech": _bytes(results / "speech"),
        "encodings": _bytes(results / model / "encodings"),
    }
    terms = read_table(results / "terms.tsv", TERMS)
    return Run(len(terms), costs(jobs, systems), disk, scores)


def cost_table(runs: Sequence[Run]) -> str:
    """A line a stage, two columns a run: seconds of all its jobs, and the most memory."""
    header = ["stage"]
    for run in runs:
        header += [f"{run.terms:,} terms: jobs", "time", "peak MiB"]
    stages = list(dict.fromkeys(cost.stage for run in reversed(runs) for cost in run.costs))
    lines = []
    for stage in stages:
        line = [f"`{stage}`"]
        for run in runs:
            found = [cost for cost in run.costs if cost.stage == stage]
            jobs = sum(cost.jobs for cost in found)
            line += [str(jobs), duration(run.seconds(stage)), f"{run.megabytes(stage):.0f}"]
        lines.append(line)
    return table(header, lines, range(1, len(header)))


def summary_table(runs: Sequence[Run]) -> str:
    """A line a run and system: how well the sample of its terms is heard; and the disk."""
    header = [
        *("terms", "system", "term recall of the sample % (95 %)"),
        *("CER, general %", "U-CER, all %"),
        *("right→wrong, wrong→right, general", "speech MB", "encodings MB"),
    ]
    lines = []
    for run in runs:
        sets = {(row["system"], row["test_set"]): row for row in run.scores}
        for system in dict.fromkeys(row["system"] for row in run.scores):
            sample, general = sets[system, "sample"], sets[system, "general"]
            lines.append(
                [
                    f"{run.terms:,}",
                    system,
                    percent_with_interval(sample, "term_recall"),
                    percent(general, "cer"),
                    percent(sets[system, "all"], "u_cer"),
                    f"{general['right_to_wrong']}, {general['wrong_to_right']}",
                    *(f"{run.disk[what] / 1e6:.0f}" for what in ("speech", "encodings")),
                ]
            )
    return table(header, lines, range(1, len(header)))


def plot(runs: Sequence[Run], path: Path) -> None:
    """Terms against seconds of the dearest stages, and against the most memory of their jobs."""
    figure = new_figure(9, 4)
    time, memory = figure.subplots(1, 2)
    sizes = [run.terms for run in runs]
    dearest = dict.fromkeys(cost.stage for cost in runs[-1].costs)
    for stage in list(dearest)[:_STAGES_SHOWN]:
        time.plot(sizes, [run.seconds(stage) for run in runs], marker="o", label=stage)
        memory.plot(sizes, [run.megabytes(stage) for run in runs], marker="o", label=stage)
    for axes, label in ((time, "seconds, all jobs of the stage"), (memory, "peak MiB of a job")):
        axes.set_xscale("log")
        axes.set_xlabel("terms")
        axes.set_ylabel(label)
        axes.grid(alpha=0.3)
    time.set_yscale("log")
    time.legend(fontsize=7)
    memory.set_ylim(bottom=0)
    save_figure(figure, path)


def _bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
