"""A folder with a copy of the workflow, in which tests run Snakemake as a user does."""

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[1]
WORKFLOW = ["Snakefile", "workflow", "rules", "workflow_scripts", "envs", "profiles"]
MODEL = "tiny-test"
RESULTS = Path("results")

TERMS = (
    "surface,reading\n"
    "痙攣,ケイレン\n心窩部痛,シンカブツウ\n嚥下障害,エンゲショウガイ\n動悸,ドウキ\n"
)
CARRIERS = (
    "class\ttemplate\n"
    "general\t昨日から{term}があります。\n"
    "general\t{term}について話します。\n"
    "general\tこれは{term}です。\n"
)
REPLAY = (
    "今日は晴れです。\n明日は雨が降ります。\n駅まで歩きます。\n"
    "お茶を飲みます。\n本を読みました。\n電車が来ました。\n"
)
# Audio, the shipped recording that it is a copy of, what is said, test set.
RECORDINGS = [
    ("spasm.flac", "demo/terms_01.flac", "足の痙攣で目が覚めました。", "terms"),
    ("pain.flac", "demo/terms_02.flac", "心窩部痛は食べすぎた夜に起きました。", "terms"),
    ("name.flac", "demo/general_45.flac", "受付で名前を書きました。", "general"),
    ("teeth.flac", "demo/general_46.flac", "歯を磨いてから寝ます。", "general"),
]
# Fast enough to see the loss fall.
DEFAULT = {"epochs": 4, "learning_rate": 0.005, "warmup_steps": 0, "term_weight": 3.0}
BLOG = {
    "utterances": "isolated",
    "voices": "first",
    "packed": False,
    "timestamps": False,
    "replay": 0.0,
    "train": "all",
    "cached_encoder": False,
    "epochs": 1,
    "warmup_steps": 0,
}
CONFIG = {
    "dictionaries": ["dictionaries/terms.csv"],
    "recordings": ["recordings/test.tsv"],
    "carriers": "dictionaries/carriers.tsv",
    "sentences": [],
    "replay": "dictionaries/replay.txt",
    "models": {MODEL: f"models/{MODEL}"},
    "model": MODEL,
    "speech": {
        "shards": 4,
        "voices": [
            {"name": "one"},
            {"name": "two", "half_tone": -5.0},
            {"name": "held-out", "half_tone": 3.0},
        ],
        "isolated_per_term": 1,
        "carriers_per_term": 2,
    },
    "development": {"fraction": 0.2, "voices": ["held-out"]},
    "recipes": {"default": DEFAULT, "blog-1": BLOG},
    "systems": ["base", "base-prompt", "base-corrected", "default", "blog-1"],
    "evaluation": {"bootstrap": 20},
    "export": {"formats": ["ctranslate2", "ggml", "onnx"]},
    "device": "cpu",
}


@dataclass(frozen=True)
class Outcome:
    """What a run of Snakemake left: its exit status and all that it printed."""

    code: int
    output: str

    @property
    def jobs(self) -> dict[str, int]:
        """How many jobs of each rule were planned; empty if there was nothing to do."""
        rows = re.findall(r"^(\w+) +(\d+)$", self.output, re.MULTILINE)
        return {rule: int(count) for rule, count in rows if rule != "total"}

    @property
    def nothing_to_do(self) -> bool:
        return "Nothing to be done" in self.output


class Workbench:
    """A copy of the workflow with inputs of its own."""

    def __init__(self, folder: Path):
        self.folder = folder

    def __truediv__(self, path: str | Path) -> Path:
        return self.folder / path

    def write(self, path: str, content: str | bytes) -> Path:
        """Write an input; its folder is made when needed."""
        target = self.folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content if isinstance(content, bytes) else content.encode())
        return target

    def configure(self, config: Mapping) -> None:
        """Write the configuration."""
        self.write("config.yaml", yaml.safe_dump(config, allow_unicode=True, sort_keys=False))

    def command(self, *arguments: str) -> list[str]:
        """How Snakemake is called: two jobs at a time unless the arguments name a number.

        Each job has one thread, which is quick enough, and no slower where others use the machine.
        """
        here = [] if "--cores" in arguments else ["--cores", "2", "--max-threads", "1"]
        return [sys.executable, "-m", "snakemake", *here, *arguments]

    def environment(self) -> dict[str, str]:
        """The caller's environment, without a network and without profiles of the user's own."""
        mine = {k: v for k, v in os.environ.items() if not k.startswith(("SNAKEMAKE_", "HF_"))}
        path = os.pathsep.join([str(Path(sys.executable).parent), mine.get("PATH", "")])
        return mine | {"PATH": path, "HF_HUB_OFFLINE": "1", "HF_HOME": str(self / "hub")}

    @contextmanager
    def start(self, *arguments: str) -> Iterator[subprocess.Popen]:
        """Snakemake, running here; it and its jobs end with the block."""
        process = subprocess.Popen(
            self.command(*arguments),
            cwd=self.folder,
            env=self.environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            # A group of its own, to end with all its jobs.
            start_new_session=True,
        )
        try:
            yield process
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.communicate()

    def run(self, *arguments: str) -> Outcome:
        """Run Snakemake here."""
        with self.start(*arguments) as process:
            output, _ = process.communicate(timeout=1200)
        return Outcome(process.returncode, output.decode(errors="replace"))

    def plan(self, *arguments: str) -> Outcome:
        """A dry run, which must succeed."""
        outcome = self.run("--dry-run", *arguments)
        assert outcome.code == 0, outcome.output
        return outcome

    def make(self, *targets: str) -> Outcome:
        """A run, which must succeed."""
        outcome = self.run(*targets)
        assert outcome.code == 0, outcome.output
        return outcome

    def copy(self, folder: Path) -> "Workbench":
        """The same elsewhere, with what was made, and with its times."""
        shutil.copytree(self.folder, folder, symlinks=True)
        return Workbench(folder)


def copy_workflow(folder: Path) -> Workbench:
    """Copy the workflow as it is shipped, without its inputs and its configuration."""
    bench = Workbench(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for name in WORKFLOW:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, bench / name)
        else:
            shutil.copy2(source, bench / name)
    return bench


def add_inputs(bench: Workbench) -> None:
    """Add a small dictionary, four recordings and the configuration for them; no model yet."""
    bench.write("dictionaries/terms.csv", TERMS)
    bench.write("dictionaries/carriers.tsv", CARRIERS)
    bench.write("dictionaries/replay.txt", REPLAY)
    write_recordings(bench, [(audio, text, test_set) for audio, _, text, test_set in RECORDINGS])
    for audio, source, *_ in RECORDINGS:
        bench.write(f"recordings/{audio}", (ROOT / "recordings" / source).read_bytes())
    (bench / "models" / MODEL).mkdir(parents=True)
    bench.configure(CONFIG)


def write_recordings(bench: Workbench, rows: Sequence[tuple[str, str, str]]) -> None:
    """Write the table of recordings: audio, text, test set."""
    bench.write("recordings/test.tsv", tsv([("audio", "text", "test_set"), *rows]))


def tsv(rows: Iterable[Sequence[object]]) -> str:
    """Rows as a tab-separated table."""
    return "".join("\t".join(map(str, row)) + "\n" for row in rows)


def command_of(plan: Outcome, script: str) -> str:
    """The one command that runs a script."""
    (command,) = (one for one in commands(plan) if f"/{script}.py " in one)
    return command


def commands(plan: Outcome) -> set[str]:
    """The commands of a plan that was made with --printshellcmds."""
    return set(re.findall("^Shell command: (.+)$", plan.output, re.MULTILINE))
