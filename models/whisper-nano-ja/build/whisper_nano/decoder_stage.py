"""Stage 2: the decoder learns to write, from text alone.

It reads simulated encodings (simulation.py), so it sees every sentence there is, not only those
that were spoken, and its attention is guided by the times that the simulation knows.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from torch import Tensor, nn

from whisper_nano.codes import FRAME_SECONDS, FRAMES
from whisper_nano.frames import choose_frames
from whisper_nano.guidance import guidance_loss
from whisper_nano.network import fast_precision, new_network
from whisper_nano.phones import SILENCE
from whisper_nano.settings import DecoderStage
from whisper_nano.simulation import Placed, encode_simulated, simulate_alignment, time_phones
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

# Frames above which a batch of single sentences is halved.
_LONG_WINDOW = 420
_SIMILAR = 64  # sentences of similar length, from which a batch is drawn
_SILENT, _PROMPTED, _UNTIMED = 0.02, 0.15, 0.25  # shares of the windows


@dataclass(frozen=True)
class DecoderBatch:
    """Encodings, simulated or real, and what is to be written about them.

    Attributes:
        encodings: shape (batch, frames, WIDTH).
        frames: their places in the window, shape (batch, frames).
        inputs, answers, spans: see `transcripts.collate`.
    """

    encodings: Tensor
    frames: Tensor
    inputs: Tensor
    answers: Tensor
    spans: Tensor


def train_decoder(
    sentences: Sequence[Sentence], vocabulary: Vocabulary, stage: DecoderStage, state: Path
) -> nn.Module:
    """Train a decoder with the small vocabulary on analysed sentences."""
    decoder = new_network(vocabulary.size, stage.seed).model.decoder
    by_length = sorted(sentences, key=lambda sentence: len(sentence.phones))

    def step(rng: np.random.Generator, done: float) -> dict[str, float]:
        if done > stage.windows_from and rng.random() < stage.windows_share:
            groups = choose_groups(sentences, stage.window_batch_size, 9, rng)
            frames = FRAMES if rng.random() < 0.5 else int(rng.integers(600, 1401))
        else:
            groups = [[one] for one in choose_similar(by_length, stage.batch_size, rng)]
            frames = frames_for(groups)
            if frames > _LONG_WINDOW:
                groups = groups[: max(1, len(groups) // 2)]
        batch = simulate(groups, frames, sentences, vocabulary, rng)
        loss, guide, right = decoder_loss(decoder, batch, vocabulary)
        (loss + stage.guidance * guide).backward()
        return {"loss": loss.item(), "guidance": guide.item(), "right": right}

    train([(decoder, stage.learning_rate)], step, stage, state)
    return decoder


def decoder_loss(
    decoder: nn.Module, batch: DecoderBatch, vocabulary: Vocabulary
) -> tuple[Tensor, Tensor, float]:
    """The loss of the transcript, that of the attention, and the share of right tokens."""
    with fast_precision():
        output = decoder(
            input_ids=batch.inputs,
            encoder_hidden_states=batch.encodings,
            output_attentions=True,
            use_cache=False,
        )
        asked = batch.answers != IGNORED
        # Scores only where an answer is asked for: prompts and padding cost nothing.
        scores = output.last_hidden_state[asked] @ decoder.embed_tokens.weight.T
    scores, answers = scores.float(), batch.answers[asked]
    right = (scores.argmax(1) == answers).float().mean().item()
    loss = vocabulary.cross_entropy(scores, answers)
    return loss, guidance_loss(output.cross_attentions, batch.spans, batch.frames), right


def choose_similar(
    by_length: Sequence[Sentence], count: int, rng: np.random.Generator
) -> list[Sentence]:
    """Random sentences of similar length; one may come twice."""
    similar = min(_SIMILAR, len(by_length))
    first = int(rng.integers(len(by_length) - similar + 1))
    return [by_length[first + index] for index in rng.integers(similar, size=count)]


def choose_groups(
    sentences: Sequence[Sentence], count: int, most: int, rng: np.random.Generator
) -> list[list[Sentence]]:
    """For each of `count` windows 2 to `most` random sentences."""
    return [
        [sentences[index] for index in rng.integers(len(sentences), size=rng.integers(2, most + 1))]
        for _ in range(count)
    ]


def frames_for(groups: Sequence[Sequence[Sentence]]) -> int:
    """Length of windows in which the longest group is most likely to fit."""
    seconds = max(sum(one.durations.sum(0).max() for one in group) for group in groups)
    return min(FRAMES, int(seconds * 1.25 / FRAME_SECONDS) + 20)


def place_sentences(
    sentences: Sequence[Sentence], frames: int, rng: np.random.Generator
) -> list[Placed]:
    """Put sentences one after another into a window, as many as it holds."""
    placed: list[Placed] = []
    start = rng.uniform(0, 0.5)
    for sentence in sentences:
        one = Placed(sentence, time_phones(sentence, rng), start)
        if one.end > frames * FRAME_SECONDS:
            break
        placed.append(one)
        start = one.end + rng.uniform(0, 0.6)
    return placed


def simulate(
    groups: Sequence[Sequence[Sentence]],
    frames: int,
    corpus: Sequence[Sentence],
    vocabulary: Vocabulary,
    rng: np.random.Generator,
    kept: float = 1.0,
    noise: float = 0.5,
) -> DecoderBatch:
    """Simulate windows, each with one group of sentences; a few are silent.

    Args:
        groups: sentences, of which each window holds as many as fit.
        frames: length of the windows.
        corpus: sentences that prompts are made of.
        vocabulary: the decoder's.
        rng: source of everything random.
        kept: see `choose_frames`.
        noise: see `encode_simulated`.
    """
    transcripts, alignments = [], []
    for group in groups:
        silent = rng.random() < _SILENT
        placed = [] if silent else place_sentences(group, frames, rng)
        transcripts.append(
            transcribe_silence(rng) if silent else _transcribe(placed, group, corpus, rng)
        )
        alignments.append(simulate_alignment(placed, frames, rng))
    shares, accent = (np.stack(arrays) for arrays in zip(*alignments, strict=True))
    chosen = choose_frames(shares[..., SILENCE] < 0.9, kept, rng)
    encodings = encode_simulated(shares, accent, chosen, noise, rng)
    return DecoderBatch(encodings, chosen, *collate(transcripts, vocabulary))


def _transcribe(
    placed: Sequence[Placed],
    group: Sequence[Sentence],
    corpus: Sequence[Sentence],
    rng: np.random.Generator,
) -> Transcript:
    timed = rng.random() >= _UNTIMED
    prompt = previous_text(corpus, group, rng) if rng.random() < _PROMPTED else []
    return transcribe(placed, timed, prompt)
