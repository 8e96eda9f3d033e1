"""Analyse sentences with Open JTalk: their phones, pitch, and the phones of each token."""

from collections.abc import Iterable, Sequence

import numpy as np
import pyopenjtalk

from whisper_nano.alignment import DurationTree
from whisper_nano.phones import accents_of, phone_ids, phones_of, voiced
from whisper_nano.text_store import Sentence
from whisper_terms.progress import progress
from whisper_terms.transcription import load_tokenizer


def analyse_sentences(texts: Iterable[str], trees: Sequence[DurationTree]) -> list[Sentence]:
    """Analyse sentences; those whose words and phones can't be matched are left out."""
    encoding = load_tokenizer("ja").encoding
    found = (analyse(text, trees, encoding) for text in progress(list(texts), "analyse"))
    return [sentence for sentence in found if sentence]


def analyse(text: str, trees: Sequence[DurationTree], encoding) -> Sentence | None:
    """Analyse a sentence with Open JTalk.

    Args:
        text: the sentence.
        trees: the voices that time it.
        encoding: Whisper's tiktoken encoding.

    Returns:
        None where Open JTalk fails or does not say which characters its phones stand for.
    """
    try:
        words, morphemes = pyopenjtalk.run_frontend_detailed(text)
        labels = pyopenjtalk.make_label(words)
        mapping = pyopenjtalk.make_phoneme_mapping(words, morphemes, caller_text=text)
    except (RuntimeError, ValueError, IndexError, TypeError):
        return None
    names = phones_of(labels)
    phones, places = phone_ids(names), _character_places(text, mapping, names)
    if phones is None or places is None:
        return None
    tokens = encoding.encode(text)
    return Sentence(
        text=text,
        tokens=np.array(tokens, np.int32),
        spans=_token_spans(text, [encoding.decode_single_token_bytes(t) for t in tokens], places),
        phones=phones,
        accent=accents_of(labels),
        durations=np.stack([tree.seconds(labels) for tree in trees], 1).astype(np.float32),
    )


def _character_places(text: str, mapping: Sequence[dict], phones: Sequence[str]):
    """First and last place of each character among the phones, shape (characters, 2).

    The characters of a word share its phones evenly. None where words and phones disagree.
    """
    places = np.zeros((len(text), 2), np.float32)
    reached = 1  # phone 0 is the silence before
    for word in mapping:
        said = [voiced(phone) for phone in word["phonemes"]]
        # A pause that a sign asks for is left out at the ends of a sentence.
        count = len(said) if list(phones[reached : reached + len(said)]) == said else 0
        if said and not count and said != ["pau"]:
            return None
        first, last = word["char_span"]
        borders = reached + count * np.linspace(0, 1, max(1, last - first) + 1)
        inside = slice(first, min(last, len(text)))
        places[inside] = np.stack([borders[:-1], borders[1:]], 1)[: len(places[inside])]
        reached += count
    return places if reached == len(phones) - 1 else None


def _token_spans(text: str, tokens: Sequence[bytes], places: np.ndarray) -> np.ndarray:
    """Places of tokens among the phones; a token may be a part of a character."""
    character_ends = np.cumsum([len(character.encode()) for character in text])
    token_ends = np.cumsum([len(token) for token in tokens])
    token_starts = token_ends - [len(token) for token in tokens]
    # The characters that hold the token's first and last byte.
    first = np.searchsorted(character_ends, token_starts, "right")
    last = np.searchsorted(character_ends, token_ends - 1, "right")
    starts = places[first, 0]
    return np.stack([starts, np.maximum(places[last, 1], starts)], 1)
