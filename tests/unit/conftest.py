"""What the tests of fine-tuning and of transcription start from."""

from pathlib import Path

import pytest
from small_models import small_base
from small_windows import sounding_windows

from whisper_terms.encodings import encode_windows
from whisper_terms.openai_format import export_openai, load_openai
from whisper_terms.tokenizer import build_tokenizer

NANO = Path(__file__).parents[2] / "models" / "whisper-nano-ja"


@pytest.fixture(scope="session")
def bundled_file(tmp_path_factory) -> Path:
    """The bundled model, exported: of a random one every answer hangs on the last digit."""
    path = tmp_path_factory.mktemp("nano") / "model.pt"
    export_openai(NANO, path)
    return path


@pytest.fixture(scope="session")
def bundled(bundled_file):
    """That model on the CPU, not to be changed."""
    return load_openai(bundled_file, "cpu")


@pytest.fixture(scope="module")
def tokenizer():
    return build_tokenizer()


@pytest.fixture(scope="module")
def windows(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wavs")
    return sounding_windows(folder, 3) + sounding_windows(folder, 4, kind="replay")


@pytest.fixture
def make_base(tokenizer, tmp_path):
    def make(dropout=0.0):
        base = small_base(tmp_path / "base", tokenizer)
        for layer in base.model.model.decoder.layers:
            layer.dropout = dropout
        return base

    return make


@pytest.fixture(scope="module")
def encodings(tokenizer, windows, tmp_path_factory):
    base = small_base(tmp_path_factory.mktemp("base"), tokenizer)
    store = tmp_path_factory.mktemp("store")
    return encode_windows(windows, base.model, base.feature_extractor, store, "digest")
