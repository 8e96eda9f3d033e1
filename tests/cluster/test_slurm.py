"""Jobs on a real Slurm, through profiles/slurm. README.md beside this file sets one up."""

import re
import shutil
import subprocess
from importlib.util import find_spec

import pytest
from workbench import CONFIG, MODEL, TERMS, Outcome, Workbench

THREE_TERMS = "".join(TERMS.splitlines(keepends=True)[:4])
# Not the defaults, to see them arrive.
RESOURCES = {
    "memory_mb": 1500,
    "runtime_minutes": 31,
    "training_memory_mb": 1600,
    "training_runtime_minutes": 32,
}


def ask(*command: str) -> str | None:
    """What a command of Slurm answers, or None if it is missing or fails."""
    if not shutil.which(command[0]):
        return None
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    return done.stdout if done.returncode == 0 else None


def why_not() -> str:
    """What is missing for these tests; empty if nothing is."""
    if not find_spec("snakemake_executor_plugin_slurm"):
        return "no executor plugin for Slurm: pip install snakemake-executor-plugin-slurm"
    if not shutil.which("sbatch"):
        return "no Slurm here (tests/cluster/README.md)"
    if not ask("sinfo", "--noheader", "--responding"):
        return "no node of Slurm answers: sinfo"
    return ""


REASON = why_not()
pytestmark = [pytest.mark.slow, pytest.mark.skipif(bool(REASON), reason=REASON)]


class ClusterBench(Workbench):
    """A workbench whose jobs run on the cluster."""

    def command(self, *arguments: str) -> list[str]:
        plain = [word for word in super().command("--cores", *arguments) if word != "--cores"]
        # A log is proof that a node ran the job, and jobs this short need not be left alone for
        # the usual 40 s.
        options = ["--slurm-keep-successful-logs", "--slurm-init-seconds-before-status-checks", "5"]
        if ask("sacct", "--noheader") is None and "--slurm-status-command" not in arguments:
            options += ["--slurm-status-command", "squeue"]
        return [*plain, "--workflow-profile", "profiles/slurm", *options]

    def logs(self) -> set[str]:
        """The numbers of the jobs that a node wrote a log for."""
        return {path.stem for path in (self / ".snakemake/slurm_logs").rglob("*.log")}


def submitted(outcome: Outcome) -> list[str]:
    """Slurm's numbers of the jobs of a run, in order."""
    return re.findall(r"has been submitted with SLURM jobid (\d+)", outcome.output)


def slurm_job(number: str) -> dict[str, str]:
    """What Slurm knows of a job; it forgets one some minutes after its end."""
    answer = ask("scontrol", "--oneliner", "show", "job", number) or ""
    return dict(word.split("=", 1) for word in answer.split() if "=" in word)


@pytest.fixture(scope="module")
def cluster(small, tmp_path_factory) -> ClusterBench:
    """The workflow with three terms and a random model."""
    # Here, since it needs torch, which a machine without Slurm need not load for nothing.
    from unit.small_models import write_small_model

    bench = ClusterBench(small.copy(tmp_path_factory.mktemp("cluster") / "bench").folder)
    write_small_model(bench / "models" / MODEL)
    bench.write("dictionaries/terms.csv", THREE_TERMS)
    bench.configure(CONFIG | {"resources": RESOURCES})
    return bench


@pytest.fixture(scope="module")
def packed(cluster) -> Outcome:
    """The way from the dictionary to windows, every job of it on the cluster."""
    return cluster.make("results/terms.tsv", "results/windows/packed.tsv")


def test_every_job_ran_on_the_cluster(cluster, packed):
    jobs = submitted(packed)
    assert len(jobs) == sum(packed.jobs.values())
    assert {"check_dictionary", "synthesise_shard", "build_manifest", "pack_windows"} <= set(
        packed.jobs
    )
    assert set(jobs) == cluster.logs()
    accounts = ask("sacct", "-X", "--noheader", "--format=State", "--jobs", ",".join(jobs))
    assert accounts is None or accounts.split() == ["COMPLETED"] * len(jobs)


def test_slurm_is_told_memory_time_and_rule(packed):
    job = slurm_job(submitted(packed)[-1])
    assert job["JobState"] == "COMPLETED"
    assert job["MinMemoryNode"] == "1500M"
    assert job["TimeLimit"] == "00:31:00"
    assert "pack_windows" in job["Comment"]


def test_outputs_are_whole(cluster, packed):
    terms = (cluster / "results/terms.tsv").read_text()
    manifest = (cluster / "results/manifest.tsv").read_text()
    for row in THREE_TERMS.splitlines()[1:]:
        surface, reading = row.split(",")
        assert surface in terms and reading[:2] in terms
        assert surface in manifest
    assert len((cluster / "results/windows/packed.tsv").read_text().splitlines()) > 1


def test_nothing_is_left_to_do(cluster, packed):
    assert cluster.plan("results/terms.tsv", "results/windows/packed.tsv").nothing_to_do


@pytest.mark.skipif(
    "gpu" not in (ask("sinfo", "--noheader", "--format=%G") or ""), reason="no GPU in this Slurm"
)
def test_gpu_job(cluster, packed):
    """The jobs' states come from squeue here, as on a cluster without accounting."""
    target = f"results/{MODEL}/encodings/packed.tsv"
    outcome = cluster.make(target, "--slurm-status-command", "squeue")
    assert (cluster / target).exists()
    job = slurm_job(submitted(outcome)[-1])
    assert "encode_windows" in job["Comment"]
    assert re.fullmatch(r"gres[:/]gpu:1", job["TresPerJob"])
    assert (job["NumCPUs"], job["CPUs/Task"]) == ("8", "8")
    assert (job["MinMemoryNode"], job["TimeLimit"]) == ("1600M", "00:32:00")


def test_fault_is_shown(cluster, packed):
    """What a job says before it fails, on a node, comes to the user; the job is tried twice."""
    broken = ClusterBench(cluster.copy(cluster.folder.parent / "broken").folder)
    broken.write("workflow_scripts/pack_windows.py", 'raise SystemExit("nothing fits")\n')
    before = broken.logs()
    outcome = broken.run("results/windows/single.tsv")
    assert outcome.code != 0
    assert "nothing fits" in outcome.output
    assert len(submitted(outcome)) == len(broken.logs() - before) == 2
