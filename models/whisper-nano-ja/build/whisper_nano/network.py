"""The network: Whisper's own architecture, four layers of width 256 on either side."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from transformers import WhisperConfig, WhisperForConditionalGeneration

from whisper_nano.codes import FRAMES, WIDTH
from whisper_nano.layout import Layout
from whisper_nano.spectrogram import MEL_BINS
from whisper_nano.vocabulary import Vocabulary
from whisper_terms.devices import has_bfloat16
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
    """A network with random weights.

    Initial weights are larger than transformers', which suit long trainings of wide networks.
    """
    torch.manual_seed(seed)
    network = WhisperForConditionalGeneration(nano_config(vocabulary_size))
    for name, weight in network.named_parameters():
        if "conv" in name and weight.dim() == 3:
            nn.init.kaiming_normal_(weight)
            weight.data *= 1.4
        elif weight.dim() == 2 and "embed" not in name and "proj_out" not in name:
            nn.init.xavier_uniform_(weight)
    nn.init.normal_(network.model.decoder.embed_tokens.weight, std=0.05)
    return network


def encode(encoder: nn.Module, features: Tensor, layout: Layout | None = None) -> Tensor:
    """Run the encoder on the frames of a layout, which transformers' own code refuses.

    Args:
        encoder: of `new_network`.
        features: shape (batch, MEL_BINS, 2 * frames).
        layout: of these frames; without one they are the first of their windows.

    Returns:
        Shape (batch, frames, WIDTH), float32.
    """
    bias = None
    places = torch.arange(features.shape[2] // 2, device=features.device)
    if layout is not None:
        places, bias = layout.places, _attention_bias(layout.weight)
    with fast_precision(features.device):
        hidden = nn.functional.gelu(_convolve(encoder.conv1, features.float()))
        hidden = nn.functional.gelu(_convolve(encoder.conv2, hidden.transpose(1, 2)))
        hidden = hidden.float() + encoder.embed_positions.weight[places]
        for layer in encoder.layers:
            seen = layer.self_attn_layer_norm(hidden)
            hidden = hidden + _attend(layer.self_attn, seen, seen, bias)
            hidden = hidden + _feed_forward(layer, hidden)
    return encoder.layer_norm(hidden.float())


def decode(
    decoder: nn.Module,
    inputs: Tensor,
    encodings: Tensor,
    layout: Layout,
    guided: Sequence[tuple[int, int]] = (),
) -> tuple[Tensor, list[Tensor]]:
    """Run the decoder on all tokens at once.

    Args:
        decoder: of `new_network`.
        inputs: token ids of the small vocabulary, shape (batch, n).
        encodings: shape (batch, frames, WIDTH).
        layout: of these frames.
        guided: (layer, head) of the cross attentions that are wanted.

    Returns:
        Hidden states, shape (batch, n, WIDTH), and for each of `guided` where it looks: the share
        of each of the layout's frames, shape (batch, n, frames).
    """
    bias, looks = _attention_bias(layout.weight), []
    hidden = decoder.embed_tokens(inputs) + decoder.embed_positions.weight[: inputs.shape[1]]
    with fast_precision(encodings.device):
        for number, layer in enumerate(decoder.layers):
            seen = layer.self_attn_layer_norm(hidden)
            hidden = hidden + _attend(layer.self_attn, seen, seen, causal=True)
            seen = layer.encoder_attn_layer_norm(hidden)
            hidden = hidden + _attend(layer.encoder_attn, seen, encodings, bias)
            looks += [
                _look(layer.encoder_attn, seen, encodings, bias, head)
                for of, head in guided
                if of == number
            ]
            hidden = hidden + _feed_forward(layer, hidden)
    return decoder.layer_norm(hidden.float()), looks


def _convolve(convolution: nn.Conv1d, values: Tensor) -> Tensor:
    """A convolution of width 3, (batch, channels, n) -> (batch, n / stride, WIDTH).

    As a product of matrices, since windows have ever new lengths, for each of which cuDNN makes a
    plan first.
    """
    padded = nn.functional.pad(values, (1, 1))
    pieces = padded.unfold(2, 3, convolution.stride[0]).transpose(1, 2).flatten(2)
    return nn.functional.linear(pieces, convolution.weight.flatten(1), convolution.bias)


def _attention_bias(weight: Tensor) -> Tensor:
    """Added to the scores of keys, shape (batch, 1, 1, frames): see layout.py."""
    return weight[:, None, None]


def _attend(
    attention: nn.Module,
    asking: Tensor,
    answering: Tensor,
    bias: Tensor | None = None,
    causal: bool = False,
) -> Tensor:
    """Attention of (batch, n, WIDTH) to (batch, m, WIDTH)."""
    queries = _split(attention.q_proj(asking))
    keys = _split(attention.k_proj(answering))
    values = _split(attention.v_proj(answering))
    mixed = nn.functional.scaled_dot_product_attention(
        queries,
        keys,
        values,
        attn_mask=None if bias is None else bias.to(queries.dtype),
        is_causal=causal,
    )
    return attention.out_proj(mixed.transpose(1, 2).flatten(2))


def _look(attention: nn.Module, asking: Tensor, answering: Tensor, bias: Tensor, head: int):
    """What one head of an attention looks at, shape (batch, n, m), float32."""
    inside = slice(head * WIDTH // HEADS, (head + 1) * WIDTH // HEADS)
    queries = nn.functional.linear(
        asking, attention.q_proj.weight[inside], attention.q_proj.bias[inside]
    )
    keys = nn.functional.linear(answering, attention.k_proj.weight[inside])
    scores = queries @ keys.transpose(1, 2) * (WIDTH // HEADS) ** -0.5
    return (scores.float() + bias[:, 0]).softmax(-1)


def _split(values: Tensor) -> Tensor:
    """(batch, n, WIDTH) -> (batch, HEADS, n, WIDTH / HEADS)."""
    return values.unflatten(2, (HEADS, -1)).transpose(1, 2)


def _feed_forward(layer: nn.Module, hidden: Tensor) -> Tensor:
    inner = nn.functional.gelu(layer.fc1(layer.final_layer_norm(hidden)))
    return layer.fc2(inner)


def fast_precision(device: torch.device) -> torch.autocast:
    """bfloat16 for the matrix products where the device has it."""
    return torch.autocast(device.type, torch.bfloat16, enabled=has_bfloat16(device))


def save_weights(
    path: str | Path, modules: Mapping[str, nn.Module], vocabulary: Vocabulary | None = None
) -> None:
    """Write the weights of modules, each under its name, atomically (.safetensors)."""
    tensors = {
        f"{name}.{key}": weight.detach().cpu().contiguous()
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
