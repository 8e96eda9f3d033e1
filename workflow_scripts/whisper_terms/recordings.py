"""Tables of recordings: which audio, what was said in it, and the test set it belongs to.

Standard library only: Snakemake reads the recordings while it builds its graph.
"""

import hashlib
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from whisper_terms.errors import Fault, UserError
from whisper_terms.tables import RECORDINGS, read_numbered

DEFAULT_TEST_SET = "test"
# The name of the row over all test sets, so no test set may have it.
ALL_SETS = "all"


@dataclass(frozen=True)
class Recording:
    """A recording, for tests unless said otherwise.

    Attributes:
        audio: the audio file; a relative path in a table starts from the table's folder.
        text: what is said in it; empty for silence.
        test_set: the set it is scored in.
        id: its name in file names, see `recording_id`.
        file: the table that lists it.
        row: its line in that table.
    """

    audio: Path
    text: str
    test_set: str
    id: str
    file: Path = Path()
    row: int | None = None

    def fault(self, problem: str, cure: str, value: str | None = None) -> Fault:
        """A fault at this recording's row."""
        return Fault(problem, cure, self.file, self.row, value)


def recording_id(audio: str) -> str:
    """The name of a recording in file names: only A-Z, a-z, 0-9, _ and -.

    It ends in hexadecimal digits of the SHA-1 of the path as the table has it, so that it is the
    same on every machine, and two files of one name in two folders differ: in six, or in twelve
    where nothing else of the name is left, as of a Japanese one.
    """
    path = Path(audio)
    stem = re.sub(r"[^A-Za-z0-9_-]+", "_", path.stem).strip("_-")[:60]
    # ./a.wav is a.wav, as to Snakemake, which would transcribe nothing anew for another id.
    digest = hashlib.sha1(path.as_posix().encode(), usedforsecurity=False).hexdigest()
    return f"{stem}-{digest[:6]}" if stem else f"recording-{digest[:12]}"


def read_recordings(paths: Sequence[str | Path]) -> list[Recording]:
    """Read the tables of recordings (columns audio, text, test_set), in their order.

    Raises:
        UserError: with all faults of all tables: a table or audio file that is missing or empty,
            braces in a path, a missing column, a recording that is listed twice, a test set
            named "all".
    """
    listed, faults = list_recordings(paths, RECORDINGS)
    for one in listed:
        faults += _row_faults(one)
    faults += _repetitions(listed)
    if faults:
        raise UserError(faults)
    return listed


def list_recordings(
    paths: Sequence[str | Path], columns: Sequence[str]
) -> tuple[list[Recording], list[Fault]]:
    """The rows of tables of recordings, and the faults of tables that can't be read.

    Args:
        paths: the tables.
        columns: those that must be there, audio and text among them.
    """
    listed: list[Recording] = []
    faults: list[Fault] = []
    for path in map(Path, paths):
        try:
            listed += _read(path, columns)
        except UserError as error:
            faults += error.faults
    return listed, faults


def audio_faults(recording: Recording) -> Iterator[Fault]:
    """What is wrong with the audio that a row names, as far as the file system tells."""
    audio = recording.audio
    if _is_unnamed(recording):
        yield recording.fault("names no audio file", "fill in the audio column", "")
    elif any(brace in str(audio) for brace in "{}"):
        problem = "the path has braces, which Snakemake would read as a wildcard"
        yield recording.fault(problem, "rename the file or its folder", str(audio))
    # Unlike Path.is_file it says no of a path that is too long, or in a folder that is not ours.
    elif not os.path.isfile(audio):
        cure = "a relative path starts from the table's folder"
        yield recording.fault("no such audio file", cure, str(audio))
    elif audio.stat().st_size == 0:
        problem = "the audio file is empty (0 bytes)"
        yield recording.fault(problem, "copy or record it again", str(audio))


def repeated_audio(recordings: Sequence[Recording]) -> Iterator[Fault]:
    """The recordings whose audio an earlier row has."""
    seen = set()
    for one in recordings:
        audio = one.audio.resolve()
        if audio in seen and not _is_unnamed(one):
            yield one.fault("this audio is listed twice", "remove a row", str(audio))
        seen.add(audio)


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


def _read(table: Path, columns: Sequence[str]) -> list[Recording]:
    if table.is_dir():
        raise UserError(Fault("is a folder, not a table of recordings", "name a file", table))
    rows = read_numbered(table, columns)
    if not rows:
        raise UserError(Fault("lists no recordings", "add a row, or remove the table", table))
    return [_recording(table, row, number) for number, row in rows]


def _recording(table: Path, row: dict[str, str], number: int) -> Recording:
    audio = row["audio"].strip()
    return Recording(
        audio=table.parent / audio,
        text=row["text"].strip(),
        test_set=row.get("test_set", "").strip() or DEFAULT_TEST_SET,
        id=recording_id(audio),
        file=table,
        row=number,
    )


def _is_unnamed(recording: Recording) -> bool:
    """Whether the row's audio is left empty: its path is the table's folder."""
    return recording.audio == recording.file.parent


def _row_faults(recording: Recording) -> Iterator[Fault]:
    yield from audio_faults(recording)
    if recording.test_set == ALL_SETS:
        problem = "this name means all test sets together"
        yield recording.fault(problem, "rename the test set", recording.test_set)


def _repetitions(recordings: Sequence[Recording]) -> Iterator[Fault]:
    """The recordings whose audio, or whose id, an earlier row has."""
    yield from repeated_audio(recordings)
    audio: dict[str, Path] = {}
    for one in recordings:
        if _is_unnamed(one):
            continue
        if audio.setdefault(one.id, one.audio.resolve()) != one.audio.resolve():
            yield one.fault(
                "its results would have the name of another recording's",
                "rename one of the two files, or put tables with equal paths in one folder",
                str(one.audio.resolve()),
            )
