"""Commands of the documentation: Snakemake plans them, scripts know their options."""

import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec

import pytest
import yaml
from workbench import ROOT, TERMS, Workbench

PAGES = sorted(
    page
    for pattern in ("*.md", "docs/*.md", "*/README.md", "benchmarks/*/README.md", "models/*/*.md")
    for page in ROOT.glob(pattern)
)
HAS_SLURM = bool(find_spec("snakemake_executor_plugin_slurm"))
# A line that begins with a prompt, with those that it goes on in.
_COMMAND = re.compile(r"^\$ ((?:.*\\\n)*.*)$", re.MULTILINE)
FOLDERS = ["dictionaries", "recordings", "models", "benchmarks", "docs"]
PATHS = ["benchmarks", "workflow_scripts"]


def documented(program: str) -> Iterator:
    """The arguments of a program in the pages' console blocks, each once."""
    seen = set()
    for page in PAGES:
        for block in re.findall(r"^```console\n(.*?)^```", page.read_text(), re.M | re.S):
            for command in _COMMAND.findall(block):
                words = shlex.split(command.replace("\\\n", " "), comments=True)
                if words[:1] == [program] and tuple(words) not in seen:
                    seen.add(tuple(words))
                    name = f"{page.relative_to(ROOT)}: {' '.join(words[1:3])}"
                    yield pytest.param(words[1:], id=name)


@pytest.fixture(scope="module")
def clone(shipped, tmp_path_factory) -> Workbench:
    """All that is shipped, and the files of one's own that the pages speak of."""
    bench = shipped.copy(tmp_path_factory.mktemp("documented") / "clone")
    for name in FOLDERS:
        (bench / name).symlink_to(ROOT / name)
    shutil.copy2(ROOT / "config.yaml", bench / "config.yaml")
    bench.write("results/scale/terms.csv", TERMS)
    bench.write("results/scale/sample.flac", (ROOT / "recordings/demo/terms_01.flac").read_bytes())
    sample = "audio\ttext\ttest_set\nsample.flac\t足の痙攣で目が覚めました。\tsample\n"
    bench.write("results/scale/sample.tsv", sample)
    # The sources of the bundled model, which the pages say how to get.
    full = yaml.safe_load((ROOT / "models/whisper-nano-ja/build/full.yaml").read_text())
    for path in paths_of(full):
        if path.startswith("sources/"):
            bench.write(path, "")
    return bench


def paths_of(value) -> Iterator[str]:
    """The texts of a configuration."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for one in value.values() if isinstance(value, dict) else value:
            yield from paths_of(one)


def test_there_are_some():
    assert len(list(documented("snakemake"))) > 4 and len(list(documented("python"))) > 4


@pytest.mark.parametrize("arguments", documented("snakemake"))
def test_snakemake_plans_it(clone, arguments):
    if "profiles/slurm" in arguments and not (HAS_SLURM and shutil.which("conda")):
        pytest.skip("no executor plugin for Slurm, or no conda")
    outcome = clone.plan(*arguments)
    assert outcome.jobs, outcome.output


@pytest.mark.parametrize("arguments", documented("python"))
def test_the_script_knows_its_options(arguments):
    script, *given = arguments
    command = [sys.executable, ROOT / script, "--help"]
    environment = {"PYTHONPATH": ":".join(str(ROOT / one) for one in PATHS), "COLUMNS": "200"}
    run = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    options = {word.partition("=")[0] for word in given if word.startswith("--")}
    assert options <= set(re.findall(r"--[\w-]+", run.stdout)), run.stdout
    # What must be given is given: argparse shows the rest in brackets.
    usage = re.sub(r"\[[^\]]*\]", "", run.stdout.partition("\n\n")[0])
    assert set(re.findall(r"--[\w-]+", usage)) <= options
