"""What a script tells that can't go on."""

import errno
import os

import pytest
import torch
from safetensors import SafetensorError

from whisper_terms.errors import run_script


def run(error: Exception) -> None:
    """Run a script that ends with this error."""

    def main():
        raise error

    run_script(main)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_no_defect_of_ours(capsys, number):
    with pytest.raises(SystemExit) as stop:
        run(OSError(number, os.strerror(number), "results/a.npy"))
    told = capsys.readouterr().err
    assert stop.value.code == 2 and "Traceback" not in told
    assert f"results/a.npy: nothing more can be written: {os.strerror(number)}" in told


def test_nor_is_one_that_weights_do_not_fit_on(capsys):
    with pytest.raises(SystemExit) as stop:
        run(SafetensorError(f"Error while serializing: I/O error: … (os error {errno.ENOSPC})"))
    assert stop.value.code == 2
    told = capsys.readouterr().err
    assert f"nothing more can be written: {os.strerror(errno.ENOSPC)}" in told


def test_a_gpu_without_memory_is_none_either(capsys):
    with pytest.raises(SystemExit) as stop:
        run(torch.OutOfMemoryError("CUDA out of memory.\nSee the documentation."))
    told = capsys.readouterr().err
    assert stop.value.code == 2 and "Traceback" not in told
    assert "the GPU has too little memory: CUDA out of memory.\n    cure: lower batch_size" in told
    assert "documentation" not in told


@pytest.mark.parametrize(
    "error", [OSError(errno.EIO, "Input/output error"), RuntimeError("odd"), SafetensorError("odd")]
)
def test_any_other_error_is_shown_whole(error):
    with pytest.raises(type(error)) as raised:
        run(error)
    assert raised.value is error
