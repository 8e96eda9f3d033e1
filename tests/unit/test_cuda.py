"""What only a GPU shows; without one all of this is skipped."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from small_models import small_base
from small_trainings import RECIPE, changed, train, weights

from whisper_terms.devices import choose_device
from whisper_terms.encodings import encode_windows
from whisper_terms.examples import Collator, make_dataset
from whisper_terms.training import window_loss

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")

SCRIPTS = Path(__file__).resolve().parents[2] / "workflow_scripts"
# bfloat16 beside float32: its numbers have eight bits.
ROUNDING = 0.02


def loss_of(model, windows, base, encodings) -> float:
    """The loss over all windows, on the CPU."""
    rows = make_dataset(windows, base, "ja", True, encodings, 1.0, {})
    with torch.no_grad():
        return window_loss(model, Collator(50257)([*rows])).item()


@pytest.mark.parametrize(
    ("part", "cached"), [("decoder", True), ("decoder", False), ("lora", True), ("all", False)]
)
def test_a_gpu_trains_as_a_cpu_does(part, cached, make_base, windows, encodings, tmp_path):
    recipe = RECIPE.model_copy(update={"train": part, "kl": 0.5, "cached_encoder": cached})
    known = encodings if cached else {}
    losses = {}
    for device in ("cpu", "cuda"):
        base = make_base()
        before = weights(base.model)
        losses["before"] = loss_of(base.model, windows, base, known)
        model = train(base, windows, tmp_path / device, known, recipe, device)
        assert changed(before, weights(model)) and model.device.type == "cpu"
        losses[device] = loss_of(model, windows, base, known)
    learnt = losses["before"] - losses["cpu"]
    assert learnt > 0.1
    assert losses["cuda"] == pytest.approx(losses["cpu"], abs=0.1 * learnt)


def test_a_gpu_encodes_as_a_cpu_does(tokenizer, windows, tmp_path):
    base = small_base(tmp_path / "base", tokenizer)
    stored = {}
    for device in ("cpu", "cuda"):
        model = base.model.to(choose_device(device))
        files = encode_windows(windows, model, base.feature_extractor, tmp_path / device, "digest")
        stored[device] = np.stack([np.load(path) for path in files.values()]).astype(np.float32)
    deviation = np.abs(stored["cuda"] - stored["cpu"]).mean() / np.abs(stored["cpu"]).mean()
    assert deviation < ROUNDING


def test_a_gpu_without_memory_is_told():
    more = "torch.empty(1 << 60, dtype=torch.uint8, device='cuda')"
    code = f"import torch; from whisper_terms.errors import run_script; run_script(lambda: {more})"
    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=SCRIPTS, check=False
    )
    assert ran.returncode == 2 and "Traceback" not in ran.stderr
    assert "the GPU has too little memory" in ran.stderr and "batch_size" in ran.stderr
