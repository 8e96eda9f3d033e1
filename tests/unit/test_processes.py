"""Training in two processes: the losses and weights are those of one."""

import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from accelerate import Accelerator
from safetensors.torch import load_file
from small_models import write_small_model
from small_trainings import RECIPE
from small_windows import sounding_windows

import fine_tune as script
from whisper_terms.errors import UserError
from whisper_terms.examples import IGNORED
from whisper_terms.processes import (
    leave_out,
    mean_over_processes,
    own_device,
    repeated_rows,
    share,
)
from whisper_terms.tables import write_table
from whisper_terms.windows import COLUMNS, window_rows

# The last batch of an epoch is a window short, which one of the processes must then lack.
ODD = RECIPE.model_copy(
    update={"cached_encoder": False, "kl": 0.5, "epochs": 3, "patience": 3, "batch_size": 4}
)


def norm(weights):
    return torch.cat([weight.flatten() for weight in weights]).norm()


@pytest.mark.slow
class TestTwoProcesses:
    @pytest.fixture(scope="class")
    def folder(self, tmp_path_factory):
        folder = tmp_path_factory.mktemp("training")
        write_small_model(folder / "model")
        windows = sounding_windows(folder, 3) + sounding_windows(folder, 4, kind="replay")
        windows += [replace(one, id=f"{one.id}-dev", split="dev") for one in windows]
        write_table(folder / "windows.tsv", COLUMNS, window_rows(windows))
        return folder

    def run(self, folder: Path, processes: int, name: str, code: str = script.__file__):
        arguments = "--base model --windows windows.tsv --first-voice one --device cpu --threads 2"
        environment = {name: value for name, value in os.environ.items() if "TORCH" not in name}
        return subprocess.run(
            [
                *(sys.executable, code, *arguments.split()),
                *("--state", f"state-{name}", "--output", f"out-{name}"),
                *("--recipe", ODD.to_json(), "--processes", str(processes)),
            ],
            cwd=folder,
            env=environment | {"PYTHONPATH": str(Path(script.__file__).parent)},
            capture_output=True,
            text=True,
        )

    def train(self, folder: Path, processes: int, name: str):
        """The weights and the loss of each epoch."""
        done = self.run(folder, processes, name)
        assert done.returncode == 0, done.stderr
        losses = [float(loss) for loss in re.findall(r"'(?:eval_)?loss': '([\d.]+)'", done.stdout)]
        return load_file(folder / f"out-{name}/model.safetensors"), losses

    @pytest.fixture(scope="class")
    def together(self, folder):
        return self.train(folder, 2, "together")

    def test_train_what_one_would(self, folder, together):
        before = load_file(folder / "model/model.safetensors")
        (alone, losses), (together, others) = self.train(folder, 1, "alone"), together
        # Of training and of the development set, for each epoch.
        assert len(losses) == 2 * ODD.epochs
        assert others == pytest.approx(losses, rel=1e-3)
        changed = norm([alone[name] - before[name] for name in before])
        assert norm([alone[name] - together[name] for name in before]) < 0.05 * changed

    def test_go_on_within_an_epoch(self, folder, together):
        # Each is killed in the second epoch's second step, the one with fewer windows; before it
        # came two steps of the first epoch, two of its evaluation, and one.
        code = folder / "interrupted.py"
        code.write_text(
            "import os, fine_tune\n"
            "from whisper_terms import timed_saving, training\n"
            "timed_saving.AFTER = timed_saving._SHARE = 0\n"
            "steps, real = iter(range(1, 99)), training.WindowTrainer.compute_loss\n"
            "training.WindowTrainer.compute_loss = (\n"
            "    lambda *a, **b: os._exit(9) if next(steps) == 6 else real(*a, **b)\n"
            ")\n"
            "fine_tune.main()\n"
        )
        assert self.run(folder, 2, "killed", str(code)).returncode == 9
        (newest,) = (folder / "state-killed").glob("*/checkpoint-3")
        assert (newest / "rng_state_1.pth").exists()
        expected, _ = together
        resumed, losses = self.train(folder, 2, "killed")
        assert len(losses) == 2 * (ODD.epochs - 1)
        assert all(torch.equal(expected[name], resumed[name]) for name in expected)

    def test_a_batch_that_can_not_be_shared(self, folder):
        done = self.run(folder, 3, "three")
        assert done.returncode == 2
        assert "3 processes can't share a batch of 4" in done.stderr
        assert "Traceback" not in done.stderr


class TestOwnDevice:
    """As in the second of two processes."""

    @pytest.fixture
    def taken(self, monkeypatch) -> list[int]:
        """The GPUs that this process has chosen, of two that seem to be here."""
        taken = []
        monkeypatch.setenv("LOCAL_WORLD_SIZE", "2")
        monkeypatch.setenv("LOCAL_RANK", "1")
        monkeypatch.setattr("torch.cuda.device_count", lambda: 2)
        monkeypatch.setattr("torch.cuda.set_device", taken.append)
        monkeypatch.setattr("whisper_terms.processes.choose_device", torch.device)
        return taken

    def test_each_has_a_gpu(self, taken):
        assert own_device("cuda") == torch.device("cuda")
        assert taken == [1]

    def test_the_cpu_is_shared(self, taken):
        assert own_device("cpu") == torch.device("cpu")
        assert taken == []

    def test_a_lone_process_chooses_none(self, taken, monkeypatch):
        monkeypatch.setenv("LOCAL_WORLD_SIZE", "1")
        assert own_device("cuda") == torch.device("cuda")
        assert taken == []

    def test_fewer_gpus_than_processes(self, taken, monkeypatch):
        monkeypatch.setattr("torch.cuda.device_count", lambda: 1)
        with pytest.raises(UserError, match=r"2 GPUs are asked for, and 1 are here"):
            own_device("cuda")
        assert taken == []


class TestShares:
    def test_threads(self, monkeypatch):
        assert (share(None), share(5)) == (None, 5)
        monkeypatch.setenv("WORLD_SIZE", "2")
        assert (share(5), share(1)) == (2, 1)

    def test_counts_of_a_lone_process_stay(self):
        assert mean_over_processes(torch.tensor(3.0), torch.tensor(2)) == (3.0, 2)


class TestRepeatedRows:
    def test_a_lone_process_repeats_none(self):
        assert range(4)[repeated_rows(4, 7, Accelerator())] == range(4, 4)

    # Three processes with two rows each share the last three examples of an epoch.
    @pytest.mark.parametrize(("process", "own"), [(0, [0, 1]), (1, [0]), (2, [])])
    def test_the_last_batch(self, process, own):
        state = SimpleNamespace(end_of_dataloader=True)
        accelerator = SimpleNamespace(num_processes=3, process_index=process, gradient_state=state)
        repeated = range(2)[repeated_rows(2, 6 + 3, accelerator)]
        assert [row for row in range(2) if row not in repeated] == own

    def test_they_count_for_nothing(self):
        inputs = {
            "labels": torch.ones(3, 5, dtype=torch.long),
            "weights": torch.ones(3, 5),
            "replay": torch.ones(3, dtype=torch.bool),
            "decoder_input_ids": torch.ones(3, 5),
        }
        left = leave_out(inputs, slice(2, 3), IGNORED)
        assert left["labels"].sum(1).tolist() == [5, 5, 5 * IGNORED]
        assert left["weights"].sum(1).tolist() == [5, 5, 0]
        assert left["replay"].tolist() == [True, True, False]
        assert inputs["replay"].all(), "the batch itself stays"
