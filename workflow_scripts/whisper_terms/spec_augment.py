"""SpecAugment: spectrograms with bands and moments hidden, new ones in every step.

Park et al., "SpecAugment: A Simple Data Augmentation Method for Automatic Speech Recognition"
(Interspeech 2019, arXiv:1904.08779). It is for encoders that run in every step: of a cached
encoding there is no spectrogram left.
"""

import torch
from torch import Tensor

# The paper's policy "Switchboard mild" (its table 1), for 80 bins and frames of 10 ms.
_MASKS = 2  # of each kind
_WIDEST_BAND = 15 / 80  # of the bins
_LONGEST = 70  # frames
_LONGEST_SHARE = 0.2  # of the frames in which something is heard


def mask_spectrograms(features: Tensor) -> Tensor:
    """Hide two bands and two moments of each window, which may overlap.

    A band is up to 15 of 80 bins wide (24 of 128). A moment is up to 70 frames (0.7 s) long, and
    up to a fifth of what is heard: frames up to the last that sounds. Widths and places are even
    chances. So a window loses 18 % of its bins on average, at most 38 %, and at most 40 % of
    what is heard. The mild policy is taken since a term lasts less than a second, and a label
    whose term is hidden would teach to guess; moments lie where something is heard since most of
    a window may be empty. The paper's time warping is left out: labels hold times.

    What is hidden gets the window's lowest value. Whisper cuts its features off 8 decades below
    the window's loudest point, so that is how pauses, the empty rest of a window and the missing
    bands of a telephone line look. The mean, which is 0 in the paper, would be a burst of noise
    here, the louder the fuller the window; and 0 is no level of its own in Whisper's features.

    Args:
        features: log-Mel spectrograms as Whisper hears them, shape (windows, Mel bins, frames),
            on any device. Random numbers are torch's own of that device.

    Returns:
        The same shape; the argument stays as it is.
    """
    _, bins, frames = features.shape
    # (windows, 1, 1)
    silence = features.amin((1, 2), keepdim=True)
    heard = _heard_frames(features > silence)
    longest = (_LONGEST_SHARE * heard).floor().clamp(max=_LONGEST)
    whole = torch.full_like(heard, bins)
    bands = _spans(whole, (_WIDEST_BAND * whole).floor(), bins)
    moments = _spans(heard, longest, frames)
    return torch.where(bands[:, :, None] | moments[:, None, :], silence, features)


def _heard_frames(sounds: Tensor) -> Tensor:
    """How many frames there are up to the last that sounds.

    Args:
        sounds: bool, shape (windows, Mel bins, frames).

    Returns:
        float32, shape (windows,).
    """
    number = torch.arange(1, sounds.shape[2] + 1, device=sounds.device)
    return (sounds.any(1) * number).amax(1).float()


def _spans(length: Tensor, widest: Tensor, places: int) -> Tensor:
    """Random spans, several a window.

    Args:
        length: places among which they lie, counted from the first; shape (windows,).
        widest: most places of a span; the least is none.
        places: how many there are.

    Returns:
        Whether a place is in a span: bool, shape (windows, places).
    """
    chance = torch.rand(2, len(length), _MASKS, device=length.device)
    # (windows, spans)
    width = (chance[0] * (widest[:, None] + 1)).floor()
    first = (chance[1] * (length[:, None] - width + 1)).floor()
    # (windows, spans, places)
    place = torch.arange(places, device=length.device).expand(*first.shape, places)
    inside = (place >= first[..., None]) & (place < (first + width)[..., None])
    return inside.any(1)
