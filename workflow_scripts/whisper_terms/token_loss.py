"""The loss over the vocabulary, without the scores of all tokens at once.

A window's label has hundreds of tokens, the vocabulary 51,865, so the scores of a batch are the
largest tensor of a training by far, and autograd holds several of their size. But the gradient of
this loss with regard to the scores has a closed form. So scores are made for some tokens at a time,
and what is kept of them is the gradient with regard to the hidden states and to the output matrix.
Memory then hardly follows the length of the labels.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import torch
from peft import PeftModel
from torch import Tensor, nn
from transformers import WhisperForConditionalGeneration

# Scores that are in memory at once; about 64 MB in float32.
_SCORES = 1 << 24
# Tokens are taken in multiples of this. oneDNN keeps a thousand matrix products by their shapes:
# with AMX and the vocabulary as a side, some megabytes each. A number of tokens that was new in
# every step took 6 GB within three hundred steps.
_TOKENS = 32


class Wanted(NamedTuple):
    """The answers of another model, which may be wanted too.

    Attributes:
        hidden: its hidden states, shape (tokens, width).
        head: its output matrix, shape (vocabulary, width).
        weight: how much a nat of divergence from it counts.
    """

    hidden: Tensor
    head: Tensor
    weight: float


@contextmanager
def hidden_states(model: WhisperForConditionalGeneration | PeftModel) -> Iterator[Tensor]:
    """Let a model's forward pass give its last hidden states in place of `logits`.

    What wraps a model in training (autocast, several processes) acts in that pass alone, so that
    its parts can't be called one by one.

    Yields:
        The output matrix, shape (vocabulary, width), that would make the scores of them.
    """
    whole = model.get_base_model() if isinstance(model, PeftModel) else model
    head, whole.proj_out = whole.proj_out, nn.Identity()
    try:
        yield head.weight
    finally:
        whole.proj_out = head


def token_loss(
    hidden: Tensor, head: Tensor, labels: Tensor, weights: Tensor, wanted: Wanted | None = None
) -> Tensor:
    """The weighted cross-entropy, and the divergence from another model's answers, both summed.

    With scores z, probabilities p = softmax(z), a label y of weight w and wanted probabilities q
    that count k, a token's loss is w (-log p_y) + k sum(q log(q / p)), and its gradient with regard
    to z is (w + k) p - w onehot(y) - k q.

    Matrix products are taken in the precision of an active autocast, all else in float32.

    Args:
        hidden: last hidden states, shape (tokens, width).
        head: the output matrix, shape (vocabulary, width).
        labels: int64, shape (tokens,).
        weights: of the labels, float32, shape (tokens,).
        wanted: answers to the same tokens.
    """
    lacking = -len(hidden) % _TOKENS
    hidden, labels, weights = (_lengthen(one, lacking) for one in (hidden, labels, weights))
    if wanted:
        wanted = wanted._replace(hidden=_lengthen(wanted.hidden, lacking))
    return _TokenLoss.apply(hidden, head, labels, weights, wanted, torch.is_grad_enabled())


def _lengthen(tokens: Tensor, by: int) -> Tensor:
    """Tokens of zeros at the end: no weight, and by both models all words are equally probable."""
    return torch.nn.functional.pad(tokens, (*[0, 0] * (tokens.dim() - 1), 0, by))


class _TokenLoss(torch.autograd.Function):
    """Takes the gradients on the way forward, a part of the tokens after another."""

    @staticmethod
    def forward(context, hidden, head, labels, weights, wanted, with_gradients):
        needs_hidden, needs_head = (with_gradients and one for one in context.needs_input_grad[:2])
        of_hidden = torch.zeros_like(hidden) if needs_hidden else None
        of_head = torch.zeros_like(head) if needs_head else None
        total = torch.zeros((), device=hidden.device)
        # Rounded once, and not for every part.
        precision = _precision(hidden)
        states, matrix = hidden.to(precision), head.to(precision)
        if wanted:
            other = Wanted(wanted.hidden.to(precision), wanted.head.to(precision), wanted.weight)
        size = max(1, _SCORES // len(matrix) // _TOKENS) * _TOKENS
        with torch.autocast(hidden.device.type, enabled=False):
            for first in range(0, len(states), size):
                part = slice(first, first + size)
                log_p = _log_probabilities(states[part], matrix)
                log_q = _log_probabilities(other.hidden[part], other.head) if wanted else None
                k = other.weight if wanted else 0.0
                total += _loss(log_p, labels[part], weights[part], log_q, k)
                if not (needs_hidden or needs_head):
                    continue
                gradient = _gradient(log_p, labels[part], weights[part], log_q, k).to(precision)
                if needs_hidden:
                    of_hidden[part] = gradient @ matrix
                if needs_head:
                    of_head += gradient.T @ states[part]
        context.save_for_backward(of_hidden, of_head)
        return total

    @staticmethod
    def backward(context, of_total):
        of_hidden, of_head = context.saved_tensors
        return (
            None if of_hidden is None else of_hidden * of_total,
            None if of_head is None else of_head * of_total,
            *[None] * 4,
        )


def _precision(hidden: Tensor) -> torch.dtype:
    """In which matrix products are taken here."""
    place = hidden.device.type
    return torch.get_autocast_dtype(place) if torch.is_autocast_enabled(place) else hidden.dtype


def _log_probabilities(states: Tensor, matrix: Tensor) -> Tensor:
    """Float32, shape (tokens, vocabulary)."""
    return (states @ matrix.T).float().log_softmax(-1)


def _loss(log_p: Tensor, labels: Tensor, weights: Tensor, log_q: Tensor | None, k: float) -> Tensor:
    loss = -(log_p.gather(1, labels[:, None])[:, 0] * weights).sum()
    if log_q is not None:
        loss += k * torch.nn.functional.kl_div(log_p, log_q, reduction="sum", log_target=True)
    return loss


def _gradient(
    log_p: Tensor, labels: Tensor, weights: Tensor, log_q: Tensor | None, k: float
) -> Tensor:
    """With regard to the scores; takes the place of `log_p`, and uses up `log_q`."""
    gradient = log_p.exp_().mul_((weights + k)[:, None])
    gradient.scatter_add_(1, labels[:, None], -weights[:, None])
    return gradient if log_q is None else gradient.sub_(log_q.exp_(), alpha=k)
