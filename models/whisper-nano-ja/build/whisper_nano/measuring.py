"""How well a model hears: the scores of its card, by the project's own scorer.

Sentences that were held out from all training are spoken by voices that were heard in training and
by voices that were not, and transcribed by openai-whisper's own program.
"""

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np

from whisper_nano import settings
from whisper_nano.phones import PHONE_IDS
from whisper_nano.speaking import Clip, Speaker
from whisper_terms.audio import SAMPLE_RATE
from whisper_terms.errors import Fault, UserError
from whisper_terms.progress import progress
from whisper_terms.scoring.alignment import edit_distance
from whisper_terms.scoring.normalise import normalise
from whisper_terms.transcription import Decoding, transcribe_samples

COLUMNS = "set recordings seconds cer loops start_error end_error audio_per_second".split()
_GAP_SECONDS = 0.4
# whisper.transcribe takes text that compresses better than this for a repetition loop.
_LOOP_COMPRESSION = 2.4
_DECODING = Decoding(language="ja")
_TOGETHER = 8  # recordings that are transcribed at once
_QUIET = 60  # seconds of silence and of noise
# In long phrases an HTS voice may fall into a leaf of its duration tree that is meant for silence:
# every phone then takes half a second. Nobody speaks like that.
_LONGEST_PHONE = 0.4


@dataclass(frozen=True)
class Recording:
    """Sound, and what is said in it.

    Attributes:
        samples: 16 kHz, float32.
        text: what is said; empty for silence.
        start, end: seconds between which there is speech.
    """

    samples: np.ndarray
    text: str
    start: float
    end: float


@dataclass(frozen=True)
class Heard:
    """A recording and what the model made of it."""

    recording: Recording
    segments: Sequence[dict]
    compute_seconds: float

    @property
    def text(self) -> str:
        return "".join(segment["text"] for segment in self.segments)


def measure(model, texts: Sequence[str], measured: settings.Measure) -> list[dict[str, str]]:
    """Rows of COLUMNS: for each voice single sentences, then long recordings, silence and noise.

    Args:
        model: of openai-whisper.
        texts: held-out sentences.
        measured: which voices, and how many sentences.
    """
    rng = np.random.default_rng(measured.seed)
    order = [texts[index] for index in rng.permutation(len(texts))]
    rows = []
    for voice, clips in zip(measured.voices, speak_evenly(order, measured), strict=True):
        rows.append(_row(voice.name, model, [_single(clip) for clip in clips]))
        long = [_join(clips[first : first + 6]) for first in range(0, len(clips), 6)]
        rows.append(_row(f"{voice.name}, long", model, long))
    silence = np.zeros(_QUIET * SAMPLE_RATE, np.float32)
    noise = rng.normal(0, 0.02, _QUIET * SAMPLE_RATE).astype(np.float32)
    for name, samples in (("silence", silence), ("noise", noise)):
        rows.append(_row(name, model, [Recording(samples, "", 0, 0)]))
    return rows


def speak_evenly(texts: Sequence[str], measured: settings.Measure) -> list[list[Clip]]:
    """The first sentences that every voice can speak, without a phone that does not end.

    Returns:
        For each voice its clips, at most `measured.sentences`, of the same sentences.

    Raises:
        UserError: there is no such sentence.
    """
    speaker = Speaker(settings.Speech(voices=measured.voices, rates=[1.0]))
    spoken = (
        [speaker.record(text, voice, 0.0, 1.0) for voice in measured.voices] for text in texts
    )
    even = (clips for clips in spoken if all(clip and is_even(clip) for clip in clips))
    first = islice(even, measured.sentences)
    chosen = list(progress(first, "speak", total=measured.sentences))
    if not chosen:
        raise UserError(Fault("no held-out sentence can be spoken by all", "change measure.voices"))
    return [list(clips) for clips in zip(*chosen, strict=True)]


def is_even(clip: Clip) -> bool:
    """Whether every phone of a clip ends; pauses may be long."""
    pauses = np.isin(clip.phones, [PHONE_IDS["sil"], PHONE_IDS["pau"]])
    return bool((np.diff(clip.borders)[~pauses] <= _LONGEST_PHONE).all())


def _single(clip: Clip) -> Recording:
    return Recording(clip.samples, clip.text, float(clip.borders[1]), float(clip.borders[-2]))


def _join(clips: Sequence[Clip]) -> Recording:
    gap = np.zeros(round(_GAP_SECONDS * SAMPLE_RATE), np.float32)
    samples = np.concatenate([part for clip in clips for part in (clip.samples, gap)])
    text = "".join(clip.text for clip in clips)
    # Each clip ends with a pause, in which nobody speaks any more.
    last = len(samples) - len(gap) - len(clips[-1].samples)
    end = last / SAMPLE_RATE + float(clips[-1].borders[-2])
    return Recording(samples, text, float(clips[0].borders[1]), end)


def _row(name: str, model, recordings: Sequence[Recording]) -> dict[str, str]:
    heard = list(_transcribe(model, recordings))
    seconds = sum(len(one.recording.samples) for one in heard) / SAMPLE_RATE
    errors = [_errors(one) for one in heard]
    characters = sum(length for _, length in errors)
    wrong = sum(count for count, _ in errors)
    timed = [one for one in heard if one.segments and one.recording.text]
    starts = [abs(one.segments[0]["start"] - one.recording.start) for one in timed]
    ends = [abs(one.segments[-1]["end"] - one.recording.end) for one in timed]
    return {
        "set": name,
        "recordings": str(len(recordings)),
        "seconds": f"{seconds:.0f}",
        # Where nothing is said there is no rate: the number of characters that were written.
        "cer": f"{wrong / characters:.4f}" if characters else f"{wrong} characters",
        "loops": str(sum(_is_loop(one) for one in heard)),
        "start_error": f"{np.median(starts):.2f}" if starts else "",
        "end_error": f"{np.median(ends):.2f}" if ends else "",
        "audio_per_second": f"{seconds / sum(one.compute_seconds for one in heard):.1f}",
    }


def _transcribe(model, recordings: Sequence[Recording]) -> Iterator[Heard]:
    for first in range(0, len(recordings), _TOGETHER):
        batch = recordings[first : first + _TOGETHER]
        done = transcribe_samples(model, [one.samples for one in batch], _DECODING)
        for recording, one in zip(batch, done, strict=True):
            yield Heard(recording, one.segments, one.compute_seconds)


def _errors(heard: Heard) -> tuple[int, int]:
    """Edits between what was said and written, and the characters that were said."""
    reference, hypothesis = (
        normalise(text).characters for text in (heard.recording.text, heard.text)
    )
    return edit_distance(reference, hypothesis), len(reference)


def _is_loop(heard: Heard) -> bool:
    for segment in heard.segments:
        text = segment["text"].encode()
        if text and len(text) / len(zlib.compress(text)) > _LOOP_COMPRESSION:
            return True
    return False
