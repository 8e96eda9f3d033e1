"""Which reference character was heard as what: a Levenshtein alignment."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from rapidfuzz.distance import Levenshtein


@dataclass(frozen=True)
class Alignment:
    """A shortest edit path from a reference of n characters to its hypothesis.

    Attributes:
        wrong: n booleans; the character was substituted or deleted.
        deleted: n booleans.
        inserted: n + 1 counts; the hypothesis characters inserted before each reference
            character, and after the last.
    """

    wrong: tuple[bool, ...]
    deleted: tuple[bool, ...]
    inserted: tuple[int, ...]

    @property
    def errors(self) -> int:
        """The Levenshtein distance."""
        return sum(self.wrong) + sum(self.inserted)

    def errors_within(self, start: int, end: int) -> int:
        """The errors of the reference characters start … end - 1, with their insertions."""
        insertions = sum(self.inserted[start + 1 : end])
        return sum(self.wrong[start:end]) + insertions + sum(self._border_insertions(start, end))

    def heard_as(self, start: int, end: int) -> slice:
        """The part of the hypothesis that stands for the reference characters start … end - 1."""
        lengths = (
            added + (not gone) for added, gone in zip(self.inserted, self.deleted, strict=False)
        )
        before = list(accumulate(lengths, initial=0))
        at_start, at_end = self._border_insertions(start, end)
        # before[i] ends where the insertions before character i begin.
        return slice(before[start] + self.inserted[start] - at_start, before[end] + at_end)

    def _border_insertions(self, start: int, end: int) -> tuple[int, int]:
        """The insertions at the two borders that belong to the characters start … end - 1.

        They do when the character at the border was itself misheard: in 心窩部痛 -> しんかぶつう
        two of six characters are insertions, and every shortest path is free to put them first
        (rapidfuzz does). Beside a character that was heard right they belong outside.
        """
        if start == end:
            return 0, 0
        at_start = self.inserted[start] if self.wrong[start] else 0
        at_end = self.inserted[end] if self.wrong[end - 1] else 0
        return at_start, at_end


def align(reference: str, hypothesis: str) -> Alignment:
    """Align a hypothesis with its reference, at characters, all edits costing one."""
    wrong = [False] * len(reference)
    deleted = [False] * len(reference)
    inserted = [0] * (len(reference) + 1)
    for kind, position, _ in Levenshtein.editops(reference, hypothesis).as_list():
        if kind == "insert":
            inserted[position] += 1
        else:
            wrong[position] = True
            deleted[position] = kind == "delete"
    return Alignment(tuple(wrong), tuple(deleted), tuple(inserted))


def edit_distance(reference: Sequence, hypothesis: Sequence) -> int:
    """The Levenshtein distance of two sequences of characters or words."""
    return Levenshtein.distance(reference, hypothesis)
