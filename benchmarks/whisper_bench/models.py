"""Models to measure: the bundled one, and random weights in the sizes of published ones."""

import torch
from transformers import WhisperConfig, WhisperForConditionalGeneration

from whisper_bench.scratch import ROOT
from whisper_terms.base_model import Base, load_base

BUNDLED = "nano"
_DIRECTORY = ROOT / "models" / "whisper-nano-ja"
# Width, layers and attention heads, of encoder and decoder alike; a feed-forward layer is four
# times as wide. Radford et al., "Robust Speech Recognition via Large-Scale Weak Supervision"
# (2022, arXiv:2212.04356), table 1.
_SHAPES = {
    "tiny": (384, 4, 6),
    "base": (512, 6, 8),
    "small": (768, 12, 12),
    "medium": (1024, 24, 16),
}


def load_model(size: str) -> Base:
    """A model with the bundled one's tokenizer and feature extractor.

    Args:
        size: `nano` for the bundled model; of the others only the speed means anything.
    """
    bundled = load_base(str(_DIRECTORY))
    if size == BUNDLED:
        return bundled
    torch.manual_seed(0)
    model = WhisperForConditionalGeneration(model_config(size)).eval()
    settings = bundled.generation_config
    return Base(model, bundled.tokenizer, bundled.feature_extractor, settings, _DIRECTORY)


def model_config(size: str) -> WhisperConfig:
    """The configuration of a published size, up to medium (80 Mel bins)."""
    width, layers, heads = _SHAPES[size]
    return WhisperConfig(
        d_model=width,
        encoder_layers=layers,
        decoder_layers=layers,
        encoder_attention_heads=heads,
        decoder_attention_heads=heads,
        encoder_ffn_dim=4 * width,
        decoder_ffn_dim=4 * width,
        max_target_positions=448,
        **dict.fromkeys(("pad_token_id", "bos_token_id", "eos_token_id"), 50257),
        decoder_start_token_id=50258,
    )


def encoder_flops(config: WhisperConfig) -> int:
    """Floating-point operations of the encoder over one window; a multiply-add counts as two.

    Products of matrices and convolutions only: layer norms, softmax and GELU are left out, less
    than a hundredth of the whole. With T positions (1500), width d, feed-forward width f and M Mel
    bins:

        first convolution    2 * 2T * 3 * M * d     (three frames wide, over 2T frames)
        second convolution   2 * T * 3 * d * d      (every other frame)
        each layer           8 * T * d * d          (queries, keys, values, output)
                             4 * T * T * d          (scores, and the sums that they weigh)
                             4 * T * d * f          (feed-forward)
    """
    positions, width = config.max_source_positions, config.d_model
    convolutions = 12 * positions * config.num_mel_bins * width + 6 * positions * width**2
    attention = 8 * positions * width**2 + 4 * positions**2 * width
    feed_forward = 4 * positions * width * config.encoder_ffn_dim
    return convolutions + config.encoder_layers * (attention + feed_forward)
