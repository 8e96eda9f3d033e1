"""Stage 2: the decoder learns to write, from text alone.

It reads simulated encodings (simulation.py), so it sees every sentence there is, not only those
that were spoken, and its attention is guided by the times that the simulation knows.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from whisper_nano.codes import FRAME_SECONDS, FRAMES
from whisper_nano.guidance import GUIDED_HEADS, guidance_loss
from whisper_nano.layout import Layout, lay_out, put_region
from whisper_nano.moving import CPU, to_device
from whisper_nano.network import decode
from whisper_nano.settings import DecoderStage
from whisper_nano.simulation import Placed, Simulation, simulate, time_phones
from whisper_nano.splicing import splice
from whisper_nano.start import first_decoder
from whisper_nano.text_store import Sentence
from whisper_nano.training import train
from whisper_nano.transcripts import (
    IGNORED,
    Transcript,
    collate,
    previous_text,
    transcribe,
    transcribe_silence,
)
from whisper_nano.vocabulary import Vocabulary

_SIMILAR = 4  # a batch is drawn from so many times its size of sentences of similar length
_NEAR = 500  # sentences of similar length, from which the end of a spliced one is taken
_AT_START, _SILENT, _UNTIMED = 0.7, 0.02, 0.25  # shares of the windows
_SPLICED, _PROMPTED = 0.35, 0.08  # shares of the sentences, of the steps
_KEPT = 0.5  # share of the frames that the decoder is given


@dataclass(frozen=True)
class Task:
    """What the decoder is to write about encodings.

    Attributes:
        layout: of their frames.
        inputs, answers, spans: see `transcripts.collate`.
    """

    layout: Layout
    inputs: Tensor
    answers: Tensor
    spans: Tensor


@dataclass(frozen=True)
class DecoderBatch:
    """Simulated encodings, and what is to be written about them."""

    simulation: Simulation
    task: Task


class TextWindows:
    """Makes batches from sentences that nobody has spoken."""

    def __init__(self, sentences: Sequence[Sentence], vocabulary: Vocabulary, frames: int):
        """Make batches of about `frames` frames of 20 ms."""
        self._sentences = sorted(sentences, key=lambda one: len(one.phones))
        self._seconds = np.array([one.durations.mean(1).sum() for one in self._sentences])
        self._vocabulary, self._frames = vocabulary, frames

    def make(self, most: int, noise: float, rng: np.random.Generator) -> DecoderBatch:
        """Simulated windows of up to `most` sentences each; a few are silent."""
        prompted = rng.random() < _PROMPTED
        chosen = self._choose(most, rng)
        if prompted:
            # Prompts are several times as long as what is written.
            chosen = chosen[: max(1, len(chosen) // 3)]
        groups = [[self._sentence(index, rng) for index in group] for group in chosen]
        placed = [[] if rng.random() < _SILENT else _arrange(group, rng) for group in groups]
        lengths = [round(row[-1].end / FRAME_SECONDS) if row else 0 for row in placed]
        layout = lay_out([put_region(length, _AT_START, rng) for length in lengths], rng)
        placed = [
            [one.later(region.first * FRAME_SECONDS) for one in row]
            for row, region in zip(placed, layout.regions, strict=True)
        ]
        transcripts = [
            self._transcribe(row, group, prompted, rng) if row else transcribe_silence(rng)
            for row, group in zip(placed, groups, strict=True)
        ]
        simulation, layout = simulate(placed, layout, _KEPT, noise, rng)
        return DecoderBatch(simulation, Task(layout, *collate(transcripts, self._vocabulary)))

    def _sentence(self, index: int, rng: np.random.Generator) -> Sentence:
        """A sentence, or one spliced from it and one of similar length."""
        sentence = self._sentences[index]
        if rng.random() >= _SPLICED:
            return sentence
        other = index + int(rng.integers(-_NEAR, _NEAR + 1))
        return splice(sentence, self._sentences[min(max(other, 0), len(self._sentences) - 1)], rng)

    def _choose(self, most: int, rng: np.random.Generator) -> list[np.ndarray]:
        total = len(self._sentences)
        if most > 1:
            typical = self._seconds.mean() * (most + 2) / 2 / FRAME_SECONDS
            count = max(1, int(self._frames / min(FRAMES, typical)))
            return [rng.integers(total, size=rng.integers(2, most + 1)) for _ in range(count)]
        first = int(rng.integers(total))
        count = max(1, int(self._frames / (self._seconds[first] / FRAME_SECONDS + 40)))
        near = min(total, _SIMILAR * count)
        first = min(first, total - near)
        return [np.array([first + index]) for index in rng.choice(near, min(count, near), False)]

    def _transcribe(
        self,
        placed: Sequence[Placed],
        group: Sequence[Sentence],
        prompted: bool,
        rng: np.random.Generator,
    ) -> Transcript:
        timed = rng.random() >= _UNTIMED
        prompt = previous_text(self._sentences, group, rng) if prompted else []
        return transcribe(placed, timed, prompt)


def train_decoder(
    sentences: Sequence[Sentence],
    vocabulary: Vocabulary,
    stage: DecoderStage,
    state: Path,
    start: str = "",
    device: torch.device = CPU,
    workers: int = 0,
) -> nn.Module:
    """Train a decoder with the small vocabulary on analysed sentences.

    Args:
        sentences: what is written.
        vocabulary: the small vocabulary.
        stage: how.
        state: folder of the checkpoint.
        start: directory of the model that it begins with; empty for random weights.
        device: where it is trained.
        workers: processes that make batches.
    """
    decoder = first_decoder(start, vocabulary, stage.seed).to(device)
    windows = TextWindows(sentences, vocabulary, stage.batch_frames)

    def make(rng: np.random.Generator, done: float) -> DecoderBatch:
        several = done > stage.windows_from and rng.random() < stage.windows_share
        return windows.make(stage.most if several else 1, stage.noise, rng)

    def learn(batch: DecoderBatch) -> dict[str, Tensor]:
        batch = to_device(batch, device)
        loss, guide, right = decoder_loss(
            decoder, batch.simulation.encodings(), batch.task, vocabulary
        )
        (loss + stage.guidance * guide).backward()
        return {"loss": loss.detach(), "guidance": guide.detach(), "right": right}

    train([(decoder, stage.learning_rate)], make, learn, stage, state, workers)
    return decoder


def decoder_loss(
    decoder: nn.Module, encodings: Tensor, task: Task, vocabulary: Vocabulary
) -> tuple[Tensor, Tensor, Tensor]:
    """The loss of the transcript, that of the attention, and the share of right tokens."""
    hidden, looks = decode(decoder, task.inputs, encodings, task.layout, GUIDED_HEADS)
    asked = task.answers != IGNORED
    # Scores only where an answer is asked for: prompts and padding cost nothing.
    scores, answers = hidden[asked] @ decoder.embed_tokens.weight.T, task.answers[asked]
    right = (scores.argmax(1) == answers).float().mean()
    loss = vocabulary.cross_entropy(scores, answers)
    return loss, guidance_loss(looks, task.spans, task.layout.places), right


def _arrange(sentences: Sequence[Sentence], rng: np.random.Generator) -> list[Placed]:
    """Sentences one after another, as many as fit into a window, the first at 0 s."""
    arranged: list[Placed] = []
    start = 0.0 if rng.random() < 0.6 else rng.uniform(0, 1)
    for sentence in sentences:
        borders = time_phones(sentence, rng)
        # A part of the silence before the speech is missing.
        one = Placed(sentence, borders, start - rng.uniform(0, borders[1]))
        if one.end > FRAMES * FRAME_SECONDS:
            break
        arranged.append(one)
        start = one.end + rng.uniform(0, 0.6)
    return arranged
