"""What the systems heard, as the transcription step wrote it down."""

from collections.abc import Sequence
from pathlib import Path

from whisper_terms.errors import Fault, UserError
from whisper_terms.recordings import Recording
from whisper_terms.scoring.utterance import ScoredUtterance
from whisper_terms.segments import join_segments
from whisper_terms.tables import TIMING, TIMING_FILE, TRANSCRIPT, read_table

# Seconds of audio and, if known, of computing.
Timing = tuple[float, float | None]


def parse_systems(pairs: list[str]) -> dict[str, Path]:
    """The folders by system, in their order; raises UserError for a malformed or repeated one."""
    systems: dict[str, Path] = {}
    faults = []
    for pair in pairs:
        name, equals, folder = pair.partition("=")
        if not (name and equals and folder):
            faults.append(Fault("not of the form NAME=DIR", "write base=DIR", value=pair))
        elif name in systems:
            faults.append(Fault("two systems have the same name", "rename one", value=name))
        systems[name] = Path(folder)
    if faults:
        raise UserError(faults)
    return systems


def read_system(folder: str | Path, recordings: Sequence[Recording]) -> list[ScoredUtterance]:
    """Read one system's transcripts of the recordings, FOLDER/{recording id}.tsv.

    The lengths come from FOLDER/timing.tsv where there is one, else from the audio.

    Raises:
        UserError: with all transcripts that are missing or malformed, and all lengths that are
            missing.
    """
    folder = Path(folder)
    texts, timings, faults = [], [], []
    timing_rows = _read_timing(folder)
    for recording in recordings:
        try:
            texts.append(read_transcript(folder / f"{recording.id}.tsv"))
            timings.append(_timing(folder, recording, timing_rows))
        except UserError as error:
            faults += error.faults
    if faults:
        raise UserError(faults)
    return [
        ScoredUtterance(
            audio=str(recording.audio),
            test_set=recording.test_set,
            seconds=seconds,
            reference=recording.text,
            hypothesis=text,
            compute_seconds=compute_seconds,
        )
        for recording, text, (seconds, compute_seconds) in zip(
            recordings, texts, timings, strict=True
        )
    ]


def read_transcript(path: str | Path) -> str:
    """The text of a transcript (columns start, end, text)."""
    return join_segments([row["text"] for row in read_table(path, TRANSCRIPT)])


def _read_timing(folder: Path) -> dict[str, dict[str, str]] | None:
    """The rows of the timing file by recording (its id or its path), or None without a file."""
    path = folder / TIMING_FILE
    return {row["audio"]: row for row in read_table(path, TIMING)} if path.exists() else None


def _timing(folder: Path, recording: Recording, rows: dict[str, dict[str, str]] | None) -> Timing:
    if rows is None:
        return _audio_seconds(recording.audio), None
    place = folder / TIMING_FILE
    row = rows.get(recording.id) or rows.get(str(recording.audio))
    if row is None:
        fault = Fault("lacks a recording", "transcribe again", place, value=str(recording.audio))
        raise UserError(fault)
    try:
        return float(row["seconds"]), float(row["compute_seconds"])
    except ValueError as error:
        raise UserError(Fault(f"not a number of seconds: {error}", file=place)) from None


def _audio_seconds(audio: Path) -> float:
    import soundfile

    try:
        return soundfile.info(str(audio)).duration
    except (soundfile.SoundFileError, OSError) as error:
        fault = Fault(f"can't be read as audio: {error}", "convert it to WAV or FLAC", audio)
        raise UserError(fault) from None
