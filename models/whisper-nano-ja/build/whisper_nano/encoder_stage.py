"""Stage 1: the encoder learns to say the alignment codes of spoken sentences.

Every frame has a target, so a few thousand steps suffice where an encoder that learns through a
decoder needs a hundred times as many.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, mse_loss, one_hot

from whisper_nano.augmentation import augment
from whisper_nano.codes import (
    FRAME_SECONDS,
    FRAMES,
    accent_part,
    encode_alignment,
    phone_scores,
    position_error,
)
from whisper_nano.network import encode, new_network
from whisper_nano.phones import PHONES, SILENCE
from whisper_nano.settings import EncoderStage
from whisper_nano.speech_store import Utterance
from whisper_nano.training import train

# A batch is chosen among so many random sentences: those of the most similar length.
_CANDIDATES = 160
_MOST_PADDING = 40  # frames
_CODE_WEIGHT = 0.7


class PhoneHead(nn.Module):
    """Scores of phones from encodings, with one weight: how sharp they are."""

    def __init__(self) -> None:
        super().__init__()
        self.sharpness = nn.Parameter(torch.tensor(1.0))

    def forward(self, encodings: Tensor) -> Tensor:
        """(batch, frames, WIDTH) -> logits (batch, frames, phones)."""
        return 8 * self.sharpness * phone_scores(encodings)


@dataclass(frozen=True)
class Frames:
    """An utterance as this stage needs it: what is heard, and the phone and pitch of each frame."""

    spectrogram: np.ndarray
    phones: np.ndarray
    accent: np.ndarray

    @classmethod
    def of(cls, utterance: Utterance) -> "Frames":
        return cls(utterance.spectrogram, *utterance.frame_targets())

    def __len__(self) -> int:
        return len(self.phones)


@dataclass(frozen=True)
class Batch:
    """Windows of one length.

    Attributes:
        features: what is heard, shape (batch, MEL_BINS, 2 * frames).
        phones: what is said, shape (batch, frames), int64.
        accent: pitch, shape (batch, frames), float32.
        first: the place of the first frame in a 30-s window.
    """

    features: Tensor
    phones: Tensor
    accent: Tensor
    first: int


def train_encoder(
    utterances: Sequence[Utterance], stage: EncoderStage, state: Path
) -> dict[str, nn.Module]:
    """Train an encoder on spoken sentences.

    Args:
        utterances: the store; too long ones are left out.
        stage: how.
        state: folder of the checkpoint.

    Returns:
        The modules `encoder` and `head`.
    """
    longest = stage.longest / FRAME_SECONDS
    data = [Frames.of(utterance) for utterance in utterances if utterance.frames <= longest]
    print(f"{len(data)} of {len(utterances)} utterances", flush=True)
    encoder, head = new_network(64, stage.seed).model.encoder, PhoneHead()

    def step(rng: np.random.Generator, done: float) -> dict[str, float]:
        batch = make_batch(choose_similar(data, stage.batch_size, rng), rng)
        loss, measures = encoder_loss(encoder, head, batch)
        loss.backward()
        return measures

    train([(encoder, stage.learning_rate), (head, stage.learning_rate)], step, stage, state)
    return {"encoder": encoder, "head": head}


def encoder_loss(
    encoder: nn.Module, head: PhoneHead, batch: Batch
) -> tuple[Tensor, dict[str, float]]:
    """Classification of frames, and distance from their codes."""
    encodings = encode(encoder, batch.features, batch.first)
    shares = one_hot(batch.phones, len(PHONES)).float()
    codes = encode_alignment(shares, batch.accent, batch.first)
    logits = head(encodings)
    phone_loss = cross_entropy(logits.flatten(0, 1), batch.phones.flatten(), label_smoothing=0.02)
    code_loss = mse_loss(encodings, codes)
    with torch.no_grad():
        said, pitched = batch.phones != SILENCE, batch.accent != 0
        right = logits.argmax(-1) == batch.phones
        in_tune = accent_part(encodings).sign() == batch.accent
        measures = {
            "phone loss": phone_loss.item(),
            "code loss": code_loss.item(),
            "phones right": right[said].float().mean().item(),
            "pitch right": in_tune[pitched].float().mean().item(),
            "position error": position_error(encodings, batch.first).item(),
        }
    return phone_loss + _CODE_WEIGHT * code_loss, measures


def choose_similar(data: Sequence[Frames], count: int, rng: np.random.Generator) -> list[Frames]:
    """Random utterances of similar length, so that little of a batch is padding."""
    length = len(data[rng.integers(len(data))])
    candidates = rng.permutation(len(data))[:_CANDIDATES]
    nearest = sorted(candidates, key=lambda index: abs(len(data[index]) - length))
    return [data[index] for index in nearest[:count]]


def make_batch(chosen: Sequence[Frames], rng: np.random.Generator) -> Batch:
    """Augment utterances, each somewhere in a window of one length."""
    frames = max(map(len, chosen)) + int(rng.integers(_MOST_PADDING + 1))
    features = []
    phones = np.full((len(chosen), frames), SILENCE, np.int64)
    accent = np.zeros((len(chosen), frames), np.float32)
    for row, one in enumerate(chosen):
        heard, place = augment(one.spectrogram, rng, 2 * frames)
        inside = slice(place // 2, place // 2 + len(one))
        features.append(heard)
        phones[row, inside], accent[row, inside] = one.phones, one.accent
    # Half of the windows stand anywhere in the 30 s, so that every position is learnt.
    first = 0 if rng.random() < 0.5 else int(rng.integers(0, FRAMES - frames + 1))
    features = torch.from_numpy(np.stack(features))
    return Batch(features, torch.from_numpy(phones), torch.from_numpy(accent), first)
