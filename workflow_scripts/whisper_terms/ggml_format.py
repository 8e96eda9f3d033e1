"""Models in the format of ggml: the one file that whisper.cpp runs.

The layout is that of `models/convert-pt-to-ggml.py` and, for eight bits, of `examples/quantize` in
whisper.cpp. All numbers are little-endian.
"""

import struct
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

import numpy as np
from torch import Tensor
from whisper.audio import mel_filters
from whisper.tokenizer import get_encoding

from whisper_terms.base_model import load_base
from whisper_terms.config.base import Precision
from whisper_terms.openai_format import to_openai
from whisper_terms.tables import atomic_path

_MAGIC = 0x67676D6C  # "ggml"
# In the order in which the header has them.
_DIMENSIONS = (
    "n_vocab n_audio_ctx n_audio_state n_audio_head n_audio_layer"
    " n_text_ctx n_text_state n_text_head n_text_layer n_mels"
).split()
# ggml's numbers of a tensor's type.
_F32, _F16, _Q8_0 = 0, 1, 8
# The header's number of a file's type: for eight bits 7, and 1,000 times the version of the blocks.
_FILE_TYPES = {_F16: 1, _Q8_0: 2007}
# whisper.cpp stops at a file of 32 bits: its convolutions take kernels of 16 only (version 1.8).
_WEIGHT_TYPES = {"float32": _F16, "float16": _F16, "int8": _Q8_0, "int8_float16": _Q8_0}
_BLOCK = 32  # weights that share a scale
# whisper.cpp has these two as numbers of 32 bits in every file.
_POSITIONS = ("encoder.positional_embedding", "decoder.positional_embedding")
# Added to sums, so to be broadcast over the frames.
_COLUMNS = ("encoder.conv1.bias", "encoder.conv2.bias")


def export_ggml(
    checkpoint: str | Path, target: str | Path, precision: Precision = "float16"
) -> None:
    """Convert a model directory to a `.bin` file, atomically.

    Args:
        checkpoint: a model directory, as base_model.save_model writes it.
        target: the file to write.
        precision: of the matrices, in eight bits (`q8_0`) or 16; the rest has 16 or 32 bits, as
            whisper.cpp wants it.

    Raises:
        UserError: the directory is not a whole Whisper model, or can't be converted.
    """
    weight_type = _WEIGHT_TYPES[precision]
    converted = to_openai(load_base(str(checkpoint)).model)
    with atomic_path(target) as temporary, temporary.open("wb") as out:
        _write_header(out, converted["dims"], _FILE_TYPES[weight_type])
        _write_filters(out, converted["dims"]["n_mels"])
        _write_vocabulary(out)
        for name, weight in converted["model_state_dict"].items():
            _write_tensor(out, name, weight, weight_type)


def _write_header(out: BinaryIO, dimensions: dict[str, int], file_type: int) -> None:
    values = [dimensions[name] for name in _DIMENSIONS]
    out.write(struct.pack("<I11i", _MAGIC, *values, file_type))


def _write_filters(out: BinaryIO, n_mels: int) -> None:
    filters = mel_filters("cpu", n_mels).numpy()  # (n_mels, 201)
    out.write(struct.pack("<2i", *filters.shape))
    out.write(filters.astype("<f4").tobytes())


def _write_vocabulary(out: BinaryIO) -> None:
    """The byte pairs, by id; whisper.cpp makes the special tokens that follow them itself."""
    encoding = get_encoding("multilingual")
    tokens = [encoding.decode_single_token_bytes(i) for i in range(encoding.eot_token)]
    out.write(struct.pack("<i", len(tokens)))
    for token in tokens:
        out.write(struct.pack("<i", len(token)) + token)


def _write_tensor(out: BinaryIO, name: str, weight: Tensor, weight_type: int) -> None:
    values = weight.numpy()
    shape = (len(values), 1) if name in _COLUMNS else values.shape
    tensor_type = _tensor_type(name, values.shape, weight_type)
    encoded = name.encode()
    out.write(struct.pack("<3i", len(shape), len(encoded), tensor_type))
    out.write(struct.pack(f"<{len(shape)}i", *reversed(shape)))
    out.write(encoded)
    for part in _encode(values, tensor_type):
        out.write(part)


def _tensor_type(name: str, shape: tuple[int, ...], weight_type: int) -> int:
    if len(shape) == 1 or name in _POSITIONS:
        return _F32
    # Kernels of convolutions have three dimensions; whisper.cpp has none of those in eight bits.
    return _F16 if len(shape) > 2 else weight_type


def _encode(values: np.ndarray, tensor_type: int) -> Iterable[bytes]:
    if tensor_type == _Q8_0:
        return (_blocks_of_eight_bits(row) for row in values)
    return [values.astype("<f4" if tensor_type == _F32 else "<f2").tobytes()]


def _blocks_of_eight_bits(row: np.ndarray) -> bytes:
    """Weights (n,) as blocks: a scale in half precision and 32 bytes each.

    Source: `quantize_row_q8_0_ref` in ggml. n is a multiple of 32 in every Whisper.
    """
    blocks = row.astype(np.float32).reshape(-1, _BLOCK)
    scales = np.abs(blocks).max(axis=1, keepdims=True) / 127
    numbers = np.rint(np.divide(blocks, scales, out=np.zeros_like(blocks), where=scales > 0))
    return np.hstack([_bytes(scales.astype("<f2")), _bytes(numbers.astype(np.int8))]).tobytes()


def _bytes(values: np.ndarray) -> np.ndarray:
    """(blocks, n) -> (blocks, n times the size of a value), uint8"""
    return values.view(np.uint8)
