"""Which tokens of an utterance spell its term, or the everyday word that sounds like it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from transformers import PreTrainedTokenizerBase

from whisper_terms.tables import read_table, split_list
from whisper_terms.windows import Placed


def read_weighed(paths: Iterable[str | Path]) -> dict[str, tuple[str, ...]]:
    """By term id, from tables of terms: the surface, and the everyday words that sound like it.

    Where the terms alone weigh more, a model writes them for those words, too.

    Raises:
        UserError: a table can't be read, or lacks a column.
    """
    rows = [row for path in paths for row in read_table(path, ["term_id", "surface", "rivals"])]
    return {
        row["term_id"]: tuple(filter(None, (row["surface"], *split_list(row["rivals"]))))
        for row in rows
    }


class TermMarker:
    """Marks the tokens of weighed words in the labels of windows."""

    def __init__(self, weighed: Mapping[str, Sequence[str]], tokenizer: PreTrainedTokenizerBase):
        """Mark by a dictionary.

        Args:
            weighed: by term id, the words that are marked in the term's utterances.
            tokenizer: byte-level, as Whisper's.
        """
        self._weighed, self._tokenizer = weighed, tokenizer

    def __call__(self, utterance: Placed, tokens: Sequence[int]) -> list[bool]:
        """Whether each token of an utterance's text holds a byte of a weighed word."""
        inside = [False] * len(utterance.text.encode())
        for word in self._weighed.get(utterance.term_id, ()):
            for start in _occurrences(word, utterance.text):
                first, length = len(utterance.text[:start].encode()), len(word.encode())
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
