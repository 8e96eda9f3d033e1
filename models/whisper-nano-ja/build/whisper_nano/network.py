"""The network: Whisper's own architecture, four layers of width 256 on either side."""

from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from transformers import WhisperConfig, WhisperForConditionalGeneration

from whisper_nano.codes import FRAMES, WIDTH
from whisper_nano.speech_store import MEL_BINS
from whisper_nano.vocabulary import Vocabulary
from whisper_terms.tables import atomic_path

LAYERS = HEADS = 4
LONGEST_TEXT = 448  # tokens
TOKENS = "tokens"


def nano_config(vocabulary_size: int, **special_ids: int) -> WhisperConfig:
    """The dimensions; without special ids all of them are 0, which training never reads."""
    ids = dict.fromkeys(("pad_token_id", "bos_token_id", "eos_token_id"), 0)
    ids["decoder_start_token_id"] = 0
    return WhisperConfig(
        vocab_size=vocabulary_size,
        d_model=WIDTH,
        encoder_layers=LAYERS,
        decoder_layers=LAYERS,
        encoder_attention_heads=HEADS,
        decoder_attention_heads=HEADS,
        encoder_ffn_dim=4 * WIDTH,
        decoder_ffn_dim=4 * WIDTH,
        num_mel_bins=MEL_BINS,
        max_source_positions=FRAMES,
        max_target_positions=LONGEST_TEXT,
        dropout=0.0,
        **(ids | special_ids),
    )


def new_network(vocabulary_size: int, seed: int = 0) -> WhisperForConditionalGeneration:
    """A network with random weights; it gives its attention weights ("eager").

    Initial weights are larger than transformers', which suit long trainings of wide networks.
    """
    torch.manual_seed(seed)
    network = WhisperForConditionalGeneration(nano_config(vocabulary_size))
    network.set_attn_implementation("eager")
    for name, weight in network.named_parameters():
        if "conv" in name and weight.dim() == 3:
            nn.init.kaiming_normal_(weight)
            weight.data *= 1.4
        elif weight.dim() == 2 and "embed" not in name and "proj_out" not in name:
            nn.init.xavier_uniform_(weight)
    nn.init.normal_(network.model.decoder.embed_tokens.weight, std=0.05)
    return network


def encode(encoder: nn.Module, features: Tensor, first: int = 0) -> Tensor:
    """Run the encoder on a window of any length, which transformers' own code refuses.

    Args:
        encoder: of `new_network`.
        features: shape (batch, MEL_BINS, 2 * frames).
        first: the place of the first frame in the 30-s window.

    Returns:
        Shape (batch, frames, WIDTH), float32.
    """
    hidden = nn.functional.gelu(encoder.conv1(features))
    hidden = nn.functional.gelu(encoder.conv2(hidden)).transpose(1, 2)
    hidden = hidden + encoder.embed_positions.weight[first : first + hidden.shape[1]]
    with fast_precision():
        for layer in encoder.layers:
            hidden = layer(hidden, None)
            # Releases of transformers differ in whether a layer gives a tuple.
            hidden = hidden[0] if isinstance(hidden, tuple) else hidden
    return encoder.layer_norm(hidden.float())


def fast_precision() -> torch.autocast:
    """bfloat16 for the matrix products where the CPU has it.

    Where it has not, PyTorch emulates it: measured on such a CPU, at a third of the speed of
    float32.
    """
    able = torch.cpu.get_capabilities()
    native = bool(able.get("avx512_bf16") or able.get("amx_bf16"))
    return torch.autocast("cpu", torch.bfloat16, enabled=native)


def save_weights(
    path: str | Path, modules: Mapping[str, nn.Module], vocabulary: Vocabulary | None = None
) -> None:
    """Write the weights of modules, each under its name, atomically (.safetensors)."""
    tensors = {
        f"{name}.{key}": weight.detach().contiguous()
        for name, module in modules.items()
        for key, weight in module.state_dict().items()
    }
    if vocabulary:
        tensors[TOKENS] = torch.from_numpy(vocabulary.tokens)
    with atomic_path(path) as temporary:
        save_file(tensors, temporary)


def load_weights(path: str | Path) -> dict[str, dict[str, Tensor]]:
    """The weights that `save_weights` wrote, by module name."""
    modules: dict[str, dict[str, Tensor]] = {}
    for name, weight in load_file(path).items():
        module, _, key = name.partition(".")
        if key:
            modules.setdefault(module, {})[key] = weight
    return modules


def load_vocabulary(path: str | Path) -> Vocabulary:
    """The vocabulary that was saved with weights."""
    return Vocabulary(load_file(path)[TOKENS].numpy())
