"""Stage 1: the encoder learns to say the alignment codes of spoken sentences.

Every frame has a target, so a few thousand steps suffice where an encoder that learns through a
decoder needs a hundred times as many.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, mse_loss

from whisper_nano.codes import accent_part, code_phones, encode_alignment, phone_scores
from whisper_nano.moving import CPU, to_device
from whisper_nano.network import encode
from whisper_nano.phones import SILENCE
from whisper_nano.settings import EncoderStage
from whisper_nano.speech_store import Utterance
from whisper_nano.speech_windows import SpeechBatch, SpeechWindows
from whisper_nano.start import first_encoder
from whisper_nano.training import train

_CODE_WEIGHT = 0.7


class PhoneHead(nn.Module):
    """Scores of phones from encodings, with one weight: how sharp they are."""

    def __init__(self) -> None:
        super().__init__()
        self.sharpness = nn.Parameter(torch.tensor(1.0))

    def forward(self, encodings: Tensor) -> Tensor:
        """(batch, frames, WIDTH) -> logits (batch, frames, phones)."""
        return 8 * self.sharpness * phone_scores(encodings)


def train_encoder(
    utterances: Sequence[Utterance],
    stage: EncoderStage,
    state: Path,
    start: str = "",
    device: torch.device = CPU,
    workers: int = 0,
) -> dict[str, nn.Module]:
    """Train an encoder on spoken sentences.

    Args:
        utterances: the store.
        stage: how.
        state: folder of the checkpoint.
        start: directory of the model that it begins with; empty for random weights.
        device: where it is trained.
        workers: processes that make batches.

    Returns:
        The modules `encoder` and `head`.
    """
    encoder, head = first_encoder(start, stage.seed).to(device), PhoneHead().to(device)
    windows = SpeechWindows(utterances, stage.batch_frames)

    def make(rng: np.random.Generator, done: float) -> SpeechBatch:
        return windows.make(stage.most if rng.random() < stage.windows_share else 1, rng)

    def learn(batch: SpeechBatch) -> dict[str, Tensor]:
        batch = to_device(batch, device)
        loss, measures = alignment_loss(encode(encoder, batch.features, batch.layout), head, batch)
        loss.backward()
        return measures

    rates = [(encoder, stage.learning_rate), (head, stage.learning_rate)]
    train(rates, make, learn, stage, state, workers)
    return {"encoder": encoder, "head": head}


def alignment_loss(
    encodings: Tensor, head: PhoneHead, batch: SpeechBatch
) -> tuple[Tensor, dict[str, Tensor]]:
    """Classification of the phones of frames, and distance of encodings from their codes."""
    codes = encode_alignment(code_phones(batch.phones), batch.accent, batch.layout.places)
    logits = head(encodings)
    phone_loss = cross_entropy(logits.flatten(0, 1), batch.phones.flatten(), label_smoothing=0.02)
    code_loss = mse_loss(encodings, codes)
    with torch.no_grad():
        said, pitched = batch.phones != SILENCE, batch.accent != 0
        right = logits.argmax(-1) == batch.phones
        in_tune = accent_part(encodings).sign() == batch.accent
        measures = {
            "phone loss": phone_loss.detach(),
            "code loss": code_loss.detach(),
            "phones right": (right & said).sum() / said.sum(),
            "pitch right": (in_tune & pitched).sum() / pitched.sum(),
        }
    return phone_loss + _CODE_WEIGHT * code_loss, measures
