"""Whisper models with random weights, small enough to build in a second."""

import json
from pathlib import Path

import torch
from transformers import (
    GenerationConfig,
    WhisperConfig,
    WhisperFeatureExtractor,
    WhisperForConditionalGeneration,
    WhisperTokenizer,
)

from whisper_terms.base_model import Base, save_model
from whisper_terms.tokenizer import build_tokenizer

ALIGNMENT_HEADS = [[1, 0], [1, 3]]
# Indented and ordered as no library would, so that a rewrite shows.
GENERATION_CONFIG = json.dumps(
    {
        "suppress_tokens": [1, 2, 7],
        "no_timestamps_token_id": 50363,
        "decoder_start_token_id": 50258,
        "bos_token_id": 50257,
        "eos_token_id": 50257,
        "pad_token_id": 50257,
        "is_multilingual": True,
        "max_length": 448,
        "lang_to_id": {"<|ja|>": 50266},
        "task_to_id": {"transcribe": 50359},
        "alignment_heads": ALIGNMENT_HEADS,
    },
    indent=5,
)


def small_model(
    n_mels: int = 80, n_vocab: int = 51_865, decoder_layers: int = 2, seed: int = 0
) -> WhisperForConditionalGeneration:
    """Every weight is random and exactly a half-precision number."""
    config = WhisperConfig(
        vocab_size=n_vocab,
        num_mel_bins=n_mels,
        d_model=64,
        encoder_layers=2,
        decoder_layers=decoder_layers,
        encoder_attention_heads=4,
        decoder_attention_heads=4,
        encoder_ffn_dim=256,
        decoder_ffn_dim=256,
        pad_token_id=50257,
        bos_token_id=50257,
        eos_token_id=50257,
        decoder_start_token_id=50258,
    )
    torch.manual_seed(seed)
    model = WhisperForConditionalGeneration(config).eval()
    with torch.no_grad():
        for weight in model.parameters():
            # Biases and norms too, which start as zeros and ones: a mix-up must show.
            weight.copy_((weight + 0.05 * torch.randn_like(weight)).half())
    return model


def small_base(
    directory: Path, tokenizer: WhisperTokenizer | None = None, n_mels: int = 80, **shape: int
) -> Base:
    """A base whose files, but for generation_config.json, don't exist yet."""
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "generation_config.json").write_text(GENERATION_CONFIG)
    return Base(
        small_model(n_mels, **shape),
        tokenizer or build_tokenizer(),
        WhisperFeatureExtractor(feature_size=n_mels),
        GenerationConfig.from_pretrained(directory),
        directory,
    )


def write_small_model(directory: Path, **shape: int) -> Path:
    """A model directory; for `shape` see `small_model`."""
    base = small_base(directory.parent / f"{directory.name}-source", **shape)
    save_model(directory, base.model, base)
    return directory
