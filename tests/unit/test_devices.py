"""The CPU: gradients are the same in every run, whatever the threads do; freed memory is kept."""

import platform
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from transformers.modeling_outputs import BaseModelOutput

from whisper_terms.base_model import load_base
from whisper_terms.devices import repeat_exactly

NANO = Path(__file__).parents[2] / "models" / "whisper-nano-ja"


def test_gradients_repeat():
    repeat_exactly(torch.device("cpu"))
    torch.set_num_threads(max(2, torch.get_num_threads()))
    model = load_base(str(NANO)).model
    model.get_encoder().requires_grad_(False)
    random = torch.Generator().manual_seed(0)
    heard = BaseModelOutput(last_hidden_state=torch.randn(4, 1500, 256, generator=random))
    tokens = torch.randint(50_000, (4, 180), generator=random)
    gradients = []
    for _ in range(3):
        model.zero_grad(set_to_none=True)
        model(encoder_outputs=heard, decoder_input_ids=tokens, labels=tokens).loss.backward()
        # Of the positions, every row of the batch adds to the same place.
        gradients.append(model.model.decoder.embed_positions.weight.grad.clone())
    assert all(torch.equal(one, gradients[0]) for one in gradients)


# Prints how many pages the system handed out for the last ten of many equal tensors.
FAULTS = """
import resource, sys, torch
sys.path.insert(0, "workflow_scripts")
from whisper_terms.devices import prepare_cpu
if sys.argv[1] == "keep":
    prepare_cpu(1)
    assert torch.get_num_threads() == 1
pages = []
for _ in range(30):
    torch.ones(16 << 20)
    pages.append(resource.getrusage(resource.RUSAGE_SELF).ru_minflt)
print(pages[-1] - pages[-11])
"""


def faults(argument: str) -> int:
    command = [sys.executable, "-c", FAULTS, argument]
    run = subprocess.run(command, cwd=NANO.parents[1], capture_output=True, text=True, check=True)
    return int(run.stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library")
def test_freed_memory_is_kept():
    assert faults("keep") < 1000 < faults("as it is")
