"""Models in the format of OpenAI's own program: one `.pt` file with dimensions and weights."""

import base64
import gzip
import re
from collections.abc import Mapping
from pathlib import Path
from pickle import UnpicklingError

import numpy as np
import torch
from torch import Tensor
from transformers import WhisperConfig, WhisperForConditionalGeneration

from whisper_terms.base_model import alignment_heads, load_base
from whisper_terms.errors import Fault, UserError
from whisper_terms.tables import atomic_path

# A key beside the two that whisper.load_model reads; it ignores others.
ALIGNMENT_HEADS = "alignment_heads"
# Hugging Face's name -> OpenAI's, applied in this order; each is a regular expression.
RENAMES = (
    (r"^model\.", ""),
    (r"\.layers\.", ".blocks."),
    (r"\.encoder_attn\.", ".cross_attn."),
    (r"\.encoder_attn_layer_norm\.", ".cross_attn_ln."),
    (r"\.self_attn\.", ".attn."),
    (r"\.self_attn_layer_norm\.", ".attn_ln."),
    (r"\.q_proj\.", ".query."),
    (r"\.k_proj\.", ".key."),
    (r"\.v_proj\.", ".value."),
    (r"\.out_proj\.", ".out."),
    (r"\.fc1\.", ".mlp.0."),
    (r"\.fc2\.", ".mlp.2."),
    (r"\.final_layer_norm\.", ".mlp_ln."),
    (r"\.embed_tokens\.", ".token_embedding."),
    (r"\.embed_positions\.weight$", ".positional_embedding"),
    (r"^encoder\.layer_norm\.", "encoder.ln_post."),
    (r"^decoder\.layer_norm\.", "decoder.ln."),
)
BROKEN_FILE = (RuntimeError, KeyError, TypeError, ValueError, EOFError, OSError, UnpicklingError)
OUTPUT_PROJECTION = "proj_out.weight"
TOKEN_EMBEDDING = "model.decoder.embed_tokens.weight"


def to_openai(model: WhisperForConditionalGeneration) -> dict[str, dict]:
    """The checkpoint that `whisper.load_model` reads, with weights in half precision.

    Args:
        model: any Whisper; encoder and decoder may differ in depth (large-v3-turbo).

    Returns:
        {"dims": whisper.model.ModelDimensions' fields, "model_state_dict": float16 tensors}

    Raises:
        UserError: OpenAI's code could not run the model as it is, or a weight is no half-precision
            number.
    """
    weights = model.state_dict()
    faults = list(_obstacles(model.config, weights))
    if faults:
        raise UserError(Fault(problem, cure) for problem, cure in faults)
    return {
        "dims": _dimensions(model.config),
        "model_state_dict": {
            _openai_name(name): weight.detach().to("cpu", torch.float16).contiguous()
            for name, weight in weights.items()
            if name != OUTPUT_PROJECTION
        },
    }


def export_openai(checkpoint: str | Path, target: str | Path) -> None:
    """Convert a model directory to a `.pt` file, atomically.

    Args:
        checkpoint: a model directory, as base_model.save_model writes it.
        target: the file to write; it also holds the alignment heads, for `load_openai`.

    Raises:
        UserError: the directory is not a whole Whisper model, or can't be converted.
    """
    base = load_base(str(checkpoint))
    converted = to_openai(base.model)
    converted[ALIGNMENT_HEADS] = [list(pair) for pair in alignment_heads(base)]
    # Through a file object: given a path, torch.save would write the temporary name into the file.
    with atomic_path(target) as temporary, temporary.open("wb") as out:
        torch.save(converted, out)


def load_openai(path: str | Path, device: str | torch.device | None = None):
    """Load a `.pt` file with openai-whisper, alignment heads included.

    `whisper.load_model` knows these heads only for OpenAI's own names; without them word
    timestamps are taken from the whole upper half of the decoder and are worse.

    Returns:
        whisper.model.Whisper, in float32, on `device` (default: CUDA where there is one).

    Raises:
        UserError: the file is missing or is not such a checkpoint.
    """
    import whisper

    path = Path(path).resolve()  # a relative path may equal the name of a published model
    if not path.is_file():
        raise UserError(Fault("no such model", "give a .pt file", path))
    try:
        model = whisper.load_model(str(path), device=device)
        # mmap: the weights were just read, only this key is wanted.
        checkpoint = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    except BROKEN_FILE as error:
        reason = str(error).splitlines()[0] if str(error) else "the file ends too early"
        raise UserError(
            Fault(f"not a model of openai-whisper: {reason}", "export it again", path)
        ) from error
    if heads := checkpoint.get(ALIGNMENT_HEADS):
        shape = model.dims.n_text_layer, model.dims.n_text_head
        model.set_alignment_heads(_dump_heads(heads, shape))
    return model


def _dump_heads(heads: list[list[int]], shape: tuple[int, int]) -> bytes:
    """(layer, head) pairs as whisper.model.Whisper.set_alignment_heads reads them."""
    mask = np.zeros(shape, dtype=bool)
    mask[tuple(np.array(heads).T)] = True
    return base64.b85encode(gzip.compress(mask.tobytes()))


def _dimensions(config: WhisperConfig) -> dict[str, int]:
    return {
        "n_mels": config.num_mel_bins,
        "n_audio_ctx": config.max_source_positions,
        "n_audio_state": config.d_model,
        "n_audio_head": config.encoder_attention_heads,
        "n_audio_layer": config.encoder_layers,
        "n_vocab": config.vocab_size,
        "n_text_ctx": config.max_target_positions,
        "n_text_state": config.d_model,
        "n_text_head": config.decoder_attention_heads,
        "n_text_layer": config.decoder_layers,
    }


def _openai_name(name: str) -> str:
    for pattern, replacement in RENAMES:
        name = re.sub(pattern, replacement, name)
    return name


def _obstacles(config: WhisperConfig, weights: Mapping[str, Tensor]):
    """Yield (problem, cure) for what OpenAI's code would compute otherwise, or not at all."""
    if config.activation_function != "gelu" or config.scale_embedding:
        yield "the activation or the embedding is not OpenAI's", "use a published architecture"
    if {config.encoder_ffn_dim, config.decoder_ffn_dim} != {4 * config.d_model}:
        yield "a feed-forward layer is not 4 times as wide as the model", "train it so"
    projection = weights.get(OUTPUT_PROJECTION)
    if projection is not None and not torch.equal(projection, weights[TOKEN_EMBEDDING]):
        yield "the output projection differs from the token embedding", "train them tied"
    for name, weight in weights.items():
        if not torch.isfinite(weight.to(torch.float16)).all():
            yield f"{name} holds a value that is no half-precision number", "train it again, slower"
