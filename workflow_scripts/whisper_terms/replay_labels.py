"""Replay labelled by the base model: what it writes now is what it shall go on writing.

Decoding is openai-whisper's own, greedy, window by window: a search as in `transcription` would
take a step of five rows for each of the many windows. An answer that is no use as a label is not
taken, and its window left out: one that repeats itself, by the test of openai-whisper; one that
does not end within the label's length; one without a word.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from whisper_terms.errors import Fault, UserError
from whisper_terms.progress import progress
from whisper_terms.remembered import ask_once, state_of
from whisper_terms.windows import COLUMNS, Window, window_audio, window_rows

if TYPE_CHECKING:
    from whisper.model import Whisper
    from whisper.tokenizer import Tokenizer

# A table of windows whose replay has answers: the ids of their tokens, and the same to be read.
LABELLED = [*COLUMNS, "answer", "heard"]
_KNOWN = "window answer".split()
# Raised when the same model is made to answer otherwise.
_METHOD = 1
# Most tokens before an answer: start, language, task, and that there are no times.
_PROMPT = 4
# Text that can be compressed so much repeats itself; openai-whisper's default.
_COMPRESSION = 2.4
REPEATS, ENDLESS, EMPTY = "repeat themselves", "do not end", "hold no word"


def is_asked(window: Window) -> bool:
    """Whether a window gets the base model's answer for its label.

    So does replay. The development set keeps its texts where they are known: the base model makes
    no mistake in its own words, so that there everything new would count as forgotten.
    """
    return window.is_replay and (window.split == "train" or not window.is_labelled)


def label_state(states: Path, model: Path, language: str, timestamps: bool) -> Path:
    """The table in which a model's answers are kept.

    Args:
        states: a folder for one layout, with or without times, alone.
        model: the file of its weights.
        language, timestamps: see `answer_windows`.
    """
    return state_of(states, model, _METHOD, language, timestamps)


def answer_windows(
    windows: Sequence[Window],
    model: "Whisper",
    *,
    language: str,
    timestamps: bool,
    encodings: Mapping[str, Path],
    batch_size: int,
) -> Iterator[tuple[str, list[int]]]:
    """What a model writes of windows.

    Args:
        windows: what it listens to.
        model: from openai_format.load_openai.
        language: Whisper's code.
        timestamps: whether it writes times.
        encodings: its encoder's output by window id; windows without one are encoded now.
        batch_size: windows that are decoded together.

    Returns:
        Each window's id, and ids of tokens, without those that begin and end every label.
    """
    from whisper.decoding import DecodingOptions

    options = DecodingOptions(
        language=language,
        temperature=0.0,
        without_timestamps=not timestamps,
        sample_len=_longest(model),
        fp16=model.device.type == "cuda",
    )
    firsts = range(0, len(windows), batch_size)
    for first in progress(firsts, "labelling", len(firsts)):
        batch = windows[first : first + batch_size]
        heard = torch.stack([_encode(one, model, encodings.get(one.id)) for one in batch])
        # (batch, 1500, width)
        heard = heard.to(torch.float16 if options.fp16 else torch.float32)
        for window, result in zip(batch, model.decode(heard, options), strict=True):
            yield window.id, result.tokens


def label_replay(
    windows: Sequence[Window],
    model: "Whisper",
    tokenizer: "Tokenizer",
    state: Path,
    **how: Any,
) -> tuple[list[Window], Counter[str]]:
    """Label replay by a model, which is asked about no window twice.

    Args:
        windows: all windows of a layout.
        model: from openai_format.load_openai.
        tokenizer: openai-whisper's for this model.
        state: table in which answers are kept, see `label_state`.
        how: see `answer_windows`.

    Returns:
        The windows, those that are asked about (`is_asked`) with their answers or, where these are
        no use, left out; and how many were left out for which reason.

    Raises:
        UserError: no answer is of use.
    """
    asked = {window.id: window for window in windows if is_asked(window)}

    def ask(names: list[str]) -> Iterator[tuple[str, str]]:
        for name, tokens in answer_windows([asked[name] for name in names], model, **how):
            yield name, " ".join(map(str, tokens))

    known = ask_once(state, _KNOWN, asked, ask)
    answers = {name: tuple(map(int, known[name].split())) for name in asked}
    faults = {
        name: find_fault(tokens, tokenizer, _longest(model)) for name, tokens in answers.items()
    }
    if asked and all(faults.values()):
        reasons = " or ".join(sorted(set(faults.values())))
        problem = f"the base model's answers to replay, {len(asked)} in all, {reasons}"
        raise UserError(Fault(problem, "write replay_labels: text in the recipes"))
    labelled = [
        replace(one, answer=answers[one.id]) if one.id in asked else one
        for one in windows
        if not faults.get(one.id)
    ]
    return labelled, Counter(fault for fault in faults.values() if fault)


def find_fault(tokens: Sequence[int], tokenizer: "Tokenizer", longest: int) -> str:
    """Why an answer is no use as a label; "" for one that is.

    Args:
        tokens: the answer.
        tokenizer: openai-whisper's.
        longest: number of tokens after which a model was stopped.
    """
    from whisper.utils import compression_ratio

    text = tokenizer.decode(list(tokens)).strip()
    if not text:
        return EMPTY
    if compression_ratio(text) > _COMPRESSION:
        return REPEATS
    return ENDLESS if len(tokens) >= longest else ""


def labelled_rows(windows: Iterable[Window], tokenizer: "Tokenizer") -> Iterator[dict[str, str]]:
    """Rows of LABELLED."""
    for window in windows:
        tokens = list(window.answer or ())
        heard = " ".join(tokenizer.decode_with_timestamps(tokens).split())
        for row in window_rows([window]):
            yield row | {"answer": " ".join(map(str, tokens)), "heard": heard}


def _longest(model: "Whisper") -> int:
    return model.dims.n_text_ctx - _PROMPT


def _encode(window: Window, model: "Whisper", file: Path | None) -> torch.Tensor:
    """The encoder's output, of shape (1500, width)."""
    if file:
        return torch.from_numpy(np.load(file)).to(model.device)
    from whisper.audio import log_mel_spectrogram

    mel = log_mel_spectrogram(window_audio(window), model.dims.n_mels, device=model.device)
    with torch.inference_mode():
        # (Mel bins, 3000) -> (1, 1500, width)
        return model.embed_audio(mel[None].to(next(model.parameters()).dtype))[0]
