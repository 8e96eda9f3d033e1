"""Which tokens of an utterance spell its term."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from transformers import PreTrainedTokenizerBase

from whisper_terms.tables import read_table
from whisper_terms.windows import Placed


def read_surfaces(path: str | Path) -> dict[str, str]:
    """The terms' surfaces by term id, from terms.tsv."""
    return {row["term_id"]: row["surface"] for row in read_table(path, ["term_id", "surface"])}


class TermMarker:
    """Marks the tokens of terms in the labels of windows."""

    def __init__(self, surfaces: Mapping[str, str], tokenizer: PreTrainedTokenizerBase):
        """Mark by a dictionary.

        Args:
            surfaces: the terms' surfaces by term id.
            tokenizer: byte-level, as Whisper's.
        """
        self._surfaces, self._tokenizer = surfaces, tokenizer

    def __call__(self, utterance: Placed, tokens: Sequence[int]) -> list[bool]:
        """Whether each token of an utterance's text holds a byte of its term."""
        surface = self._surfaces.get(utterance.term_id, "")
        inside = [False] * len(utterance.text.encode())
        for start in _occurrences(surface, utterance.text) if surface else ():
            first = len(utterance.text[:start].encode())
            length = len(surface.encode())
            inside[first : first + length] = [True] * length
        marked, position = [], 0
        for piece in self._tokenizer.convert_ids_to_tokens(list(tokens)):
            # In a byte-level vocabulary each character stands for one byte.
            marked.append(any(inside[position : position + len(piece)]))
            position += len(piece)
        return marked


def _occurrences(part: str, text: str) -> Iterator[int]:
    position = text.find(part)
    while position >= 0:
        yield position
        position = text.find(part, position + len(part))
