"""openai-whisper's decoder, with a quicker product of a step's few rows with the vocabulary.

A step of greedy decoding multiplies one row a recording with the embeddings of 51,865 tokens. That
reads far more than it computes, and the product that openai-whisper writes, rows times transposed
embeddings, takes twice as long on a CPU as embeddings times transposed rows, which gives the same
scores.
"""

from types import MethodType

from torch import Tensor
from whisper.model import TextDecoder, Whisper


def quicken_decoder(model: Whisper) -> Whisper:
    """Let a model on a CPU score the vocabulary the quicker way; the model itself is changed."""
    if model.device.type == "cpu":
        model.decoder.forward = MethodType(_forward, model.decoder)
    return model


def _forward(decoder: TextDecoder, x: Tensor, xa: Tensor, kv_cache: dict | None = None) -> Tensor:
    """As `TextDecoder.forward`: tokens (batch, n), encodings -> scores (batch, n, vocabulary)."""
    first = next(iter(kv_cache.values())).shape[1] if kv_cache else 0
    positions = decoder.positional_embedding[first : first + x.shape[1]]
    hidden = (decoder.token_embedding(x) + positions).to(xa.dtype)
    for block in decoder.blocks:
        hidden = block(hidden, xa, mask=decoder.mask, kv_cache=kv_cache)
    return _scores(decoder.ln(hidden), decoder.token_embedding.weight.to(hidden.dtype)).float()


def _scores(hidden: Tensor, embeddings: Tensor) -> Tensor:
    """(batch, n, width), (vocabulary, width) -> (batch, n, vocabulary)."""
    if hidden.shape[1] > 1:
        # The beginning of a window has a row for each token of the prompt: arithmetic, not reading.
        return hidden @ embeddings.T
    return (embeddings @ hidden[:, 0].T).T.contiguous()[:, None]
