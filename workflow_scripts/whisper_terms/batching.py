"""openai-whisper's own `transcribe` on several recordings at once.

`transcribe` decodes one 30-s window of one recording at a time, and a small batch costs hardly more
than one window. So each recording is transcribed in a thread of its own, by the package's program
(which `spectrogram` spares some work), with a model whose `decode` waits until every other
recording has a window to decode or is done; then all these windows are decoded as one batch.
"""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from threading import Condition
from typing import TYPE_CHECKING

import numpy as np
import torch
from whisper.decoding import DecodingOptions, DecodingResult

from whisper_terms.beams import decode_windows
from whisper_terms.spectrogram import transcribe

if TYPE_CHECKING:
    from whisper.model import Whisper


@dataclass(frozen=True)
class Transcription:
    """A recording's transcription.

    Attributes:
        segments: openai-whisper's: dicts with start and end in seconds, text, and more.
        compute_seconds: its share of the wall-clock time: of the batches that it was decoded in,
            and of all else.
    """

    segments: list[dict]
    compute_seconds: float


def transcribe_together(
    model: "Whisper", recordings: Sequence[np.ndarray], **options
) -> list[Transcription]:
    """Transcribe recordings, each as `whisper.transcribe` would do it alone.

    Windows that are decoded together are fixed by the order of the recordings, so that a second run
    gives the same. Against decoding alone, sums are rounded in another order.

    Args:
        model: openai-whisper's.
        recordings: float32, shape (samples,), 16,000 a second; so many windows make a batch.
        options: of `whisper.transcribe`.
    """
    meeting, start = _Meeting(len(recordings)), time.perf_counter()

    def run(number: int) -> list[dict]:
        try:
            seat = _Seat(model, meeting, number)
            return transcribe(seat, recordings[number], **options)["segments"]
        finally:
            meeting.leave(number)

    with ThreadPoolExecutor(max(1, len(recordings))) as executor:
        futures = [executor.submit(run, number) for number in range(len(recordings))]
        meeting.serve(partial(decode_windows, model))
    segments = [future.result() for future in futures]
    rest = time.perf_counter() - start - sum(meeting.seconds)
    return [
        Transcription(one, seconds + rest / len(recordings))
        for one, seconds in zip(segments, meeting.seconds, strict=True)
    ]


class _Seat:
    """The model, as one recording's thread sees it."""

    def __init__(self, model: "Whisper", meeting: "_Meeting", number: int):
        self._model, self._meeting, self._number = model, meeting, number

    def __getattr__(self, name: str):
        return getattr(self._model, name)

    def decode(self, window: torch.Tensor, options: DecodingOptions) -> DecodingResult:
        """Decode a window of shape (Mel bins, 3000), together with the others' windows."""
        return self._meeting.decode(self._number, window, options)


class _Meeting:
    """Brings together the windows of recordings that are transcribed in threads.

    Attributes:
        seconds: for each recording its share of the time that decoding took.
    """

    def __init__(self, count: int):
        self.seconds = [0.0] * count
        self._present = set(range(count))
        self._asked: dict[int, tuple[torch.Tensor, DecodingOptions]] = {}
        self._answers: dict[int, DecodingResult] = {}
        self._error: BaseException | None = None
        self._changed = Condition()

    def decode(self, number: int, window: torch.Tensor, options: DecodingOptions):
        """Wait for the result of a recording's window."""
        with self._changed:
            self._asked[number] = (window, options)
            self._changed.notify_all()
            self._changed.wait_for(lambda: number in self._answers or self._error)
            if self._error:
                raise self._error
            return self._answers.pop(number)

    def leave(self, number: int) -> None:
        """A recording has no more windows."""
        with self._changed:
            self._present.discard(number)
            self._changed.notify_all()

    def serve(self, decode: Callable) -> None:
        """Decode all windows in batches, until every recording has left."""
        try:
            while asked := self._next_batch():
                answers = self._decode(asked, decode)
                with self._changed:
                    self._answers |= answers
                    self._changed.notify_all()
        except BaseException as error:
            # The threads end with it, each in its future; so too where waiting was interrupted.
            with self._changed:
                self._error = error
                self._changed.notify_all()
            raise

    def _next_batch(self) -> dict[int, tuple[torch.Tensor, DecodingOptions]]:
        """Wait for a window of every recording that has not left; empty when all have."""
        with self._changed:
            self._changed.wait_for(lambda: len(self._asked) == len(self._present))
            asked, self._asked = dict(sorted(self._asked.items())), {}
            return asked

    def _decode(self, asked: dict, decode: Callable) -> dict[int, DecodingResult]:
        """Decode windows, those with equal options together."""
        answers = {}
        while asked:
            (_, options), *_ = asked.values()
            numbers = [number for number, (_, other) in asked.items() if other == options]
            windows = torch.stack([asked.pop(number)[0] for number in numbers])
            start = time.perf_counter()
            results = decode(windows, options)
            share = (time.perf_counter() - start) / len(numbers)
            for number, result in zip(numbers, results, strict=True):
                answers[number] = result
                self.seconds[number] += share
        return answers
