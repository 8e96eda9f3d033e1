"""Where the frames of a training window lie in its 30 s, and for how many others they stand.

Whisper always hears 30 s, and most of them are silent. What a step costs, though, is frames. So a
training window holds the *region* in which somebody speaks, every frame of it, and a small sample
of the silent frames around. Positions are embedded, not implied by order, so nothing moves; and in
every attention the sampled frames get the weight of all those that they stand for. A window of
200 frames then teaches almost exactly what one of 1,500 would.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from whisper_nano.codes import FRAMES

# Silent frames of the longest region's window; shorter regions' windows are filled up with more.
_SAMPLED = (16, 64)


@dataclass(frozen=True)
class Region:
    """The part of a window in which somebody speaks.

    Attributes:
        first: its first frame in the 30-s window.
        length: frames; 0 where nobody speaks.
    """

    first: int
    length: int


@dataclass(frozen=True)
class Layout:
    """The frames of a batch: first those of each window's region, then its silent ones.

    Attributes:
        regions: one for each window.
        places: the frames' numbers in the 30-s window, shape (batch, frames), int64.
        weight: log of the number of frames that each stands for, shape (batch, frames), float32.
    """

    regions: Sequence[Region]
    places: Tensor
    weight: Tensor

    @property
    def frames(self) -> int:
        return self.places.shape[1]

    def thinned(self, share: float, rng: np.random.Generator) -> tuple["Layout", Tensor]:
        """A layout of a random share of the frames, each standing for more of them.

        Returns:
            The layout, and the places of its frames in this one, shape (batch, kept), rising.
        """
        batch, frames = self.places.shape
        kept = max(1, round(frames * share))
        order = np.argsort(rng.random((batch, frames)), 1)[:, :kept]
        chosen = torch.from_numpy(np.sort(order, 1)).to(self.places.device)
        weight = self.weight.gather(1, chosen) + math.log(frames / kept)
        return Layout(self.regions, self.places.gather(1, chosen), weight), chosen


def lay_out(regions: Sequence[Region], rng: np.random.Generator) -> Layout:
    """Fill every region up with silent frames, to windows of equal size."""
    longest = max(region.length for region in regions)
    frames = min(FRAMES, longest + int(rng.integers(*_SAMPLED)))
    places, weight = (
        np.stack(rows)
        for rows in zip(*(_fill_up(region, frames, rng) for region in regions), strict=True)
    )
    return Layout(regions, torch.from_numpy(places), torch.from_numpy(weight))


def put_region(length: int, at_start: float, rng: np.random.Generator) -> Region:
    """A region at the window's start, or, with chance 1 - `at_start`, anywhere in it."""
    length = min(length, FRAMES)
    anywhere = rng.random() >= at_start
    return Region(int(rng.integers(FRAMES - length + 1)) if anywhere else 0, length)


def _fill_up(
    region: Region, frames: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    spoken = np.arange(region.first, region.first + region.length)
    sampled = frames - region.length
    others = rng.choice(FRAMES - region.length, sampled, replace=False)
    others += region.length * (others >= region.first)
    weight = np.zeros(frames, np.float32)
    if sampled:
        weight[region.length :] = np.log((FRAMES - region.length) / sampled)
    return np.concatenate([spoken, np.sort(others)]).astype(np.int64), weight
