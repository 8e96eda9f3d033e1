"""The test recordings: which audio, what was said in it, and the test set it belongs to.

Standard library only: Snakemake reads the recordings while it builds its graph.
"""

import hashlib
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from whisper_terms.errors import Fault, UserError
from whisper_terms.tables import RECORDINGS, read_table

DEFAULT_TEST_SET = "test"
# The name of the row over all test sets, so no test set may have it.
ALL_SETS = "all"


@dataclass(frozen=True)
class Recording:
    """A test recording.

    Attributes:
        audio: the audio file; a relative path in a table starts from the table's folder.
        text: what is said in it; empty for silence.
        test_set: the set it is scored in.
        id: its name in file names, see `recording_id`.
    """

    audio: Path
    text: str
    test_set: str
    id: str


@dataclass(frozen=True)
class _Listed:
    """A recording and the place of its row."""

    recording: Recording
    file: Path
    row: int


def recording_id(audio: str) -> str:
    """The name of a recording in file names: only A-Z, a-z, 0-9, _ and -.

    It ends in six hexadecimal digits of the SHA-1 of the path as the table has it, so that it is
    the same on every machine, and two files of one name in two folders differ.
    """
    stem = re.sub(r"[^A-Za-z0-9_-]+", "_", Path(audio).stem).strip("_-")[:60] or "recording"
    digest = hashlib.sha1(audio.encode(), usedforsecurity=False).hexdigest()
    return f"{stem}-{digest[:6]}"


def read_recordings(paths: Sequence[str | Path]) -> list[Recording]:
    """Read the tables of recordings (columns audio, text, test_set), in their order.

    Raises:
        UserError: with all faults of all tables: a table or audio file that is missing or empty,
            braces in a path, a missing column, a recording that is listed twice, a test set
            named "all".
    """
    listed: list[_Listed] = []
    faults: list[Fault] = []
    for path in map(Path, paths):
        try:
            listed += _read(path)
        except UserError as error:
            faults += error.faults
    for one in listed:
        faults += _row_faults(one)
    faults += _repetitions(listed)
    if faults:
        raise UserError(faults)
    return [one.recording for one in listed]


def check_audio(path: str | Path) -> list[Fault]:
    """The faults of an audio file that exists but holds no sound; needs soundfile."""
    import soundfile

    try:
        frames = soundfile.info(str(path)).frames
    except (soundfile.SoundFileError, OSError) as error:
        return [Fault(f"can't be read as audio: {error}", "convert it to WAV or FLAC", path)]
    if frames == 0:
        return [Fault("the audio has no samples", "record it again or remove its row", path)]
    return []


def _read(table: Path) -> list[_Listed]:
    if table.is_dir():
        raise UserError(Fault("is a folder, not a table of recordings", "name a file", table))
    rows = read_table(table, RECORDINGS)
    if not rows:
        raise UserError(Fault("lists no recordings", "add a row, or remove the table", table))
    return [
        _Listed(_recording(table, row), table, number) for number, row in enumerate(rows, start=2)
    ]


def _recording(table: Path, row: dict[str, str]) -> Recording:
    audio = row["audio"].strip()
    return Recording(
        audio=table.parent / audio,
        text=row["text"].strip(),
        test_set=row["test_set"].strip() or DEFAULT_TEST_SET,
        id=recording_id(audio),
    )


def _row_faults(listed: _Listed) -> Iterator[Fault]:
    def fault(problem: str, cure: str, value: str) -> Fault:
        return Fault(problem, cure, listed.file, listed.row, value)

    audio, test_set = listed.recording.audio, listed.recording.test_set
    if audio == listed.file.parent:
        yield fault("names no audio file", "fill in the audio column", "")
    elif any(brace in str(audio) for brace in "{}"):
        problem = "the path has braces, which Snakemake would read as a wildcard"
        yield fault(problem, "rename the file or its folder", str(audio))
    elif not audio.is_file():
        yield fault(
            "no such audio file", "a relative path starts from the table's folder", str(audio)
        )
    elif audio.stat().st_size == 0:
        yield fault("the audio file is empty (0 bytes)", "copy or record it again", str(audio))
    if test_set == ALL_SETS:
        yield fault("this name means all test sets together", "rename the test set", test_set)


def _repetitions(listed: Sequence[_Listed]) -> Iterator[Fault]:
    """The recordings whose audio, or whose id, an earlier row has."""
    files = Counter()
    ids = Counter()
    for one in listed:
        audio = one.recording.audio.resolve()
        # A row without audio is a fault of its own; its path is the folder.
        if audio == one.file.parent.resolve():
            continue
        if files[audio]:
            yield Fault("this audio is listed twice", "remove a row", one.file, one.row, str(audio))
        elif ids[one.recording.id]:
            yield Fault(
                "another table has an audio file of the same path",
                "rename one of the two files, or put both tables in one folder",
                one.file,
                one.row,
                str(audio),
            )
        files[audio] += 1
        ids[one.recording.id] += 1
