"""Alignment codes: what the encoder is to say of each frame, as a vector.

The alignment is known, so the encoder need not discover it: a frame of 20 ms is coded as the phone
that is being said, whether its pitch is high, and when it is. The decoder can read the same codes
before any encoder exists.
"""

import math

import torch
from torch import Tensor

from whisper_nano.phones import PHONES

PHONE_WIDTH, ACCENT_WIDTH, POSITION_WIDTH = 152, 8, 96
WIDTH = PHONE_WIDTH + ACCENT_WIDTH + POSITION_WIDTH
FRAMES = 1500  # in a window of 30 s
FRAME_SECONDS = 0.02
# Periods of the position's sines, in frames: from 0.24 s to twice a window.
_PERIODS = (3200, 12)


def _phone_codes() -> Tensor:
    """Shape (phones, PHONE_WIDTH): orthogonal rows whose mean square is 1."""
    random = torch.randn(PHONE_WIDTH, len(PHONES), generator=torch.Generator().manual_seed(5))
    return (torch.linalg.qr(random)[0].T * math.sqrt(PHONE_WIDTH)).contiguous()


def _position_codes() -> Tensor:
    """Shape (FRAMES, POSITION_WIDTH): sines and cosines whose mean square is 1."""
    low, high = (math.log(2 * math.pi / period) for period in _PERIODS)
    rates = torch.exp(torch.linspace(low, high, POSITION_WIDTH // 2))
    angles = torch.arange(FRAMES)[:, None] * rates
    return torch.cat([angles.sin(), angles.cos()], 1) * math.sqrt(2)


PHONE_CODES = _phone_codes()
POSITION_CODES = _position_codes()


def encode_alignment(phones: Tensor, accent: Tensor, places: Tensor) -> Tensor:
    """The codes of frames.

    Args:
        phones: the frames' phones as codes, see `code_phones`; shape (batch, frames, PHONE_WIDTH).
        accent: pitch of the frame from -1 (low) to 1 (high); shape (batch, frames).
        places: the frames' numbers in the 30-s window, shape (batch, frames).

    Returns:
        Shape (batch, frames, WIDTH); the mean square of a frame of one phone in high or low pitch
        is 1, so that layer-normalised encodings can equal it.
    """
    accent = accent[..., None].expand(-1, -1, ACCENT_WIDTH)
    positions = POSITION_CODES.to(places.device)[places]
    return torch.cat([phones, accent, positions], -1)


def code_phones(phones: Tensor) -> Tensor:
    """Codes of phone numbers: any shape -> (..., PHONE_WIDTH)."""
    return PHONE_CODES.to(phones.device)[phones]


def phone_scores(encodings: Tensor) -> Tensor:
    """How well each phone's code fits: (batch, frames, WIDTH) -> (batch, frames, phones).

    1 for the code itself, 0 for another phone's.
    """
    return encodings[..., :PHONE_WIDTH] @ PHONE_CODES.T.to(encodings.device) / PHONE_WIDTH


def accent_part(encodings: Tensor) -> Tensor:
    """The accent that encodings hold, shape (batch, frames)."""
    return encodings[..., PHONE_WIDTH : PHONE_WIDTH + ACCENT_WIDTH].mean(-1)
