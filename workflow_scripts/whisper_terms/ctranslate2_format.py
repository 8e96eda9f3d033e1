"""Models in the format of CTranslate2, which faster-whisper and WhisperX run."""

import json
import shutil
from collections.abc import Sequence
from pathlib import Path

from ctranslate2.converters import TransformersConverter

from whisper_terms.base_model import alignment_heads, load_base, new_directory
from whisper_terms.config.base import Precision

# faster-whisper takes from them the words and the number of Mel bins (128 in large-v3).
_FILES = ("tokenizer.json", "preprocessor_config.json")


def export_ctranslate2(
    directory: str | Path, output: str | Path, precision: Precision = "float16"
) -> None:
    """Convert a model directory.

    Args:
        directory: as base_model.save_model writes it.
        output: the directory to write, whole or not at all; an existing one is replaced.
        precision: of the weights on disk. Whoever loads them chooses what to compute in.

    Raises:
        UserError: the directory holds no usable model; the output holds other files.
    """
    # All that can be wrong with it is told here; the converter would stop with a traceback.
    base = load_base(str(directory))
    with new_directory(Path(output)) as temporary:
        made = temporary / "made"
        TransformersConverter(str(directory)).convert(str(made), quantization=precision)
        for path in made.iterdir():
            path.rename(temporary / path.name)
        made.rmdir()
        _set_alignment_heads(temporary / "config.json", alignment_heads(base))
        for name in _FILES:
            shutil.copyfile(Path(directory) / name, temporary / name)


def _set_alignment_heads(path: Path, heads: Sequence[tuple[int, int]]) -> None:
    """The converter copies them as they are, even those of layers that the model lacks."""
    config = json.loads(path.read_text(encoding="utf-8"))
    config["alignment_heads"] = [list(pair) for pair in heads]
    path.write_text(json.dumps(config, indent=2), encoding="utf-8")
