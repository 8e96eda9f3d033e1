"""Recordings transcribed together are heard as they are alone."""

from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path

import numpy as np
import pytest
import torch
from whisper.decoding import DecodingOptions, DecodingResult
from whisper.transcribe import transcribe

from whisper_terms.audio import SAMPLE_RATE, read_audio
from whisper_terms.batching import _Meeting, transcribe_together

ROOT = Path(__file__).parents[2]
DEMO = sorted((ROOT / "recordings" / "demo").glob("*.flac"))
OPTIONS = {
    "language": "ja",
    "temperature": 0.0,
    "condition_on_previous_text": False,
    "fp16": False,
}
GREEDY, BEAMS = {}, {"beam_size": 5}


def heard(segments: list[dict]) -> list[tuple[float, float, str]]:
    return [(one["start"], one["end"], one["text"]) for one in segments]


@pytest.mark.parametrize("search", [GREEDY, BEAMS], ids=["greedy", "beams"])
@pytest.mark.parametrize("prompt", [None, "痙攣、心窩部痛"])
def test_together_as_alone(bundled, prompt, search):
    """Recordings of one window and of several, and silence."""
    short = [read_audio(path) for path in DEMO[:3]]
    gap = np.zeros(SAMPLE_RATE // 2, np.float32)
    long = np.concatenate([part for path in DEMO[3:14] for part in (read_audio(path), gap)])
    assert len(long) > 30 * SAMPLE_RATE
    recordings = [short[0], long, np.zeros(SAMPLE_RATE, np.float32), *short[1:]]
    options = (
        OPTIONS | search | {"initial_prompt": prompt, "carry_initial_prompt": prompt is not None}
    )
    together = transcribe_together(bundled, recordings, **options)
    for recording, one in zip(recordings, together, strict=True):
        alone = transcribe(bundled, recording, **options)["segments"]
        assert heard(one.segments) == heard(alone)
        assert one.compute_seconds > 0
    again = transcribe_together(bundled, recordings, **options)
    assert [heard(one.segments) for one in again] == [heard(one.segments) for one in together]


def test_no_recordings(bundled):
    assert transcribe_together(bundled, [], **OPTIONS) == []


def test_batches_shrink_as_recordings_end(bundled, monkeypatch):
    sizes = []

    def decode(self, windows, options):
        sizes.append(len(windows))
        one = DecodingResult(windows[0], "ja", tokens=[], avg_logprob=-2.0, no_speech_prob=0.9)
        return [one] * len(windows)

    monkeypatch.setattr("whisper_terms.batching.decode_windows", decode)
    recordings = [np.zeros(seconds * SAMPLE_RATE, np.float32) for seconds in (70, 5, 40)]
    assert [one.segments for one in transcribe_together(bundled, recordings, **OPTIONS)] == [[]] * 3
    assert sizes == [3, 2, 1]


def test_an_error_ends_all(bundled, monkeypatch):
    def fail(self, windows, options):
        raise torch.OutOfMemoryError("no room")

    monkeypatch.setattr("whisper_terms.batching.decode_windows", fail)
    with pytest.raises(torch.OutOfMemoryError, match="no room"):
        transcribe_together(bundled, [np.zeros(SAMPLE_RATE, np.float32)] * 4, **OPTIONS)


def test_one_recordings_error_is_told(bundled):
    good, bad = np.zeros(SAMPLE_RATE, np.float32), np.array(["no sound"])
    with pytest.raises((TypeError, ValueError, RuntimeError)):
        transcribe_together(bundled, [good, bad], **OPTIONS)


def test_an_interrupted_wait_ends_the_threads(monkeypatch):
    """Ctrl-C while one recording waits for its window's text and another is not ready."""
    meeting = _Meeting(2)

    def interrupt():
        wait([waiting], timeout=0.1)
        raise KeyboardInterrupt

    with ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(meeting.decode, 0, torch.zeros(1), DecodingOptions())
        monkeypatch.setattr(meeting, "_next_batch", interrupt)
        with pytest.raises(KeyboardInterrupt):
            meeting.serve(None)
        assert isinstance(waiting.exception(timeout=10), KeyboardInterrupt)
