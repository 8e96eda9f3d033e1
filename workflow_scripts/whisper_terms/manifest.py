"""The manifest: every utterance of the training data, once."""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from whisper_terms.scoring.lexicon import Lexicon
from whisper_terms.scoring.normalise import normalise
from whisper_terms.utterances import CONTRAST, DEVELOPMENT, REPLAY, TERM


@dataclass(frozen=True)
class Manifest:
    """The rows, and what was left out.

    Attributes:
        rows: utterances, without repetition, sorted by kind, text and voice.
        tested: how many were left out because a test recording says the same sentence.
        with_terms: how many more because a term stands in replay or contrast.
    """

    rows: list[Mapping[str, str]]
    tested: int
    with_terms: int


def build_manifest(
    rows: Iterable[Mapping[str, str]], tested: Iterable[str], lexicon: Lexicon
) -> Manifest:
    """Join tables of utterances.

    A sentence that is tested, alone or in a longer recording, must not be trained on, alone or in
    a longer text, else the test says nothing. A lone term may be both: that is what a term list
    asks for. Replay asks the model to go on as before; where it mishears a term, that is what it
    shall not do. And how a term is read in another's contrast sentence would be a guess.

    Args:
        rows: rows of the shards' tables.
        tested: the transcripts of the test recordings.
        lexicon: the terms.
    """
    test_texts = {part for text in tested for part in _parts(text)}
    # Nothing is said in silence, nor known of recordings without a transcript.
    test_texts.discard("")
    distinct = {(row["audio"], row["text"], row["split"]): row for row in rows}
    kept = [
        row
        for row in distinct.values()
        if row["kind"] == TERM or test_texts.isdisjoint(_parts(row["text"]))
    ]
    tested_count = len(distinct) - len(kept)
    without_terms = [
        row
        for row in kept
        if row["kind"] not in (REPLAY, CONTRAST) or not lexicon.occurrences(normalise(row["text"]))
    ]
    term_count = len(kept) - len(without_terms)
    kept = list(_without_held_out(without_terms))
    kept.sort(key=lambda row: (row["kind"], row["text"], row["voice"], row["split"], row["audio"]))
    return Manifest(kept, tested_count, term_count)


def _without_held_out(rows: Sequence[Mapping[str, str]]) -> Iterator[Mapping[str, str]]:
    """The rows without replay that is trained on and held out too, by its words or its sound.

    Sentences and recordings are each split for themselves, and a user may read sentences aloud.
    Contrast may be in such sentences, too.
    """
    held_out = {
        name
        for row in rows
        if row["kind"] == REPLAY and row["split"] == DEVELOPMENT
        for name in (row["audio"], _plain(row["text"]))
        if name
    }
    for row in rows:
        is_trained = row["kind"] in (REPLAY, CONTRAST) and row["split"] != DEVELOPMENT
        if not is_trained or held_out.isdisjoint((row["audio"], _plain(row["text"]))):
            yield row


def _parts(text: str) -> set[str]:
    """A text and each of its sentences, in plain letters."""
    return {_plain(part) for part in (text, *re.split(r"[。．！？!?\n]", text))}


def _plain(text: str) -> str:
    """Letters and digits alone, so that a full stop makes no other sentence."""
    return "".join(c for c in unicodedata.normalize("NFKC", text).casefold() if c.isalnum())
