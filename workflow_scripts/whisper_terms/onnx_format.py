"""Models in the format of ONNX: the encoder, the decoder and the tokens that sherpa-onnx runs.

Names of files, values and metadata are those of `scripts/whisper/export-onnx.py` in sherpa-onnx,
and of `export-onnx-with-attention.py` beside it, whose decoder also says what it looks at.
"""

from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from onnx import GraphProto, TensorProto, ValueInfoProto, helper
from whisper.tokenizer import LANGUAGES, get_encoding

from whisper_terms.base_model import (
    Base,
    alignment_heads,
    load_base,
    new_directory,
    special_ids,
)
from whisper_terms.config.base import Precision
from whisper_terms.onnx_graph import Graph
from whisper_terms.openai_format import to_openai
from whisper_terms.progress import progress

# The oldest that have all that the graphs are made of, and that sherpa-onnx's own models have.
_OPSET, _IR_VERSION = 17, 8
_EIGHT_BITS = {"float32": False, "float16": False, "int8": True, "int8_float16": True}
_EMBEDDING = "decoder.token_embedding.weight"
# In the shapes of values: how many recordings at once, and columns of their spectrogram.
_AUDIOS, _FRAMES, _ENCODED, _TOKENS = "n_audio", "T", "T_encoded", "n_tokens"


@dataclass(frozen=True)
class _Source:
    """What is exported.

    Attributes:
        dims: the fields of whisper.model.ModelDimensions.
        weights: float16, by OpenAI's names.
        heads: (layer, head) pairs of the decoder that follow the sound.
        metadata: what sherpa-onnx reads from the encoder.
    """

    dims: Mapping[str, int]
    weights: Mapping[str, np.ndarray]
    heads: Sequence[tuple[int, int]]
    metadata: Mapping[str, object]


def export_onnx(
    checkpoint: str | Path, target: str | Path, precision: Precision = "float16"
) -> None:
    """Convert a model directory to a directory of encoder.onnx, decoder.onnx and tokens.txt.

    Args:
        checkpoint: a model directory, as base_model.save_model writes it.
        target: the directory to write, whole or not at all; an existing one is replaced.
        precision: of the matrices, in eight bits or 16; the rest has 16. All but products in eight
            bits is computed in 32.

    Raises:
        UserError: the checkpoint holds no usable model, or one too large for two files of 2 GB; the
            target holds other files.
    """
    source, eight_bits = _read(checkpoint), _EIGHT_BITS[precision]
    with new_directory(Path(target)) as temporary:
        _write(temporary / "encoder.onnx", _encoder(source, eight_bits), source.metadata)
        _write(temporary / "decoder.onnx", _decoder(source, eight_bits), {})
        (temporary / "tokens.txt").write_text(_tokens(), encoding="ascii", newline="\n")


def _read(checkpoint: str | Path) -> _Source:
    base = load_base(str(checkpoint))
    converted = to_openai(base.model)
    weights = {name: weight.numpy() for name, weight in converted["model_state_dict"].items()}
    heads = sorted(alignment_heads(base))
    return _Source(converted["dims"], weights, heads, _metadata(base, converted["dims"], heads))


def _metadata(
    base: Base, dims: Mapping[str, int], heads: Sequence[tuple[int, int]]
) -> dict[str, object]:
    known = base.tokenizer.get_vocab()
    languages = {code: known[f"<|{code}|>"] for code in LANGUAGES if f"<|{code}|>" in known}
    ids = special_ids(base.tokenizer, next(iter(languages), "en"))
    return {
        "model_type": "whisper",
        "version": 2,  # 1 has no attention among the decoder's outputs.
        "maintainer": "whisper-terms",
        **dims,
        "is_multilingual": 1,
        "sot": ids.start,
        # sherpa-onnx puts the language that is asked for, or heard, in the second place.
        "sot_sequence": _joined([ids.start, ids.language, ids.transcribe]),
        "sot_index": 0,
        "eot": ids.end,
        "blank_id": get_encoding("multilingual").encode_single_token(" "),
        "no_speech": ids.no_speech,
        "no_timestamps": ids.no_timestamps,
        "transcribe": ids.transcribe,
        "translate": ids.transcribe - 1,  # in every Whisper's vocabulary
        "all_language_tokens": _joined(languages.values()),
        "all_language_codes": _joined(languages),
        "n_alignment_heads": len(heads),
        "alignment_heads": _joined(f"{layer}:{head}" for layer, head in heads),
    }


def _joined(values: Iterable) -> str:
    return ",".join(map(str, values))


def _tokens() -> str:
    """The byte pairs, one a line: base64, a space, the id. Special tokens have no text."""
    encoding = get_encoding("multilingual")
    pairs = [encoding.decode_single_token_bytes(i) for i in range(encoding.eot_token)]
    # There is one without bytes, which sherpa-onnx knows by a lone sign for padding.
    return "".join(f"{b64encode(pair).decode() or '='} {i}\n" for i, pair in enumerate(pairs))


def _write(path: Path, graph: GraphProto, metadata: Mapping[str, object]) -> None:
    opset = helper.make_opsetid("", _OPSET)
    model = helper.make_model(
        graph, opset_imports=[opset], ir_version=_IR_VERSION, producer_name="whisper-terms"
    )
    helper.set_model_props(model, {key: str(value) for key, value in metadata.items()})
    path.write_bytes(model.SerializeToString(deterministic=True))


# --------------------------------------------------------------------------------------------------
# Encoder


def _encoder(source: _Source, eight_bits: bool) -> GraphProto:
    """mel (audios, mels, frames) -> keys and values of the decoder's layers, from what is heard.

    Both are (layers, audios, frames / 2, state). A spectrogram may be shorter than 30 s, as
    sherpa-onnx computes little of the silence behind a recording.
    """
    dims = source.dims
    graph = Graph(source.weights, dims["n_audio_head"], eight_bits)
    x = _convolve(graph, _silence(graph, "mel"), "encoder.conv1", 1)
    x = _convolve(graph, x, "encoder.conv2", 2)
    x = graph.node("Transpose", x, perm=[0, 2, 1])
    frames = graph.node("Shape", x, start=1, end=2)
    positions = graph.weight("encoder.positional_embedding")
    x = graph.node("Add", x, graph.node("Slice", positions, graph.numbers(0), frames))
    for layer in progress(range(dims["n_audio_layer"]), "encoder"):
        block = f"encoder.blocks.{layer}"
        normal = graph.layer_norm(x, f"{block}.attn_ln")
        keys, values = (graph.linear(normal, f"{block}.attn.{one}") for one in ("key", "value"))
        heard, _ = graph.attention(normal, f"{block}.attn", keys, values)
        x = graph.feed_forward(graph.node("Add", x, heard), block)
    x = graph.layer_norm(x, "encoder.ln_post")
    crosses = [f"decoder.blocks.{i}.cross_attn" for i in range(dims["n_text_layer"])]
    for name, one in (("k", "key"), ("v", "value")):
        made = [graph.linear(x, f"{cross}.{one}") for cross in crosses]
        graph.stack(made, output=f"n_layer_cross_{name}")
    return graph.finish(
        "encoder",
        [_value("mel", [_AUDIOS, dims["n_mels"], _FRAMES])],
        [_value(f"n_layer_cross_{name}", _cross_shape(dims)) for name in "kv"],
    )


def _silence(graph: Graph, mel: str) -> str:
    """The spectrogram, with silence where sherpa-onnx has filled it up with zeros.

    Whisper has never heard those: its silence is 2 below the loudest value, or -1.5, which nothing
    is below. Frames of a recording are zero throughout only where that silence is zero.
    """
    lowest = graph.number(-1.5)
    largest = graph.node("ReduceMax", graph.node("Abs", mel), axes=[1], keepdims=1)
    filled = graph.node("Equal", largest, graph.number(0))
    heard = graph.node("Where", filled, lowest, mel)
    loudest = graph.node("ReduceMax", heard, axes=[1, 2], keepdims=1)
    silence = graph.node("Max", graph.node("Sub", loudest, graph.number(2)), lowest)
    return graph.node("Where", filled, silence, mel)


def _convolve(graph: Graph, x: str, name: str, stride: int) -> str:
    weight, bias = graph.weight(f"{name}.weight"), graph.weight(f"{name}.bias")
    return graph.gelu(graph.node("Conv", x, weight, bias, pads=[1, 1], strides=[stride]))


# --------------------------------------------------------------------------------------------------
# Decoder


def _decoder(source: _Source, eight_bits: bool) -> GraphProto:
    """tokens (audios, tokens) -> logits (audios, tokens, vocabulary).

    `offset` (1,) tokens were there before; their keys and values stand at the front of the caches
    (layers, audios, n_text_ctx, state), which come back with those of the tokens behind them. The
    last output (audios, alignment heads, tokens, frames / 2) is what the heads that follow the
    sound look at, for the times of tokens.
    """
    dims = source.dims
    graph = Graph(source.weights, dims["n_text_head"], eight_bits)
    end = graph.node("Add", "offset", graph.node("Shape", "tokens", start=1, end=2))
    positions = graph.weight("decoder.positional_embedding")
    x = graph.embed("tokens", _EMBEDDING)
    x = graph.node("Add", x, graph.node("Slice", positions, "offset", end))
    mask = _causal_mask(graph, end)
    caches = [_Cache(graph, name, end) for name in "kv"]
    shares = []
    for layer in progress(range(dims["n_text_layer"]), "decoder"):
        block = f"decoder.blocks.{layer}"
        normal = graph.layer_norm(x, f"{block}.attn_ln")
        added = [graph.linear(normal, f"{block}.attn.{one}") for one in ("key", "value")]
        known = [cache.extend(layer, one) for cache, one in zip(caches, added, strict=True)]
        said, _ = graph.attention(normal, f"{block}.attn", *known, mask)
        x = graph.node("Add", x, said)
        normal = graph.layer_norm(x, f"{block}.cross_attn_ln")
        sound = [graph.part(f"n_layer_cross_{name}", layer) for name in "kv"]
        heard, share = graph.attention(normal, f"{block}.cross_attn", *sound)
        x = graph.feed_forward(graph.node("Add", x, heard), block)
        if heads := [head for one, head in source.heads if one == layer]:
            shares.append(graph.node("Gather", share, graph.numbers(*heads), axis=1))
    graph.scores(graph.layer_norm(x, "decoder.ln"), "tokens", _EMBEDDING)
    for cache in caches:
        cache.finish()
    graph.node("Concat", *shares, axis=1, output="cross_attention_weights")
    return graph.finish("decoder", *_decoder_ends(dims, len(source.heads)))


class _Cache:
    """The keys or the values of the decoder's attention to the text, of all layers."""

    def __init__(self, graph: Graph, name: str, end: str):
        """Take apart the cache called `name`, which is filled up to `offset`, and then to `end`."""
        self._graph, self._name, self._end = graph, name, end
        self._all = f"in_n_layer_self_{name}_cache"
        axis = graph.numbers(2)
        self._past = graph.node("Slice", self._all, graph.numbers(0), "offset", axis)
        self._added: list[str] = []

    def extend(self, layer: int, added: str) -> str:
        """Those of a layer, of the tokens before and of these: (audios, end, state)."""
        self._added.append(added)
        return self._graph.node("Concat", self._graph.part(self._past, layer), added, axis=1)

    def finish(self) -> None:
        """Write the output, which is as long as the input."""
        graph = self._graph
        rest = graph.node("Slice", self._all, self._end, graph.numbers(2**31), graph.numbers(2))
        parts = self._past, graph.stack(self._added), rest
        graph.node("Concat", *parts, axis=2, output=f"out_n_layer_self_{self._name}_cache")


def _causal_mask(graph: Graph, end: str) -> str:
    """(tokens, end): minus infinity for what comes after a token, 0 for the others."""
    first, behind = graph.node("Squeeze", "offset"), graph.node("Squeeze", end)
    one = graph.number(1, np.int64)
    rows = graph.node("Unsqueeze", graph.node("Range", first, behind, one), graph.numbers(1))
    columns = graph.node("Range", graph.number(0, np.int64), behind, one)
    later = graph.node("Greater", columns, rows)
    return graph.node("Where", later, graph.number(-np.inf), graph.number(0))


def _decoder_ends(dims: Mapping[str, int], heads: int) -> tuple[list, list]:
    """The inputs and the outputs, in the order that sherpa-onnx has them in."""
    cache = [dims["n_text_layer"], _AUDIOS, dims["n_text_ctx"], dims["n_text_state"]]
    tokens = [_AUDIOS, _TOKENS]
    inputs = [
        _value("tokens", tokens, TensorProto.INT64),
        *(_value(f"in_n_layer_self_{name}_cache", cache) for name in "kv"),
        *(_value(f"n_layer_cross_{name}", _cross_shape(dims)) for name in "kv"),
        _value("offset", [1], TensorProto.INT64),
    ]
    outputs = [
        _value("logits", [*tokens, dims["n_vocab"]]),
        *(_value(f"out_n_layer_self_{name}_cache", cache) for name in "kv"),
        _value("cross_attention_weights", [_AUDIOS, heads, _TOKENS, _ENCODED]),
    ]
    return inputs, outputs


def _cross_shape(dims: Mapping[str, int]) -> list:
    return [dims["n_text_layer"], _AUDIOS, _ENCODED, dims["n_text_state"]]


def _value(name: str, shape: Sequence, kind: int = TensorProto.FLOAT) -> ValueInfoProto:
    return helper.make_tensor_value_info(name, kind, shape)
