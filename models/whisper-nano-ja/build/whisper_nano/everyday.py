"""Everyday sentences, made from the patterns and word lists of a file such as ../everyday.yaml."""

import re
from collections.abc import Mapping, Sequence

import numpy as np

_SLOT = re.compile(r"\{(\w+)\}")
# Most sentences end without a particle.
_ENDINGS = ("。", "。", "。", "。", "ね。", "よ。")
# The same sentence comes up more than once: so many tries for each that is wanted.
_TRIES = 3


def everyday_sentences(grammar: Mapping, count: int, seed: int = 0) -> list[str]:
    """Different sentences, `count` of them or as many as come up.

    Args:
        grammar: `patterns`, with slots such as {place}, and for each slot of `words` its words,
            separated by spaces.
        count: how many.
        seed: of the choice.

    Raises:
        KeyError: a slot has no words.
    """
    rng = np.random.default_rng(seed)
    patterns, words = grammar["patterns"], {k: v.split() for k, v in grammar["words"].items()}
    found: dict[str, None] = {}
    for _ in range(_TRIES * count):
        if len(found) == count:
            break
        found[_fill(patterns[rng.integers(len(patterns))], words, rng)] = None
    return list(found)


def _fill(pattern: str, words: Mapping[str, Sequence[str]], rng: np.random.Generator) -> str:
    text = _SLOT.sub(lambda slot: words[slot[1]][rng.integers(len(words[slot[1]]))], pattern)
    if text.endswith("か"):
        return text + "？"
    if text.endswith(("ください", "ましょう")):
        return text + "。"
    return text + _ENDINGS[rng.integers(len(_ENDINGS))]
