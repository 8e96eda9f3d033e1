"""Where a training begins, and how far it is followed.

It begins with random weights, or with those of a model that this build made earlier.
"""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from transformers import WhisperForConditionalGeneration

from whisper_nano.network import new_network
from whisper_nano.vocabulary import UNSEEN_SHARE, WHISPER_TOKENS, Vocabulary

_EMBEDDING = "embed_tokens.weight"
# Rows of unseen tokens that differ by less are those of older models.
_EQUAL = 0.01


def first_encoder(directory: str, seed: int) -> nn.Module:
    """An encoder: of the model in `directory`, or random if that is empty."""
    encoder = new_network(64, seed).model.encoder
    if directory:
        encoder.load_state_dict(_load(directory).encoder.state_dict())
    return encoder


def first_decoder(directory: str, vocabulary: Vocabulary, seed: int) -> nn.Module:
    """The same for a decoder, which has a small vocabulary."""
    decoder = new_network(vocabulary.size, seed).model.decoder
    if directory:
        weights = dict(_load(directory).decoder.state_dict())
        weights[_EMBEDDING] = small_embedding(weights[_EMBEDDING], vocabulary)
        decoder.load_state_dict(weights)
    return decoder


def small_embedding(whole: Tensor, vocabulary: Vocabulary) -> Tensor:
    """The rows of a small vocabulary; the shared row is the median of all others, in full length.

    Models that were assembled before rows of unseen tokens differed hold it in full length.

    Args:
        whole: shape (WHISPER_TOKENS, WIDTH).
        vocabulary: the small one.

    Returns:
        Shape (vocabulary.size, WIDTH).
    """
    seen = torch.from_numpy(vocabulary.tokens)
    unseen = torch.from_numpy(np.setdiff1d(np.arange(WHISPER_TOKENS), vocabulary.tokens))
    rows = whole[unseen]
    share = UNSEEN_SHARE if rows.std(0).mean() > _EQUAL else 1.0
    return torch.cat([whole[seen], rows.median(0).values[None] / share])


def follow(model: WhisperForConditionalGeneration, directory: str, share: float) -> None:
    """Move a model's weights back: to a share of the way from those of the model in `directory`.

    What only one of the two trainings learnt by heart weighs less in their mean, and the mean often
    generalises better than either: Wortsman et al., "Model soups" (2022, arXiv:2203.05482).
    """
    before = _load(directory).state_dict()
    for name, weights in model.model.state_dict().items():
        weights.copy_(before[name].lerp(weights, share))


def weights_files(directory: str) -> list[Path]:
    """The files that hold the weights of the model in `directory`; none if that is empty."""
    return [Path(directory) / "model.safetensors"] if directory else []


def _load(directory: str | Path) -> nn.Module:
    return WhisperForConditionalGeneration.from_pretrained(directory, dtype=torch.float32).model
