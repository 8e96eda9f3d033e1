"""Guided attention: while it learns, the decoder is shown where in the sound a token is said.

After Tachibana, Uenoyama and Aihara, "Efficiently trainable text-to-speech system based on deep
convolutional networks with guided attention" (2018, arXiv:1710.08969), whose guide is a diagonal;
here the true times are known, so they are the guide.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

# (layer, head) of the decoder that are guided; they are the model's alignment heads, from which
# word timestamps are read.
GUIDED_HEADS = ((1, 0), (2, 0), (2, 1), (3, 0))
# Frames on either side of a token that count as right.
_MARGIN = 5


def guidance_mask(spans: Tensor, frames: Tensor) -> Tensor:
    """Where each position may look: 0 or 1, shape (batch, n, frames).

    Args:
        spans: first and last frame of what is said; negative for what is not; (batch, n, 2).
        frames: the numbers of the frames that the decoder is given, shape (batch, frames).
    """
    frame = frames[:, None, :]
    first, last = spans[..., :1] - _MARGIN, spans[..., 1:] + _MARGIN
    return ((frame >= first) & (frame <= last)).float()


def guidance_loss(looks: Sequence[Tensor], spans: Tensor, frames: Tensor) -> Tensor:
    """How far the guided heads look elsewhere: mean of -log(attention inside the mask).

    Args:
        looks: what each of GUIDED_HEADS looks at, tensors of shape (batch, n, frames).
        spans, frames: see `guidance_mask`; positions of what is not said do not count.

    Returns:
        A scalar; 0 where nothing is said.
    """
    said = spans[..., 0] >= 0
    if not said.any():
        return spans.new_zeros(())
    mask = guidance_mask(spans, frames)[said]
    inside = [(look[said] * mask).sum(-1) for look in looks]
    return -torch.log(torch.stack(inside) + 1e-4).mean()
