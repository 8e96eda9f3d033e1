"""Stage 3: encoder and decoder together, end to end on spoken sentences.

The encoder keeps to its codes (a small loss), and simulated text beside the speech keeps the
spelling of all that was never spoken. A few windows of both come with a prompt.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from whisper_nano.decoder_stage import DecoderBatch, Task, TextWindows, decoder_loss
from whisper_nano.encoder_stage import PhoneHead, alignment_loss
from whisper_nano.layout import Layout
from whisper_nano.moving import CPU, to_device
from whisper_nano.network import encode, new_network
from whisper_nano.settings import JointStage
from whisper_nano.simulation import Placed
from whisper_nano.speech_store import Utterance
from whisper_nano.speech_windows import SpeechBatch, SpeechWindows
from whisper_nano.text_store import Sentence
from whisper_nano.training import train
from whisper_nano.transcripts import (
    Transcript,
    collate,
    previous_text,
    transcribe,
    transcribe_noise,
)
from whisper_nano.vocabulary import Vocabulary

_UNTIMED = 0.2  # share of the windows
_ALL_FRAMES, _KEPT = 0.3, 0.5  # share of the batches, of the frames in the others
_PROMPTED = 0.08  # share of the batches with speech


@dataclass(frozen=True)
class Spoken:
    """An utterance with the analysis of its sentence."""

    utterance: Utterance
    sentence: Sentence


@dataclass(frozen=True)
class JointBatch:
    """Speech and simulated text.

    Attributes:
        speech: windows of speech.
        chosen: the frames of these that the decoder is given, shape (batch, kept).
        task: what is to be written about those frames.
        text: simulated encodings.
    """

    speech: SpeechBatch
    chosen: Tensor
    task: Task
    text: DecoderBatch


def match_sentences(utterances: Sequence[Utterance], sentences: Sequence[Sentence]) -> list[Spoken]:
    """The utterances whose sentence was analysed into as many phones as were spoken."""
    by_text = {sentence.text: sentence for sentence in sentences}
    return [
        Spoken(utterance, by_text[utterance.text])
        for utterance in utterances
        if utterance.text in by_text
        and len(by_text[utterance.text].phones) == len(utterance.phones)
    ]


def train_jointly(
    spoken: Sequence[Spoken],
    neural: Sequence[Spoken],
    sentences: Sequence[Sentence],
    weights: Mapping[str, Mapping[str, Tensor]],
    vocabulary: Vocabulary,
    stage: JointStage,
    state: Path,
    device: torch.device = CPU,
    workers: int = 0,
) -> dict[str, nn.Module]:
    """Train encoder and decoder together.

    Args:
        spoken, neural: from `match_sentences`: speech of HTS voices, and of Kokoro or nothing.
        sentences: all analysed sentences.
        weights: of `encoder`, `head` and `decoder`, from the stages before.
        vocabulary: the decoder's.
        stage: how.
        state: folder of the checkpoint.
        device: where they are trained.
        workers: processes that make batches.

    Returns:
        The modules `encoder`, `head` and `decoder`.
    """
    print(f"{len(spoken)} spoken sentences, {len(neural)} by neural voices", flush=True)
    spoken = [*spoken, *list(neural) * _repetitions(len(spoken), len(neural), stage.neural_share)]
    network = new_network(vocabulary.size).model
    modules = {"encoder": network.encoder, "head": PhoneHead(), "decoder": network.decoder}
    for name, module in modules.items():
        module.load_state_dict(weights[name])
        module.to(device)
    encoder, head, decoder = modules.values()
    utterances = [one.utterance for one in spoken]
    speech = SpeechWindows(utterances, stage.batch_frames)
    # Prompts are several times as long as what is written.
    prompted = SpeechWindows(utterances, max(1, stage.batch_frames // 3))
    texts = TextWindows(sentences, vocabulary, stage.text_frames)

    def make(rng: np.random.Generator, done: float) -> JointBatch:
        most = stage.most if rng.random() < stage.windows_share else 1
        prompts = sentences if rng.random() < _PROMPTED else ()
        batch = (prompted if prompts else speech).make(most, rng)
        kept, chosen = _choose_frames(batch.layout, rng)
        transcripts = list(_transcribe(batch, spoken, prompts, rng))
        task = Task(kept, *collate(transcripts, vocabulary))
        return JointBatch(batch, chosen, task, texts.make(most, stage.noise, rng))

    def learn(batch: JointBatch) -> dict[str, Tensor]:
        batch = to_device(batch, device)
        encodings = encode(encoder, batch.speech.features, batch.speech.layout)
        aligned, measures = alignment_loss(encodings, head, batch.speech)
        heard = encodings.gather(1, batch.chosen[..., None].expand(-1, -1, encodings.shape[2]))
        loss, guide, right = decoder_loss(decoder, heard, batch.task, vocabulary)
        (loss + stage.guidance * guide + stage.alignment * aligned).backward()
        # One graph after the other: each is freed by its own backward pass.
        text_loss, text_guide, text_right = decoder_loss(
            decoder, batch.text.simulation.encodings(), batch.text.task, vocabulary
        )
        (stage.text * (text_loss + stage.guidance * text_guide)).backward()
        return {
            "loss": loss.detach(),
            "right": right,
            "guidance": guide.detach(),
            **measures,
            "text loss": text_loss.detach(),
            "text right": text_right,
        }

    rates = [
        (encoder, stage.encoder_learning_rate),
        (head, stage.encoder_learning_rate),
        (decoder, stage.decoder_learning_rate),
    ]
    train(rates, make, learn, stage, state, workers)
    return modules


def _repetitions(spoken: int, neural: int, share: float) -> int:
    """How often the neural utterances come for each time that the others come once."""
    return round(share / (1 - share) * spoken / neural) if neural else 0


def _choose_frames(layout: Layout, rng: np.random.Generator) -> tuple[Layout, Tensor]:
    """All frames for the decoder, or half of them, which costs less; see `Layout.thinned`."""
    if rng.random() < _ALL_FRAMES:
        return layout, torch.arange(layout.frames).expand(layout.places.shape)
    return layout.thinned(_KEPT, rng)


def _transcribe(
    batch: SpeechBatch,
    spoken: Sequence[Spoken],
    prompts: Sequence[Sentence],
    rng: np.random.Generator,
) -> Iterator[Transcript]:
    """The transcript of each window, after a prompt from some of `prompts` if there are any."""
    for starts in batch.starts:
        said = [spoken[index] for index, _ in starts]
        placed = [
            Placed(one.sentence, one.utterance.borders, start)
            for one, (_, start) in zip(said, starts, strict=True)
        ]
        if not placed:
            yield transcribe_noise(rng)
            continue
        prompt = previous_text(prompts, [one.sentence for one in said], rng) if prompts else []
        yield transcribe(placed, rng.random() >= _UNTIMED, prompt)
