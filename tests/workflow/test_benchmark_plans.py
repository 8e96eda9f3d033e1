"""What the benchmarks' own workflow plans to do."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from workbench import ROOT, Outcome


@pytest.fixture
def folder(tmp_path) -> Path:
    for name in ("recordings", "models"):
        (tmp_path / name).symlink_to(ROOT / name)
    return tmp_path


def plan(folder: Path, *targets: str, config: str = "config.yaml") -> Outcome:
    snakefile, config = (str(ROOT / "benchmarks" / name) for name in ("Snakefile", config))
    done = subprocess.run(
        [
            *(sys.executable, "-m", "snakemake", "-s", snakefile, "--configfile", config),
            *("--cores", "1", "--dry-run", *targets),
        ],
        cwd=folder,
        env={name: value for name, value in os.environ.items() if "SNAKEMAKE" not in name},
        capture_output=True,
        text=True,
    )
    return Outcome(done.returncode, done.stdout + done.stderr)


def test_times_are_measured_apart_once_there_are_models(folder):
    missing = plan(folder, "timestamps")
    assert missing.code and "results/nano/nano/model.pt" in missing.output
    for name in ("base", "nano"):
        (folder / f"results/nano/{name}").mkdir(parents=True)
        (folder / f"results/nano/{name}/model.pt").touch()
    planned = plan(folder, "timestamps")
    jobs = {"measure_timestamps": 1, "render_timestamps": 1, "timestamps": 1}
    assert planned.jobs == jobs, planned.output
    assert "docs/timestamps.md" in planned.output


@pytest.mark.parametrize("config", ["config.yaml", "tiny.yaml"])
def test_the_other_parts_need_no_model_of_the_workflow(folder, config):
    planned = plan(folder, config=config)
    assert planned.jobs["render_page"] == planned.jobs["measure_transcription"] == 1
    assert not any("timestamps" in rule for rule in planned.jobs), planned.output
