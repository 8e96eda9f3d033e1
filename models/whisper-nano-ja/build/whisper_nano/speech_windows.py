"""Batches of speech: spoken sentences one after another, each window in some room."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from whisper_nano.augmentation import augment
from whisper_nano.codes import FRAME_SECONDS, FRAMES
from whisper_nano.layout import Layout, lay_out, put_region
from whisper_nano.phones import SILENCE
from whisper_nano.spectrogram import MEL_BINS
from whisper_nano.speech_store import Utterance

_SILENCE_LOG_POWER = -10.0
_LONGEST_GAP = 40  # frames between two sentences
_LONGEST_LEAD = 50  # frames before the first
_AT_START, _NO_LEAD, _SILENT = 0.7, 0.6, 0.08  # chances
_PADDED, _RUNNING_ON = 0.55, 0.3  # chances that a recording ends with the speech, or never


@dataclass(frozen=True)
class Said:
    """An utterance in a window, without a part of the silence before and after it.

    Attributes:
        utterance: what is said.
        cut: frames that are left out before.
        length: frames that remain.
        first: its first frame in the region.
    """

    utterance: Utterance
    cut: int
    length: int
    first: int


@dataclass(frozen=True)
class SpeechBatch:
    """Windows of speech.

    Attributes:
        features: what is heard, shape (batch, MEL_BINS, 2 * frames); float16, since they are most
            of what is moved from process to process and to a GPU.
        phones: what is said, shape (batch, frames), int64.
        accent: pitch, shape (batch, frames), float32.
        layout: where in the 30 s the frames are.
        starts: for each window its utterances, as positions in the store, with the second of the
            window at which the uncut utterance would start.
    """

    features: Tensor
    phones: Tensor
    accent: Tensor
    layout: Layout
    starts: list[list[tuple[int, float]]]


class SpeechWindows:
    """Makes batches from a store of utterances."""

    def __init__(self, utterances: Sequence[Utterance], frames: int):
        """Make batches of about `frames` frames of 20 ms."""
        self._utterances, self._frames = utterances, frames
        self._by_length = np.argsort([one.frames for one in utterances], kind="stable")

    def make(self, most: int, rng: np.random.Generator) -> SpeechBatch:
        """A batch whose windows hold up to `most` utterances each, of similar length in all."""
        groups = self._choose(most, rng)
        said = [[] if rng.random() < _SILENT else self._arrange(group, rng) for group in groups]
        lengths = [one[-1].first + one[-1].length if one else 0 for one in said]
        layout = lay_out([put_region(n, _AT_START, rng) for n in lengths], rng)
        log_power, phones, accent = self._fill(said, layout)
        heard = _heard(layout, rng)
        starts = [
            [
                (int(index), (region.first + one.first - one.cut) * FRAME_SECONDS)
                for index, one in zip(group, row, strict=False)
            ]
            for group, row, region in zip(groups, said, layout.regions, strict=True)
        ]
        features = augment(log_power, heard.repeat_interleave(2, 1), rng)
        return SpeechBatch(features.half(), phones, accent, layout, starts)

    def _choose(self, most: int, rng: np.random.Generator) -> list[np.ndarray]:
        """Groups of utterances (their indices) whose windows have similar lengths."""
        total = len(self._utterances)
        if most == 1:
            middle = self._by_length[rng.integers(total)]
            count = max(1, self._frames // (self._utterances[middle].frames + 30))
            near = min(total, 4 * count)
            first = int(rng.integers(total - near + 1))
            count = max(1, self._frames // (self._length([self._by_length[first]]) + 30))
            chosen = self._by_length[first + rng.choice(near, min(count, near), replace=False)]
            return [np.array([index]) for index in chosen]
        groups = [rng.integers(total, size=rng.integers(2, most + 1)) for _ in range(60)]
        groups.sort(key=self._length)
        first = int(rng.integers(len(groups)))
        count = max(1, self._frames // min(FRAMES, self._length(groups[first])))
        return groups[first : first + count]

    def _length(self, group: Sequence[int]) -> int:
        return sum(self._utterances[index].frames + _LONGEST_GAP // 2 for index in group)

    def _arrange(self, group: Sequence[int], rng: np.random.Generator) -> list[Said]:
        """Utterances one after another, as many as fit into a window."""
        arranged: list[Said] = []
        first = 0 if rng.random() < _NO_LEAD else int(rng.integers(_LONGEST_LEAD))
        for index in group:
            one = self._utterances[index]
            speech = (one.borders[[1, -2]] / FRAME_SECONDS).astype(int)
            cut = int(rng.integers(speech[0] + 1))
            length = min(one.frames, int(rng.integers(speech[1] + 1, one.frames + 2))) - cut
            if first + length > FRAMES:
                break
            arranged.append(Said(one, cut, length, first))
            first += length + int(rng.integers(_LONGEST_GAP))
        return arranged

    def _fill(
        self, said: Sequence[Sequence[Said]], layout: Layout
    ) -> tuple[Tensor, Tensor, Tensor]:
        shape = len(said), layout.frames
        log_power = np.full((shape[0], MEL_BINS, 2 * shape[1]), _SILENCE_LOG_POWER, np.float32)
        phones = np.full(shape, SILENCE, np.int64)
        accent = np.zeros(shape, np.float32)
        for row, sequence in enumerate(said):
            for one in sequence:
                inside = slice(one.first, one.first + one.length)
                kept = slice(one.cut, one.cut + one.length)
                sound = one.utterance.spectrogram[:, 2 * kept.start : 2 * kept.stop]
                log_power[row, :, 2 * inside.start : 2 * inside.stop] = sound
                targets = one.utterance.frame_targets()
                phones[row, inside], accent[row, inside] = (values[kept] for values in targets)
        return tuple(map(torch.from_numpy, (log_power, phones, accent)))


def _heard(layout: Layout, rng: np.random.Generator) -> Tensor:
    """Where the recording goes on, shape (batch, frames), bool; after it the window is padded."""
    ends = []
    for region in layout.regions:
        end, chance = region.first + region.length, rng.random()
        # Where nobody speaks, padding alone would teach little.
        if chance >= _PADDED or not region.length:
            end = FRAMES if chance < _PADDED + _RUNNING_ON else int(rng.integers(end, FRAMES + 1))
        ends.append(end)
    return layout.places < torch.tensor(ends)[:, None]
