"""What the tests of fine-tuning and of transcription start from.

Many tests need no torch: fixtures import what does.
"""

import sys
from pathlib import Path

import pytest

NANO = Path(__file__).parents[2] / "models" / "whisper-nano-ja"


@pytest.fixture(scope="session")
def torch_at_first() -> tuple[int, bool] | None:
    """torch's threads, and whether it computes deterministically; None where no test needs it."""
    torch = sys.modules.get("torch")
    return torch and (torch.get_num_threads(), torch.are_deterministic_algorithms_enabled())


@pytest.fixture(autouse=True)
def torch_as_at_first(torch_at_first):
    """What a test, or code that it runs, sets for the whole process must not reach the next."""
    yield
    if torch_at_first:
        torch, (threads, deterministic) = sys.modules["torch"], torch_at_first
        torch.set_num_threads(threads)
        torch.use_deterministic_algorithms(deterministic)


@pytest.fixture(scope="session")
def bundled_file(tmp_path_factory) -> Path:
    """The bundled model, exported: of a random one every answer hangs on the last digit."""
    from whisper_terms.openai_format import export_openai

    path = tmp_path_factory.mktemp("nano") / "model.pt"
    export_openai(NANO, path)
    return path


@pytest.fixture(scope="session")
def bundled(bundled_file):
    """That model on the CPU, not to be changed."""
    from whisper_terms.openai_format import load_openai

    return load_openai(bundled_file, "cpu")


@pytest.fixture(scope="module")
def tokenizer():
    from whisper_terms.tokenizer import build_tokenizer

    return build_tokenizer()


@pytest.fixture(scope="module")
def windows(tmp_path_factory):
    from small_windows import sounding_windows

    folder = tmp_path_factory.mktemp("wavs")
    return sounding_windows(folder, 3) + sounding_windows(folder, 4, kind="replay")


@pytest.fixture
def make_base(tokenizer, tmp_path):
    from small_models import small_base

    def make(dropout=0.0):
        base = small_base(tmp_path / "base", tokenizer)
        for layer in base.model.model.decoder.layers:
            layer.dropout = dropout
        return base

    return make


@pytest.fixture(scope="module")
def encodings(tokenizer, windows, tmp_path_factory):
    from small_models import small_base

    from whisper_terms.encodings import encode_windows

    base = small_base(tmp_path_factory.mktemp("base"), tokenizer)
    store = tmp_path_factory.mktemp("store")
    return encode_windows(windows, base.model, base.feature_extractor, store, "digest")
