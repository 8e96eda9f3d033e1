"""Replay: term-free sentences and recordings that keep the model from forgetting.

Standard library only: Snakemake reads them while it builds its graph.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

from whisper_terms.errors import Fault, UserError, reading
from whisper_terms.recordings import Recording, audio_faults, list_recordings, repeated_audio

# Windows of replay that are kept for each window of terms, at least. Not as many as the recipes ask
# for: a change of their shares, up to two thirds, would make all windows anew.
FEWEST_REPLAY = 2

_COLUMNS = "audio text".split()


def read_replay(path: str | Path) -> list[str]:
    """Read the sentences, one a line; blank lines and repetitions are passed over.

    Raises:
        UserError: the file is missing, is not UTF-8, or holds no sentence.
    """
    with reading(path):
        text = Path(path).read_text(encoding="utf-8-sig")
    sentences = list(dict.fromkeys(line.strip() for line in text.splitlines() if line.strip()))
    if not sentences:
        cure = "write one sentence a line, or name no such file"
        raise UserError(Fault("holds no sentence", cure, path))
    return sentences


def read_replay_recordings(
    paths: Sequence[str | Path], tested: Sequence[Recording]
) -> list[Recording]:
    """Read the tables of the user's own recordings (columns audio, text), in their order.

    An empty text means that nobody wrote down what is said. A column test_set is passed over.

    Args:
        paths: the tables.
        tested: the test recordings.

    Raises:
        UserError: with all faults of all tables: a table or audio file that is missing or empty,
            braces in a path, a missing column, a recording that is listed twice or tested.
    """
    recordings, faults = list_recordings(paths, _COLUMNS)
    for one in recordings:
        faults += audio_faults(one)
    faults += [*repeated_audio(recordings), *_tested_audio(recordings, tested)]
    if faults:
        raise UserError(faults)
    return recordings


def _tested_audio(recordings: Sequence[Recording], tested: Sequence[Recording]) -> Iterator[Fault]:
    by_audio = {one.audio.resolve(): one for one in tested}
    for one in recordings:
        if other := by_audio.get(one.audio.resolve()):
            yield tested_fault(one, other)


def tested_fault(recording: Recording, tested: Recording) -> Fault:
    """The fault of a recording that is a test recording too."""
    place = f"{tested.file}:{tested.row}"
    problem = f"this audio is a test recording, {place}, and what is tested is never trained on"
    return recording.fault(problem, f"remove this row, or {place}", str(recording.audio))
