"""Japanese words, as GiNZA cuts them."""

import re
import unicodedata
from collections.abc import Iterator
from functools import cache, lru_cache

from whisper_terms.errors import Fault, UserError
from whisper_terms.scoring.normalise import normalise

# Only the tokeniser (SudachiPy, split mode C) is needed; loading the rest would take seconds.
_UNUSED_PIPES = (
    "tok2vec",
    "parser",
    "ner",
    "morphologizer",
    "attribute_ruler",
    "compound_splitter",
    "bunsetu_recognizer",
)
# SudachiPy refuses more than 49,149 bytes at once; a character has at most four.
_LONGEST_PIECE = 10_000
_SENTENCE = re.compile(r"[^。!?\n]*[。!?\n]+|[^。!?\n]+")


@lru_cache(maxsize=1 << 16)
def ginza_tokens(text: str) -> tuple[str, ...]:
    """The words of a text, normalised as for the character error rate.

    The text is cut with its punctuation, which helps the analyser; words of nothing but
    punctuation are then left out. A reference and a hypothesis are cut independently, so one
    wrong character may cost several words.

    Raises:
        UserError: GiNZA is not installed.
    """
    tokenise = _ginza().make_doc
    words = (
        normalise(token.text).characters
        for piece in _pieces(unicodedata.normalize("NFKC", text))
        for token in tokenise(piece)
    )
    return tuple(word for word in words if word)


def is_word(text: str) -> bool:
    """Whether a text is a single word that the analyser knows.

    Raises:
        UserError: GiNZA is not installed.
    """
    words = _ginza().tokenizer.tokenizer.tokenize(text)
    return len(words) == 1 and not words[0].is_oov()


def _pieces(text: str) -> Iterator[str]:
    for sentence in _SENTENCE.findall(text):
        for start in range(0, len(sentence), _LONGEST_PIECE):
            yield sentence[start : start + _LONGEST_PIECE]


@cache
def _ginza():
    try:
        import spacy

        return spacy.load("ja_ginza", exclude=_UNUSED_PIPES)
    except (ImportError, OSError) as error:
        raise UserError(
            Fault(
                f"GiNZA, which cuts Japanese into words, can't be loaded: {error}",
                "pip install ginza ja-ginza",
            )
        ) from error
