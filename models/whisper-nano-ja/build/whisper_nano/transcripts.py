"""What the decoder is to write about a window, and where in it each token is said."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
from torch import Tensor
from whisper.tokenizer import Tokenizer

from whisper_nano.codes import FRAME_SECONDS
from whisper_nano.simulation import Placed
from whisper_nano.text_store import Sentence
from whisper_nano.vocabulary import Vocabulary
from whisper_terms.transcription import load_tokenizer

# Not in the loss, and of a span: nowhere in the sound.
IGNORED = -100
NOWHERE = (-1.0, -1.0)
LONGEST_LABEL = 430
_LONGEST_PROMPT = 200


@dataclass(frozen=True)
class Transcript:
    """The tokens of a window.

    Attributes:
        tokens: Whisper's ids, from the prompt to the end of text.
        first: index of the first token that the decoder has to write.
        spans: where each token is said, in frames; NOWHERE for what is not said.
    """

    tokens: list[int]
    first: int
    spans: list[tuple[float, float]]


def transcribe(placed: Sequence[Placed], timed: bool, prompt: Sequence[int] = ()) -> Transcript:
    """The transcript of the sentences of a window, with timestamps or without."""
    whisper = _tokenizer()
    head = [*prompt, *_head()]
    if not timed:
        head.append(whisper.no_timestamps)
    pieces = [(token, NOWHERE) for token in head]
    for one in placed:
        start, end = ([_timestamp(seconds)] if timed else [] for seconds in one.speech)
        said = one.token_seconds() / FRAME_SECONDS
        pieces += start + list(zip(one.sentence.tokens.tolist(), said.tolist(), strict=True)) + end
    pieces.append((whisper.eot, NOWHERE))
    tokens, spans = zip(*pieces, strict=True)
    return Transcript(list(tokens), len(prompt) + 1, [tuple(span) for span in spans])


def transcribe_silence(rng: np.random.Generator) -> Transcript:
    """One of the ways to say that nobody speaks; only the last token is learnt."""
    whisper = _tokenizer()
    chance = rng.random()
    if chance < 0.5:
        tokens = [whisper.sot, whisper.no_speech]
    else:
        between = [whisper.no_timestamps]
        if chance < 0.75:
            between = [whisper.timestamp_begin] if chance < 0.575 else []
        tokens = [*_head(), *between, whisper.eot]
    return Transcript(tokens, len(tokens) - 1, [NOWHERE] * len(tokens))


def transcribe_noise(rng: np.random.Generator) -> Transcript:
    """The same for real sound: all tokens are learnt.

    openai-whisper takes a window for silence where <|nospeech|> is likelier than 0.6; where it goes
    on nonetheless, it asks for a timestamp before the end.
    """
    whisper, chance = _tokenizer(), rng.random()
    tokens = [whisper.sot, whisper.no_speech]
    if chance > 0.75:
        tokens = [*_head(), *([whisper.timestamp_begin] if chance > 0.8 else []), whisper.eot]
    return Transcript(tokens, 1, [NOWHERE] * len(tokens))


def previous_text(
    corpus: Sequence[Sentence], said: Sequence[Sentence], rng: np.random.Generator
) -> list[int]:
    """A prompt: a sentence, or scraps like a list of terms, some of them said in the window."""
    whisper = _tokenizer()
    if rng.random() < 0.35:
        text = _choose(corpus, rng).text
    else:
        scraps = [_scrap(_choose(corpus, rng).text, rng) for _ in range(rng.integers(2, 26))]
        if rng.random() < 0.5:
            scraps.insert(rng.integers(len(scraps) + 1), _scrap(_choose(said, rng).text, rng))
        text = "、".join(scraps)
    return [whisper.sot_prev, *whisper.encoding.encode(text)[:_LONGEST_PROMPT]]


def collate(
    transcripts: Sequence[Transcript], vocabulary: Vocabulary
) -> tuple[Tensor, Tensor, Tensor]:
    """The decoder's input and what it has to answer.

    Returns:
        input ids, shape (batch, n); the right next ids, IGNORED where none is asked for, same
        shape; where the next token is said, in frames, shape (batch, n, 2). A position thus
        attends to the sound of the token that it predicts.
    """
    longest = min(LONGEST_LABEL, max(len(one.tokens) for one in transcripts))
    shape = len(transcripts), longest
    inputs = torch.zeros(shape, dtype=torch.long)
    answers = torch.full(shape, IGNORED)
    spans = torch.full((*shape, 2), NOWHERE[0])
    for row, one in enumerate(transcripts):
        ids = torch.tensor(vocabulary.ids(one.tokens)[:longest])
        inputs[row, : len(ids)] = ids
        answers[row, one.first - 1 : len(ids) - 1] = ids[one.first :]
        spans[row, : len(ids) - 1] = torch.tensor(one.spans[1 : len(ids)], dtype=torch.float)
    return inputs, answers, spans


@cache
def _tokenizer() -> Tokenizer:
    # Its sot_sequence is for transcription in Japanese.
    return load_tokenizer("ja")


def _head() -> list[int]:
    """What every transcript begins with: start, language, task."""
    return list(_tokenizer().sot_sequence)


def _timestamp(seconds: float) -> tuple[int, tuple[float, float]]:
    """The token of a time, and the frame, as first and last, that it is about."""
    token = _tokenizer().timestamp_begin + round(min(seconds, 30) / FRAME_SECONDS)
    return token, (seconds / FRAME_SECONDS,) * 2


def _choose(sentences: Sequence[Sentence], rng: np.random.Generator) -> Sentence:
    return sentences[rng.integers(len(sentences))]


def _scrap(text: str, rng: np.random.Generator) -> str:
    """2 to 6 characters of a text."""
    length = int(rng.integers(2, 7))
    first = int(rng.integers(0, max(0, len(text) - length) + 1))
    return text[first : first + length]
