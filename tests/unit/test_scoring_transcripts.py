import numpy as np
import pytest
import soundfile

from whisper_terms.errors import UserError
from whisper_terms.recordings import Recording
from whisper_terms.scoring.transcripts import TIMING, join_segments, read_system
from whisper_terms.tables import TRANSCRIPT, write_table


@pytest.fixture
def recording(tmp_path):
    audio = tmp_path / "a.wav"
    soundfile.write(audio, np.zeros(8000), 16000)
    return Recording(audio, "肺炎です", "terms", "a-1")


def write_transcript(folder, recording, *texts):
    rows = [{"start": i, "end": i + 1, "text": text} for i, text in enumerate(texts)]
    write_table(folder / f"{recording.id}.tsv", TRANSCRIPT, rows)


def write_timing(folder, audio, seconds="2.0", compute_seconds="0.5"):
    row = {"audio": audio, "seconds": seconds, "compute_seconds": compute_seconds}
    write_table(folder / "timing.tsv", TIMING, [row])


@pytest.mark.parametrize(
    ("segments", "text"),
    [
        ([], ""),
        (["肺炎 ", " です"], "肺炎です"),
        (["use PyTorch", "Lightning を", "使う"], "use PyTorch Lightning を使う"),
        (["12", "", "3"], "12 3"),
    ],
)
def test_join_segments(segments, text):
    assert join_segments(segments) == text


def test_lengths_come_from_the_audio(tmp_path, recording):
    write_transcript(tmp_path, recording, "肺炎", "です。")
    [utterance] = read_system(tmp_path, [recording])
    assert (utterance.audio, utterance.test_set) == (str(recording.audio), "terms")
    assert (utterance.reference, utterance.hypothesis) == ("肺炎です", "肺炎です。")
    assert (utterance.seconds, utterance.compute_seconds) == (0.5, None)


@pytest.mark.parametrize("key", [lambda one: one.audio, lambda one: one.id])
def test_lengths_come_from_the_timing(tmp_path, recording, key):
    write_transcript(tmp_path, recording)
    write_timing(tmp_path, key(recording))
    [utterance] = read_system(tmp_path, [recording])
    assert utterance.hypothesis == ""
    assert (utterance.seconds, utterance.compute_seconds) == (2.0, 0.5)


def test_all_missing_transcripts_are_told(tmp_path, recording):
    other = Recording(recording.audio, "", "terms", "b-2")
    with pytest.raises(UserError) as error:
        read_system(tmp_path, [recording, other])
    files = [fault.file.name for fault in error.value.faults]
    assert files == ["a-1.tsv", "b-2.tsv"]


@pytest.mark.parametrize(
    ("timing", "problem"),
    [
        (("other.wav",), "lacks a recording"),
        (("a-1", "long"), "not a number of seconds"),
    ],
)
def test_faulty_timing(tmp_path, recording, timing, problem):
    write_transcript(tmp_path, recording)
    write_timing(tmp_path, *timing)
    with pytest.raises(UserError, match=problem):
        read_system(tmp_path, [recording])


def test_audio_that_is_none(tmp_path, recording):
    write_transcript(tmp_path, recording)
    recording.audio.write_bytes(b"not audio")
    with pytest.raises(UserError, match="can't be read as audio"):
        read_system(tmp_path, [recording])
