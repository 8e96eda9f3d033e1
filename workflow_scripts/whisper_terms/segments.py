"""The segments of a transcript."""

from collections.abc import Sequence


def join_segments(segments: Sequence[str]) -> str:
    """Join the segments of a transcript, with a space only between two Latin words."""
    text = ""
    for segment in map(str.strip, segments):
        at_word = text[-1:].isascii() and text[-1:].isalnum()
        space = " " if at_word and segment[:1].isascii() and segment[:1].isalnum() else ""
        text += space + segment
    return text
