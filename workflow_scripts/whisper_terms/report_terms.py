"""What the report says of single terms and sentences."""

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from rapidfuzz.distance import Levenshtein

from whisper_terms.recordings import Recording
from whisper_terms.scoring.columns import NOTHING, RIGHT_TO_WRONG, WRONG_TO_RIGHT
from whisper_terms.scoring.normalise import normalise
from whisper_terms.tables import split_list

ESTIMATED = "estimated"
# The sentences shown of one system; the tables beside the report hold all of them.
SHOWN = 200

Row = Mapping[str, str]
# A kind and a text: "same", "missed" (said, not written) or "written" (written, not said).
Piece = tuple[str, str]


@dataclass(frozen=True)
class TermLine:
    """A term that was said in the recordings: how often it was heard, and what else was.

    `check` says that its reading was estimated. The mishearings are texts and counts; the text is
    empty where nothing was written.
    """

    surface: str
    reading: str
    check: bool
    term_class: str
    occurrences: int
    before: int
    after: int
    instead_before: list[tuple[str, int]]
    instead_after: list[tuple[str, int]]

    @property
    def state(self) -> str:
        """How the term fared, in a word."""
        if self.after < self.before:
            return "lost"
        if self.after == self.occurrences:
            return "heard"
        return "better" if self.after > self.before else "missed"


@dataclass(frozen=True)
class Flip:
    """A sentence that turned from wrong to right or back; the pieces show what was wrong."""

    audio: str
    test_set: str
    reference: str
    before: list[Piece]
    after: list[Piece]


@dataclass(frozen=True)
class Flips:
    """The changed sentences of one system: how many, and those shown."""

    system: str
    wrong_count: int
    right_count: int
    became_wrong: list[Flip]
    became_right: list[Flip]

    @property
    def hidden(self) -> int:
        """How many are not shown."""
        shown = len(self.became_wrong) + len(self.became_right)
        return self.wrong_count + self.right_count - shown


@dataclass(frozen=True)
class Sentence:
    """A recording and what was written: the systems that wrote the same text stand together."""

    audio: str
    test_set: str
    reference: str
    written: list[tuple[list[str], list[Piece]]]


def term_lines(
    terms_eval: Sequence[Row], terms: Sequence[Row], base: str, system: str
) -> list[TermLine]:
    """The terms of one system, in the order of the table."""
    dictionary = {row["term_id"]: row for row in terms}
    before = {row["term_id"]: row["mishearings"] for row in terms_eval if row["system"] == base}
    lines = []
    for row in terms_eval:
        if row["system"] != system:
            continue
        entry = dictionary.get(row["term_id"], {})
        lines.append(
            TermLine(
                surface=row["surface"],
                reading=row["reading"],
                check=entry.get("reading_source") == ESTIMATED,
                term_class=entry.get("class", ""),
                occurrences=int(row["occurrences"]),
                before=int(row["heard_before"]),
                after=int(row["heard_after"]),
                instead_before=_mishearings(before.get(row["term_id"], "")),
                instead_after=_mishearings(row["mishearings"]),
            )
        )
    return lines


def untested_terms(terms_eval: Sequence[Row], terms: Sequence[Row]) -> list[Row]:
    """The terms of the dictionary that the recordings don't hold."""
    said = {row["term_id"] for row in terms_eval}
    return [row for row in terms if row["term_id"] not in said]


def system_flips(flips: Sequence[Row], system: str) -> Flips:
    """The changed sentences of one system.

    Where there are more than can be shown, each direction gets half, and what the other leaves.
    """
    own = [row for row in flips if row["system"] == system]
    wrong = [row for row in own if row["direction"] == RIGHT_TO_WRONG]
    right = [row for row in own if row["direction"] == WRONG_TO_RIGHT]
    return Flips(
        system,
        len(wrong),
        len(right),
        [_flip(row) for row in wrong[: max(SHOWN // 2, SHOWN - len(right))]],
        [_flip(row) for row in right[: max(SHOWN // 2, SHOWN - len(wrong))]],
    )


def sentences(
    recordings: Sequence[Recording], transcripts: Mapping[str, Sequence[str]]
) -> list[Sentence]:
    """What the systems wrote of the first recordings; `transcripts` are in their order."""
    shown = []
    for place, recording in enumerate(recordings[:SHOWN]):
        systems: dict[str, list[str]] = {}
        for system, texts in transcripts.items():
            systems.setdefault(texts[place], []).append(system)
        shown.append(
            Sentence(
                recording.audio.name,
                recording.test_set,
                recording.text,
                [(names, differences(recording.text, text)) for text, names in systems.items()],
            )
        )
    return shown


def differences(said: str, written: str) -> list[Piece]:
    """The written text in pieces, and between them what was said and not written.

    Spaces and punctuation are not scored, so they are never marked.
    """
    said, written = (unicodedata.normalize("NFC", text) for text in (said, written))
    said_at, written_at = (
        [place for place, character in enumerate(text) if normalise(character).characters]
        for text in (said, written)
    )
    operations = Levenshtein.opcodes(
        [normalise(said[place]).characters for place in said_at],
        [normalise(written[place]).characters for place in written_at],
    )
    pieces: list[Piece] = []
    position = 0
    for kind, said_from, said_to, from_, to in operations:
        if to > from_:
            # What stands before the first scored character was not scored.
            pieces.append(("same", written[position : written_at[from_]]))
            position = written_at[from_]
        if kind in ("delete", "replace"):
            pieces.append(("missed", "".join(said[said_at[i]] for i in range(said_from, said_to))))
        if to > from_:
            end = written_at[to - 1] + 1
            pieces.append(("same" if kind == "equal" else "written", written[position:end]))
            position = end
    return _joined([*pieces, ("same", written[position:])])


def _joined(pieces: Sequence[Piece]) -> list[Piece]:
    """The pieces without empty ones; between two that are the same, at most one of each kind."""
    joined: list[Piece] = []
    for is_same, run in groupby((p for p in pieces if p[1]), key=lambda piece: piece[0] == "same"):
        run = list(run)
        for kind in ("same",) if is_same else ("missed", "written"):
            text = "".join(part for part_kind, part in run if part_kind == kind)
            if text:
                joined.append((kind, text))
    return joined


def _flip(row: Row) -> Flip:
    """A changed sentence; the right one is not marked: it may hold an accepted spelling."""
    before, after = _unmarked(row["before"]), _unmarked(row["after"])
    if row["direction"] == RIGHT_TO_WRONG:
        after = differences(row["reference"], row["after"])
    else:
        before = differences(row["reference"], row["before"])
    # A name is enough here; the table beside the report has the path.
    return Flip(Path(row["audio"]).name, row["test_set"], row["reference"], before, after)


def _unmarked(text: str) -> list[Piece]:
    return _joined([("same", text)])


def _mishearings(cell: str) -> list[tuple[str, int]]:
    """The texts and counts of a cell such as 背炎×2|∅×1."""
    found = []
    for item in split_list(cell):
        text, _, count = item.rpartition("×")
        found.append(("" if text == NOTHING else text, int(count)))
    return found
