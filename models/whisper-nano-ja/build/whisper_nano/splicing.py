"""New sentences from the halves of others.

Spliced sentences make no sense, so the decoder can't guess them: it has to write what is said. They
also show every phrase in company that the text never has it in.
"""

from dataclasses import replace
from functools import cache, lru_cache

import numpy as np

from whisper_nano.text_store import Sentence
from whisper_terms.transcription import load_tokenizer

_PAUSE = "、"


def splice(first: Sentence, second: Sentence, rng: np.random.Generator) -> Sentence:
    """The beginning of a sentence and the end of another; the first where one can't be cut."""
    cuts, others = cut_places(first.text), cut_places(second.text)
    if not cuts or not others:
        return first
    cut, other = cuts[rng.integers(len(cuts))], others[rng.integers(len(others))]
    # A cut is between two words, so the places of its tokens among the phones are whole numbers.
    until, since = round(float(first.spans[cut, 0])), round(float(second.spans[other, 0]))
    tokens = np.concatenate([first.tokens[:cut], second.tokens[other:]])
    return replace(
        first,
        text=_encoding().decode(tokens.tolist()),
        tokens=tokens,
        spans=np.concatenate([first.spans[:cut], second.spans[other:] + (until - since)]),
        phones=np.concatenate([first.phones[:until], second.phones[since:]]),
        accent=np.concatenate([first.accent[:until], second.accent[since:]]),
        durations=np.concatenate([first.durations[:until], second.durations[since:]]),
    )


@lru_cache(maxsize=100_000)
def cut_places(text: str) -> tuple[int, ...]:
    """The tokens of a text before which a phrase begins: no kana, after hiragana or a pause.

    Such a place is hardly ever inside a word.
    """
    tokens = _encoding().encode(text)
    return tuple(
        place
        for place in range(1, len(tokens))
        if _is_cut(text, _encoding().decode(tokens[:place]))
    )


def _is_cut(text: str, first: str) -> bool:
    """Whether a phrase begins after the first part of a text, which may end inside a character."""
    if not text.startswith(first):
        return False
    before, after = first[-1:], text[len(first) : len(first) + 1]
    return (
        (_is_hiragana(before) or before == _PAUSE) and after.isalnum() and not _is_hiragana(after)
    )


def _is_hiragana(character: str) -> bool:
    return "ぁ" <= character <= "ん"


@cache
def _encoding():
    return load_tokenizer("ja").encoding
