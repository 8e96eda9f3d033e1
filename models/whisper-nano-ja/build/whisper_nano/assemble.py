"""From trained weights to a model directory that every Whisper program reads."""

import json
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor
from transformers import GenerationConfig, WhisperFeatureExtractor, WhisperForConditionalGeneration
from whisper.tokenizer import LANGUAGES

from whisper_nano.codes import WIDTH
from whisper_nano.guidance import GUIDED_HEADS
from whisper_nano.network import LONGEST_TEXT, nano_config
from whisper_nano.spectrogram import MEL_BINS
from whisper_nano.start import follow
from whisper_nano.vocabulary import UNSEEN_SHARE, WHISPER_TOKENS, Vocabulary
from whisper_terms.base_model import GENERATION_CONFIG, Base, save_model
from whisper_terms.tables import write_text
from whisper_terms.tokenizer import build_tokenizer
from whisper_terms.transcription import load_tokenizer

EMBEDDING = "embed_tokens.weight"
# How far the rows of unseen tokens differ, nearly as seen ones do. Where they hardly differ, a
# fine-tuned term of several such tokens is begun and not ended: the decoder can't tell which of
# them it has written.
_SPREAD = 0.05
# Up to large-v2 Whisper knows 99 languages; the package's table has those of large-v3 too.
_LANGUAGES = 99


def assemble_model(
    weights: Mapping[str, Mapping[str, Tensor]],
    vocabulary: Vocabulary,
    directory: Path,
    settings_directory: Path,
    start: str = "",
    followed: float = 1.0,
) -> None:
    """Write the model directory, in half precision.

    Args:
        weights: of `encoder` and `decoder`.
        vocabulary: the small vocabulary of the decoder.
        directory: where to write.
        settings_directory: where the generation settings are written first; save_model copies
            them from there, byte for byte.
        start: directory of the model that the training began with; empty for random weights.
        followed: how far the training is followed from there.

    Raises:
        UserError: the directory holds files that are not a model's.
    """
    write_text(
        settings_directory / GENERATION_CONFIG,
        json.dumps(generation_settings(), indent=2, ensure_ascii=False) + "\n",
    )
    model = whole_model(weights, vocabulary)
    if start:
        follow(model, start, followed)
    base = Base(
        model,
        build_tokenizer(),
        WhisperFeatureExtractor(feature_size=MEL_BINS),
        GenerationConfig.from_pretrained(settings_directory),
        settings_directory,
    )
    save_model(directory, model.half(), base)


def whole_model(
    weights: Mapping[str, Mapping[str, Tensor]], vocabulary: Vocabulary
) -> WhisperForConditionalGeneration:
    """The model with Whisper's whole vocabulary."""
    whisper = load_tokenizer("ja")
    end = dict.fromkeys(("pad_token_id", "bos_token_id", "eos_token_id"), whisper.eot)
    config = nano_config(WHISPER_TOKENS, **end, decoder_start_token_id=whisper.sot)
    model = WhisperForConditionalGeneration(config).eval()
    model.model.encoder.load_state_dict(weights["encoder"])
    decoder = dict(weights["decoder"])
    decoder[EMBEDDING] = whole_embedding(decoder[EMBEDDING], vocabulary)
    model.model.decoder.load_state_dict(decoder)
    model.tie_weights()
    return model


def whole_embedding(embedding: Tensor, vocabulary: Vocabulary) -> Tensor:
    """The rows of the small vocabulary at their places, rows near the shared one everywhere else.

    Args:
        embedding: shape (vocabulary.size, WIDTH).
        vocabulary: the small vocabulary.

    Returns:
        Shape (WHISPER_TOKENS, WIDTH).
    """
    random = torch.Generator().manual_seed(0)
    spread = torch.randn(WHISPER_TOKENS, WIDTH, generator=random) * _SPREAD
    whole = UNSEEN_SHARE * embedding[-1] + spread
    whole[torch.from_numpy(vocabulary.tokens)] = embedding[:-1]
    return whole


def generation_settings() -> dict[str, object]:
    """The content of generation_config.json, as in OpenAI's models of this vocabulary."""
    whisper = load_tokenizer("ja")
    languages = list(LANGUAGES)[:_LANGUAGES]
    return {
        "alignment_heads": [list(head) for head in GUIDED_HEADS],
        # Not a blank and not the end at once.
        "begin_suppress_tokens": [*whisper.encode(" "), whisper.eot],
        "bos_token_id": whisper.eot,
        "decoder_start_token_id": whisper.sot,
        "eos_token_id": whisper.eot,
        "is_multilingual": True,
        "lang_to_id": {f"<|{code}|>": whisper.to_language_token(code) for code in languages},
        "max_initial_timestamp_index": 50,
        "max_length": LONGEST_TEXT,
        "no_timestamps_token_id": whisper.no_timestamps,
        "pad_token_id": whisper.eot,
        "prev_sot_token_id": whisper.sot_prev,
        "return_timestamps": False,
        "suppress_tokens": sorted(whisper.non_speech_tokens),
        "task_to_id": {"transcribe": whisper.transcribe, "translate": whisper.translate},
    }
