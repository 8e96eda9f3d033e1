"""Which frames of a 30-s window the decoder is given while it trains.

Most windows are mostly silence, and attention to 1,500 frames is what a step costs. The decoder
therefore gets all frames near speech and a random few of the others: it still learns to pass over
silence, in a fraction of the time. Positions are part of the encodings, so nothing moves.
"""

import numpy as np
import torch
from scipy.ndimage import maximum_filter1d
from torch import Tensor

_NEAR = 13  # width in frames: 6 on either side


def choose_frames(speech: np.ndarray, share: float, rng: np.random.Generator) -> Tensor:
    """The numbers of the frames to keep.

    Args:
        speech: whether somebody speaks, shape (batch, frames), bool.
        share: how many frames without speech, as a share of all; with 1 every frame is kept.
        rng: source of everything random.

    Returns:
        Shape (batch, kept), rising; windows with less speech keep more of the silence.
    """
    near = maximum_filter1d(speech, _NEAR, axis=1)
    kept = min(speech.shape[1], int(near.sum(1).max()) + int(share * speech.shape[1]))
    order = np.argsort(-2.0 * near - rng.random(speech.shape), axis=1)
    return torch.from_numpy(np.sort(order[:, :kept], axis=1))


def take_frames(values: Tensor, frames: Tensor) -> Tensor:
    """The values of some frames: (batch, frames, width) -> (batch, kept, width)."""
    return values.gather(1, frames[..., None].expand(-1, -1, values.shape[-1]))
