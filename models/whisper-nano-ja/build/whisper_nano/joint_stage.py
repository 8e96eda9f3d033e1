"""Stage 3: encoder and decoder together, end to end on spoken sentences.

The encoder keeps its phones and positions (two small losses), and simulated text beside the
speech keeps the spelling of all that was never spoken.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from whisper_nano.augmentation import augment, background
from whisper_nano.codes import FRAME_SECONDS, FRAMES, position_error
from whisper_nano.decoder_stage import (
    DecoderBatch,
    choose_groups,
    choose_similar,
    decoder_loss,
    simulate,
)
from whisper_nano.encoder_stage import PhoneHead
from whisper_nano.frames import choose_frames, take_frames
from whisper_nano.network import encode, new_network
from whisper_nano.phones import SILENCE
from whisper_nano.settings import JointStage
from whisper_nano.simulation import Placed
from whisper_nano.speech_store import MEL_BINS, Utterance
from whisper_nano.text_store import Sentence
from whisper_nano.training import train
from whisper_nano.transcripts import Transcript, collate, transcribe, transcribe_noise
from whisper_nano.vocabulary import Vocabulary

_SILENCE_LOG_POWER = -10.0
_SILENT, _UNTIMED, _AT_ONCE = 0.04, 0.2, 0.5  # shares of the windows
_SHORT, _LONE, _SINGLES = 0.65, 0.85, 0.92  # shares of the batches; see where they are used
# Shares of silent frames that the decoder is given of 30-s windows, of sound and simulated.
_KEPT_SOUND, _KEPT_TEXT = (0.05, 0.1, 0.3), (0.03, 0.06, 0.2)
_NOISE = 0.5


@dataclass(frozen=True)
class Spoken:
    """An utterance with the analysis of its sentence."""

    utterance: Utterance
    sentence: Sentence


@dataclass(frozen=True)
class SpeechWindow:
    """A window of speech.

    Attributes:
        features: what is heard, shape (MEL_BINS, 2 * frames).
        phones: what is said, shape (frames,).
        transcript: what is to be written.
    """

    features: np.ndarray
    phones: np.ndarray
    transcript: Transcript


def match_sentences(
    utterances: Sequence[Utterance], sentences: Sequence[Sentence], longest: float
) -> list[Spoken]:
    """The utterances whose sentence was analysed into as many phones as were spoken.

    Args:
        utterances: the store.
        sentences: analysed sentences.
        longest: seconds; longer utterances are left out.
    """
    by_text = {sentence.text: sentence for sentence in sentences}
    return [
        Spoken(utterance, by_text[utterance.text])
        for utterance in utterances
        if utterance.text in by_text
        and len(by_text[utterance.text].phones) == len(utterance.phones)
        and utterance.borders[-1] <= longest
    ]


def train_jointly(
    spoken: Sequence[Spoken],
    sentences: Sequence[Sentence],
    weights: Mapping[str, Mapping[str, Tensor]],
    vocabulary: Vocabulary,
    stage: JointStage,
    state: Path,
) -> dict[str, nn.Module]:
    """Train encoder and decoder together.

    Args:
        spoken: from `match_sentences`.
        sentences: all analysed sentences.
        weights: of `encoder`, `head` and `decoder`, from the stages before.
        vocabulary: the decoder's.
        stage: how.
        state: folder of the checkpoint.

    Returns:
        The modules `encoder` and `decoder`.
    """
    print(f"{len(spoken)} spoken sentences", flush=True)
    network, head = new_network(vocabulary.size).model, PhoneHead().requires_grad_(False)
    encoder, decoder = network.encoder, network.decoder
    for name, module in {"encoder": encoder, "head": head, "decoder": decoder}.items():
        module.load_state_dict(weights[name])
    by_length = sorted(sentences, key=lambda sentence: len(sentence.phones))

    def step(rng: np.random.Generator, done: float) -> dict[str, float]:
        # One graph after the other: each is freed by its own backward pass.
        measures = _learn_speech(encoder, head, decoder, spoken, vocabulary, stage, rng)
        return measures | _learn_text(decoder, by_length, vocabulary, stage, rng)

    rates = [(encoder, stage.encoder_learning_rate), (decoder, stage.decoder_learning_rate)]
    train(rates, step, stage, state)
    return {"encoder": encoder, "decoder": decoder}


def speech_windows(
    spoken: Sequence[Spoken], stage: JointStage, rng: np.random.Generator
) -> list[SpeechWindow]:
    """A batch: short windows of one sentence, or 30-s windows of few or of many."""
    count, frames, most = stage.window_batch_size, FRAMES, None
    if rng.random() < _SHORT:
        count, frames, most = stage.batch_size, int(rng.integers(200, 420)), 1
    elif rng.random() >= _LONE:
        most = int(rng.integers(2, 7))
    return [
        _window(spoken, frames, most or int(rng.choice([1, 1, 1, 2])), rng) for _ in range(count)
    ]


def _learn_speech(
    encoder: nn.Module,
    head: PhoneHead,
    decoder: nn.Module,
    spoken: Sequence[Spoken],
    vocabulary: Vocabulary,
    stage: JointStage,
    rng: np.random.Generator,
) -> dict[str, float]:
    """Add the gradients of a batch of speech."""
    windows = speech_windows(spoken, stage, rng)
    phones = np.stack([window.phones for window in windows])
    encodings = encode(encoder, torch.from_numpy(np.stack([w.features for w in windows])))
    logits = head(encodings)
    phone_loss = cross_entropy(logits.flatten(0, 1), torch.from_numpy(phones).flatten())
    kept = rng.choice(_KEPT_SOUND) if encodings.shape[1] == FRAMES else 1.0
    frames = choose_frames(phones != SILENCE, kept, rng)
    labels = collate([window.transcript for window in windows], vocabulary)
    batch = DecoderBatch(take_frames(encodings, frames), frames, *labels)
    loss, guide, right = decoder_loss(decoder, batch, vocabulary)
    (
        loss
        + stage.guidance * guide
        + stage.phones * phone_loss
        + stage.positions * position_error(encodings)
    ).backward()
    return {
        "speech loss": loss.item(),
        "guidance": guide.item(),
        "right": right,
        "phone loss": phone_loss.item(),
    }


def _learn_text(
    decoder: nn.Module,
    by_length: Sequence[Sentence],
    vocabulary: Vocabulary,
    stage: JointStage,
    rng: np.random.Generator,
) -> dict[str, float]:
    """Add the gradients of a batch of simulated 30-s windows."""
    if rng.random() < _SINGLES:
        groups = [[one] for one in choose_similar(by_length, stage.text_batch_size, rng)]
    else:
        groups = choose_groups(by_length, stage.text_window_batch_size, 8, rng)
    kept = rng.choice(_KEPT_TEXT)
    batch = simulate(groups, FRAMES, by_length, vocabulary, rng, kept=kept, noise=_NOISE)
    loss, guide, right = decoder_loss(decoder, batch, vocabulary)
    (stage.text * (loss + stage.guidance * guide)).backward()
    return {"text loss": loss.item(), "text right": right}


def _window(
    spoken: Sequence[Spoken], frames: int, most: int, rng: np.random.Generator
) -> SpeechWindow:
    """A window of up to `most` utterances, or, rarely, of none."""
    if rng.random() < _SILENT:
        return _silent_window(frames, rng)
    return _spoken_window(spoken, frames, most, rng)


def _spoken_window(
    spoken: Sequence[Spoken], frames: int, most: int, rng: np.random.Generator
) -> SpeechWindow:
    """Random utterances one after another, in one room."""
    log_power = np.full((MEL_BINS, 2 * frames), _SILENCE_LOG_POWER, np.float32)
    phones = np.full(frames, SILENCE, np.int64)
    placed: list[Placed] = []
    start = 0 if rng.random() < _AT_ONCE else _whole_frame(rng.uniform(0, 0.6))
    for index in rng.integers(len(spoken), size=most):
        one, utterance = spoken[index], spoken[index].utterance
        # Without this no speech would ever begin at once, as recordings often do.
        utterance = utterance.starting_later(int(rng.integers(utterance.lead + 1)))
        length = utterance.frames
        if start + length > frames:
            break
        inside = slice(start, start + length)
        louder = rng.uniform(-0.4, 0.4)
        log_power[:, 2 * start : 2 * inside.stop] = utterance.spectrogram + louder
        phones[inside] = utterance.frame_targets()[0]
        placed.append(Placed(one.sentence, utterance.borders, start * FRAME_SECONDS))
        start = _whole_frame(placed[-1].end + rng.uniform(0, 0.8))
    features, _ = augment(log_power, rng, 2 * frames)
    return SpeechWindow(features, phones, transcribe(placed, rng.random() >= _UNTIMED))


def _silent_window(frames: int, rng: np.random.Generator) -> SpeechWindow:
    features = background(rng, (MEL_BINS, 2 * frames))
    return SpeechWindow(features, np.full(frames, SILENCE, np.int64), transcribe_noise(rng))


def _whole_frame(seconds: float) -> int:
    return round(seconds / FRAME_SECONDS)
