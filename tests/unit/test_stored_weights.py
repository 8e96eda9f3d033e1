"""Weights that are read from the disk one by one."""

import pytest
import torch
from small_models import write_small_model

from whisper_terms.base_model import load_base
from whisper_terms.errors import UserError
from whisper_terms.stored_weights import StoredWeights


def test_they_are_the_model_s(tmp_path):
    model = write_small_model(tmp_path / "model")
    stored, loaded = StoredWeights(model), dict(load_base(str(model)).model.named_parameters())
    assert set(stored) == set(loaded) and len(stored) == len(loaded)
    for name, weight in loaded.items():
        assert stored[name].dtype == torch.float32
        assert torch.equal(stored[name], weight)
    with pytest.raises(KeyError):
        stored["proj_out.weights"]


def test_a_model_without_them(tmp_path):
    with pytest.raises(UserError, match="has no weights"):
        (tmp_path / "none").mkdir()
        StoredWeights(tmp_path / "none")
    model = write_small_model(tmp_path / "model")
    (model / "model.safetensors").rename(model / "pytorch_model.bin")
    with pytest.raises(UserError, match=r"one model\.safetensors"):
        StoredWeights(model)
    (model / "pytorch_model.bin").unlink()
    (model / "model.safetensors").write_bytes(b"half")
    with pytest.raises(UserError, match="no weights can be read"):
        StoredWeights(model)
