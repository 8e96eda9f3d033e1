"""openai-whisper's decoder, with a quicker product of a step's few rows with the vocabulary.

A step of decoding multiplies a row or some rows a recording with the embeddings of 51,865 tokens.
That reads far more than it computes, and the product that openai-whisper writes, rows times
transposed embeddings, takes twice as long on a CPU as embeddings times transposed rows, which gives
the same scores.

Beams of a window look at one encoding: it is not repeated for each of them, nor what its keys and
values take, which are the most of a decoder's memory.
"""

from types import MethodType

from torch import Tensor
from whisper.model import TextDecoder, Whisper


def quicken_decoder(model: Whisper) -> Whisper:
    """Let a model on a CPU score the vocabulary the quicker way; the model itself is changed."""
    if model.device.type == "cpu":
        model.decoder.forward = MethodType(score_tokens, model.decoder)
    return model


def score_tokens(
    decoder: TextDecoder, x: Tensor, xa: Tensor, kv_cache: dict | None = None
) -> Tensor:
    """As `TextDecoder.forward`, for one row of tokens a window or several.

    Args:
        decoder: openai-whisper's.
        x: tokens, shape (rows, n); the rows of a window lie together.
        xa: encodings, shape (windows, frames, width); they are not repeated for its rows.
        kv_cache: as `Whisper.install_kv_cache_hooks` gives it.

    Returns:
        The scores of the tokens that follow, shape (rows, n, vocabulary).
    """
    first = next(iter(kv_cache.values())).shape[1] if kv_cache else 0
    positions = decoder.positional_embedding[first : first + x.shape[1]]
    hidden = (decoder.token_embedding(x) + positions).to(xa.dtype)
    for block in decoder.blocks:
        hidden = hidden + block.attn(block.attn_ln(hidden), mask=decoder.mask, kv_cache=kv_cache)[0]
        # Rows do not see each other here, so those of a window can stand in one.
        asking = block.cross_attn_ln(hidden).reshape(len(xa), -1, hidden.shape[2])
        hidden = hidden + block.cross_attn(asking, xa, kv_cache=kv_cache)[0].view_as(hidden)
        hidden = hidden + block.mlp(block.mlp_ln(hidden))
    return _scores(decoder.ln(hidden), decoder.token_embedding.weight.to(hidden.dtype)).float()


def _scores(hidden: Tensor, embeddings: Tensor) -> Tensor:
    """(rows, n, width), (vocabulary, width) -> (rows, n, vocabulary)."""
    if hidden.shape[1] > 1:
        # The beginning of a window has a row for each token of the prompt: arithmetic, not reading.
        return hidden @ embeddings.T
    return (embeddings @ hidden[:, 0].T).T.contiguous()[:, None]
