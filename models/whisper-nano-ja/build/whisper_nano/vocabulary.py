"""The tokens that the training text holds; all others share one row of the embedding.

Of Whisper's 51,865 tokens Japanese text of this size uses a few thousand. The decoder is trained
with a small softmax over these and one row that stands for every unseen token; `assemble` spreads
that row over the real vocabulary.
"""

import math
from collections.abc import Iterable, Sequence

import numpy as np
import torch
from torch import Tensor

from whisper_terms.transcription import load_tokenizer

WHISPER_TOKENS = 51_865
# How much of the shared row an unseen token gets. The row was learnt for its scores alone and is
# seven times as long as others: where such a token is read again, it would drown the rest. With two
# fifths of it, the token still does not win against seen ones.
UNSEEN_SHARE = 0.4
# Any text can be spelt in the 256 tokens of single bytes.
_BYTES = range(256)


class Vocabulary:
    """A small vocabulary.

    Attributes:
        tokens: Whisper's ids in rising order, shape (n,); the index is the small vocabulary's id.
        size: n and the shared row, the last.
    """

    def __init__(self, tokens: np.ndarray):
        self.tokens = tokens
        self.size = len(tokens) + 1
        self._ids = {int(token): index for index, token in enumerate(tokens)}

    @classmethod
    def of(cls, token_sequences: Iterable[np.ndarray]) -> "Vocabulary":
        """What the sequences hold, all single bytes, and all special tokens and timestamps."""
        specials = range(load_tokenizer("ja").eot, WHISPER_TOKENS)
        seen = set(specials) | set(_BYTES)
        for tokens in token_sequences:
            seen.update(tokens.tolist())
        return cls(np.array(sorted(seen), np.int64))

    @property
    def unseen(self) -> int:
        """How many tokens the shared row stands for."""
        return WHISPER_TOKENS - len(self.tokens)

    def ids(self, tokens: Sequence[int]) -> list[int]:
        """Whisper's ids in the small vocabulary."""
        return [self._ids.get(int(token), self.size - 1) for token in tokens]

    def cross_entropy(self, scores: Tensor, ids: Tensor, smoothing: float = 0.03) -> Tensor:
        """The loss, with the shared row counted once for every token that it stands for.

        Args:
            scores: shape (n, size).
            ids: the right ones, shape (n,).
            smoothing: label smoothing.
        """
        shared = scores[:, -1:] + math.log(max(1, self.unseen))
        return torch.nn.functional.cross_entropy(
            torch.cat([scores[:, :-1], shared], 1), ids, label_smoothing=smoothing
        )
