"""Labels: what the decoder shall write of a window."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import NamedTuple

from whisper_terms.windows import TICK, Placed, Window


class Label(NamedTuple):
    """What the decoder reads and what it shall answer; all equally long.

    Attributes:
        inputs: token ids.
        targets: `targets[i]` follows `inputs[i]`; -100, which the loss passes over, for the fixed
            prompt.
        weighed: whether a target is part of a weighed word, see `TermMarker`.
    """

    inputs: list[int]
    targets: list[int]
    weighed: list[bool]


def window_label(
    window: Window,
    encode,
    special,
    timestamps: bool,
    mark=lambda one, tokens: [False] * len(tokens),
) -> Label:
    """The label of a window: its utterances, or the answer that was put in their place.

    Args:
        window: the utterances, or the answer, which then has times as `timestamps` says.
        encode: the tokenizer's function from text to token ids, without special tokens.
        special: ids by name, see `base_model.SpecialIds`.
        timestamps: whether start and end of each utterance are said.
        mark: tells of an utterance and its tokens which of them are part of a weighed word;
            none, if left out.
    """
    prompt = [special.start, special.language, special.transcribe]
    if not timestamps:
        prompt.append(special.no_timestamps)
    answer = list(window.answer or ())
    weighed = [False] * len(answer)
    utterances = window.utterances if window.answer is None else ()
    for one in utterances if timestamps else _apart(utterances):
        around = [special.timestamp_begin + round(time / TICK) for time in (one.start, one.end)]
        before, after = ([time] if timestamps else [] for time in around)
        tokens = encode(one.text)
        answer += before + tokens + after
        weighed += [False] * len(before) + mark(one, tokens) + [False] * len(after)
    ignored = len(prompt) - 1
    return Label(
        inputs=prompt + answer,
        targets=[-100] * ignored + answer + [special.end],
        weighed=[False] * ignored + weighed + [False],
    )


def _apart(utterances: Iterable[Placed]) -> Iterator[Placed]:
    """Utterances whose texts follow each other: with a space where two Latin words would join."""
    before = ""
    for one in utterances:
        joins = all(end.isascii() and end.isalnum() for end in (before[-1:], one.text[:1]))
        yield replace(one, text=" " + one.text) if joins else one
        before = one.text
