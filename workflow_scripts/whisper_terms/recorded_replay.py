"""The user's own recordings as replay: checked, copied, and listed as utterances.

Copies are named after what is heard, as spoken utterances are, so that whatever is computed of a
recording is computed anew when it changes, and the recordings themselves are never touched.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

from whisper_terms.audio import SAMPLE_RATE, read_audio
from whisper_terms.dictionary import Entry
from whisper_terms.errors import Fault, UserError
from whisper_terms.progress import progress
from whisper_terms.recordings import Recording, check_audio
from whisper_terms.replay import tested_fault
from whisper_terms.scoring.lexicon import lexicon_of
from whisper_terms.scoring.normalise import normalise
from whisper_terms.sharding import digest, file_sha256
from whisper_terms.speech.sound import is_written, write_recording
from whisper_terms.token_count import count_tokens
from whisper_terms.utterances import DEVELOPMENT, RECORDED, REPLAY, TRAIN, split_sentences

# Raised when the same file is copied otherwise.
_METHOD = 1
# What a label holds beside its text: start, language, task, end, and two times.
_TOKENS_BESIDE = 6


@dataclass(frozen=True)
class Copied:
    """A recording and its copy.

    Attributes:
        recording: the user's.
        audio: the copy: WAV, 16 kHz, mono, 16 bit.
        seconds: its length.
    """

    recording: Recording
    audio: Path
    seconds: float


def check_recordings(
    recordings: Sequence[Recording], tested: Sequence[Recording], seconds: float, tokens: int
) -> None:
    """Check all that needs a look at the audio, or at the tokenizer.

    Args:
        recordings: the user's, for replay.
        tested: the test recordings, whatever they are called.
        seconds: length of a window.
        tokens: most tokens in a window's label.

    Raises:
        UserError: with all faults: no audio, be it a test recording's, too long, the content of a
            test recording, or a transcript that is too long for a label.
    """
    faults: list[Fault] = []
    by_content = _by_content(tested, faults)
    for one in progress(recordings, "checking", len(recordings)):
        if unusable := list(_audio_faults(one)):
            faults += unusable
        elif other := by_content.get(file_sha256(one.audio)):
            faults.append(tested_fault(one, other))
        else:
            faults += _length_faults(one, seconds, tokens)
    if faults:
        raise UserError(faults)


def hold_terms(recordings: Iterable[Recording], entries: Iterable[Entry]) -> list[Recording]:
    """The recordings whose transcripts hold a term, or another spelling of one."""
    lexicon = lexicon_of(entries)
    return [one for one in recordings if lexicon.occurrences(normalise(one.text))]


def copy_recordings(recordings: Sequence[Recording], store: Path) -> list[Copied]:
    """Copy what the store lacks.

    Raises:
        UserError: a recording can't be read.
    """
    return [_copy(one, store) for one in progress(recordings, "copying", len(recordings))]


def utterance_rows(copies: Sequence[Copied], held_out: float) -> Iterator[dict[str, object]]:
    """The rows of the manifest.

    Which are held out follows from a hash of what is said or, where that is not known, of the
    copy's name, for recordings with and without a transcript apart.

    Args:
        copies: the recordings.
        held_out: share of the development set.
    """
    known = _held_out({one.recording.text for one in copies if one.recording.text}, held_out)
    unknown = _held_out({one.audio.name for one in copies if not one.recording.text}, held_out)
    for one in copies:
        text = one.recording.text
        is_held_out = text in known if text else one.audio.name in unknown
        yield {
            "audio": one.audio.as_posix(),
            # A cell of a tab-separated table holds neither tabs nor line ends.
            "text": " ".join(text.split()),
            "seconds": f"{one.seconds:.3f}",
            "split": DEVELOPMENT if is_held_out else TRAIN,
            "kind": REPLAY,
            "voice": RECORDED,
            "engine": RECORDED,
        }


def _held_out(names: Collection[str], share: float) -> set[str]:
    # One alone is for training.
    return set(split_sentences(sorted(names), share)[0]) if len(names) > 1 else set()


def _by_content(tested: Iterable[Recording], faults: list[Fault]) -> dict[str, Recording]:
    """The test recordings that can be read, by their content; of the others the faults."""
    readable = {}
    for one in tested:
        if unusable := list(_audio_faults(one)):
            faults += unusable
        else:
            readable[file_sha256(one.audio)] = one
    return readable


def _audio_faults(recording: Recording) -> Iterator[Fault]:
    for fault in check_audio(recording.audio):
        yield recording.fault(fault.problem, fault.cure, str(recording.audio))


def _length_faults(recording: Recording, seconds: float, tokens: int) -> Iterator[Fault]:
    info = soundfile.info(str(recording.audio))
    # Whatever is no longer, rounded to milliseconds as in the manifest, has its place.
    if (length := round(info.frames / info.samplerate, 3)) > seconds:
        problem = f"is {length:.2f} s long, but a window has {seconds:g} s (windows.seconds)"
        yield recording.fault(problem, "cut it into shorter ones", str(recording.audio))
    if (count := count_tokens(recording.text)) + _TOKENS_BESIDE > tokens:
        problem = f"the transcript has {count} tokens, too many for a label (windows.max_tokens)"
        yield recording.fault(problem, "cut the recording into shorter ones", recording.text)


def _copy(recording: Recording, store: Path) -> Copied:
    key = digest([_METHOD, file_sha256(recording.audio)], length=32)
    path = store / key[:2] / f"{key}.wav"
    if not is_written(path):
        write_recording(path, np.clip(read_audio(recording.audio), -1, 1))
    return Copied(recording, path, soundfile.info(str(path)).frames / SAMPLE_RATE)
