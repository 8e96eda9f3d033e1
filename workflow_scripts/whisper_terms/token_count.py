"""How many tokens a text has in Whisper's labels."""

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tiktoken import Encoding


def count_tokens(text: str) -> int:
    """The byte pairs of a text; all multilingual models of Whisper have the same."""
    # What looks like a special token is text, too.
    return len(_encoding().encode_ordinary(text))


@cache
def _encoding() -> "Encoding":
    # Only here: it takes seconds to load.
    from whisper.tokenizer import get_encoding

    return get_encoding("multilingual")
