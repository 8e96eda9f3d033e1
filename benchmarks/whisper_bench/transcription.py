"""How fast recordings are transcribed: one by one, together, and by other programs.

All decode greedily, and then all search with five beams, at temperature 0, without the text before.
What is timed is reading the audio and transcribing it; loading the model is left out.
"""

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import NamedTuple

import soundfile

from whisper_bench.measure import Measurement, measure_call, middle
from whisper_bench.rows import Row, judge
from whisper_terms.audio import read_audio
from whisper_terms.recordings import Recording

PART = "transcription"
DIFFERENCES = "case audio baseline text".split()
ONE_BY_ONE, OURS = "openai-whisper, one by one", "transcribe_together"
SAMPLED = f"{OURS}, padding sampled"
PIPELINE = "transformers pipeline"
LANGUAGE = "ja"
# What follows a program's name, and the number of its beams.
SEARCHES = {"": 1, ", five beams": 5}
_WANTED = 4
# Each program transcribes everything so many times, all in turn.
_ROUNDS = 2


class Heard(NamedTuple):
    """The text of each recording, in their order, and the seconds that it took."""

    texts: list[str]
    seconds: float


def measure_transcription(
    checkpoint: Path,
    weights: Path,
    converted: Path,
    recordings: Sequence[Recording],
    batch: int,
    padding_frames: int,
) -> tuple[list[dict[str, str]], list[dict[str, str]]]:
    """The lines of the part, and all texts that are not the baseline's.

    Args:
        checkpoint: model directory.
        weights: the same for openai-whisper, a .pt file.
        converted: the same for faster-whisper, a directory.
        recordings: what is transcribed.
        batch: recordings that are transcribed together.
        padding_frames: computed of the silence behind a recording, where it is sampled.

    Returns:
        Rows of the benchmarks' tables, and rows of DIFFERENCES; the baseline is the first program
        with as many beams.
    """
    programs: dict[str, tuple[Callable, Path]] = {
        ONE_BY_ONE: (hear_one_by_one, weights),
        OURS: (hear_together, weights),
        SAMPLED: (partial(hear_together, padding_frames=padding_frames), weights),
        PIPELINE: (hear_by_pipeline, checkpoint),
        "faster-whisper": (hear_by_faster_whisper, converted),
    }
    lines, different = [], []
    for search, beams in SEARCHES.items():
        rounds = [
            {
                name + search: _measure(partial(hear, beams=beams), model, recordings, batch)
                for name, (hear, model) in programs.items()
                # With beams it takes minutes for what the others do in one.
                if name != PIPELINE or beams == 1
            }
            for _ in range(_ROUNDS)
        ]
        measured = {case: middle([one[case] for one in rounds]) for case in rounds[0]}
        texts = {case: one.result for case, one in measured.items()}
        found = list(differences(recordings, texts))
        lines += _lines(recordings, measured, batch, found)
        different += found
    return lines, different


def differences(
    recordings: Sequence[Recording], texts: Mapping[str, Sequence[str]]
) -> Iterator[dict[str, str]]:
    """Rows of DIFFERENCES: texts that are not the same as those of the first program."""
    baseline, *others = texts
    for case in others:
        for recording, old, new in zip(recordings, texts[baseline], texts[case], strict=True):
            if old != new:
                audio = Path(recording.audio).name
                yield {"case": case, "audio": audio, "baseline": old, "text": new}


def hear_one_by_one(
    weights: Path, recordings: Sequence[Recording], batch: int, beams: int
) -> Heard:
    """openai-whisper's own `transcribe`, with the options that the workflow gives it."""
    from whisper.transcribe import transcribe

    from whisper_terms.openai_format import load_openai

    model = load_openai(weights, "cpu")

    def hear(recording: Recording) -> str:
        options = {"temperature": 0.0, "condition_on_previous_text": False, "fp16": False}
        if beams > 1:
            options["beam_size"] = beams
        return transcribe(model, read_audio(recording.audio), language=LANGUAGE, **options)["text"]

    return _timed(lambda: [hear(recording) for recording in recordings], hear, recordings)


def hear_together(
    weights: Path,
    recordings: Sequence[Recording],
    batch: int,
    beams: int,
    padding_frames: int | None = None,
) -> Heard:
    """As the workflow transcribes test recordings (`transcribe.py`)."""
    from whisper_terms.devices import prepare_cpu
    from whisper_terms.transcription import Decoding, listen

    prepare_cpu(None)
    decoding = Decoding(LANGUAGE, beam_size=beams)
    # The model is loaded by the call, the recordings are transcribed one batch after another.
    heard = listen(weights, recordings, decoding, "cpu", batch, padding_frames)

    def hear_all() -> list[str]:
        by_id = {one.id: "".join(s["text"] for s in done.segments) for one, _, done in heard}
        return [by_id[recording.id] for recording in recordings]

    return _timed(hear_all)


def hear_by_pipeline(
    checkpoint: Path, recordings: Sequence[Recording], batch: int, beams: int
) -> Heard:
    """The pipeline of transformers, in batches, with timestamps as openai-whisper has them."""
    from transformers import pipeline

    # The directory holds half-precision weights, which it would compute in, slowly.
    recogniser = pipeline(
        "automatic-speech-recognition", str(checkpoint), device="cpu", dtype="float32"
    )

    def hear(*some: Recording) -> list[str]:
        sounds = [read_audio(recording.audio) for recording in some]
        answers = recogniser(
            sounds,
            batch_size=batch,
            return_timestamps=True,
            generate_kwargs={"language": LANGUAGE, "task": "transcribe", "num_beams": beams},
        )
        return [answer["text"] for answer in answers]

    return _timed(lambda: hear(*recordings), hear, recordings)


def hear_by_faster_whisper(
    converted: Path, recordings: Sequence[Recording], batch: int, beams: int
) -> Heard:
    """faster-whisper, which takes one recording at a time, in float32."""
    from faster_whisper import WhisperModel

    threads = os.cpu_count() or 1
    model = WhisperModel(str(converted), "cpu", compute_type="float32", cpu_threads=threads)

    def hear(recording: Recording) -> str:
        segments, _ = model.transcribe(
            read_audio(recording.audio),
            language=LANGUAGE,
            beam_size=beams,
            temperature=0.0,
            condition_on_previous_text=False,
        )
        return "".join(segment.text for segment in segments)

    return _timed(lambda: [hear(recording) for recording in recordings], hear, recordings)


def _measure(
    hear: Callable, model: Path, recordings: Sequence[Recording], batch: int
) -> Measurement:
    """What a program took by its own clock, and the texts."""
    one = measure_call(hear, model, recordings, batch)
    return Measurement(one.result.seconds, one.peak_mb, one.result.texts)


def _timed(
    hear_all: Callable[[], list[str]],
    hear_one: Callable | None = None,
    recordings: Sequence[Recording] = (),
) -> Heard:
    """Transcribe all, after the first recording has warmed the program up."""
    if hear_one:
        hear_one(recordings[0])
    start = time.perf_counter()
    texts = hear_all()
    seconds = time.perf_counter() - start
    return Heard([" ".join(text.split()) for text in texts], seconds)


def _lines(
    recordings: Sequence[Recording],
    measured: Mapping[str, Measurement],
    batch: int,
    different: Sequence[Mapping[str, str]],
) -> Iterator[dict[str, str]]:
    spoken = sum(soundfile.info(str(recording.audio)).duration for recording in recordings)
    size = f"{len(recordings)} recordings"
    baseline: Row | None = None
    for case, one in measured.items():
        changed = sum(row["case"] == case for row in different)
        row = Row(PART, case, size, one.seconds, spoken, "s of audio", one.peak_mb)
        baseline = baseline or row
        target, note = "", ""
        if row is not baseline:
            note = f"{changed} of {len(recordings)} texts differ"
        if case.startswith(OURS):
            sampled = case.startswith(SAMPLED)
            met = row.rate >= _WANTED * baseline.rate and (not changed or sampled)
            text = "differing texts listed" if sampled else "the same text"
            target = judge(f"{_WANTED} times, {text}", met)
            note += f"; {batch} together"
        yield replace(row, target=target, note=note).cells(baseline)
