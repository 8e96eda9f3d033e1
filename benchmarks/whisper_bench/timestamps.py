"""How well the times of segments fit what was said: the errors of their starts and ends.

A segment belongs to the utterance that it overlaps most. An utterance takes one segment, the one
that overlaps it most of those that belong to it; the others, and segments where nobody speaks,
are extra. An utterance without a segment is missed.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from whisper_bench.joining import Joined, Span, join, trim
from whisper_bench.markdown import table
from whisper_bench.rows import judge
from whisper_terms.audio import read_audio
from whisper_terms.devices import choose_device
from whisper_terms.errors import Fault, UserError
from whisper_terms.openai_format import load_openai
from whisper_terms.progress import progress
from whisper_terms.recordings import Recording
from whisper_terms.transcription import Decoding, transcribe_samples
from whisper_terms.windows import TICK

COLUMNS = (
    "model in_a_row rows longest utterances matched missed extra start_median start_p90 "
    "end_median end_p90 target"
).split()
_MEDIANS = ("start_median", "end_median")
_DECODING = Decoding(language="ja")
_TOGETHER = 8  # rows that are transcribed at once
_PAGE = """# Times after fine-tuning

Made by `make timestamps` from `{table}`; do not edit. Test
recordings are put in a row, with silences of 0.3 to 1.0 s between them, and transcribed by
openai-whisper's own program, with the base model and with the fine-tuned one. Each recording is cut
to what sounds in it: from the first to the last 10 ms whose level is within 40 dB of its loudest.
So the true start and end of every utterance are known.

A segment is matched with the utterance that it overlaps most, and an utterance with one segment at
most; *missed* are utterances without a segment, *extra* are segments without an utterance. *Start*
and *end* are how far the times of matched segments are off, in seconds, early or late: the median,
and what nine of ten do not exceed. *Longest* is the longest row, in seconds; Whisper hears 30 s at
once. Its times are multiples of 0.02 s, so a difference of that size is none.

{lines}
"""
_HEADINGS = {
    "model": "model",
    "in_a_row": "in a row",
    "longest": "longest",
    "utterances": "utterances",
    "matched": "matched",
    "missed": "missed",
    "extra": "extra",
    "start_median": "start, median",
    "start_p90": "start, 90 %",
    "end_median": "end, median",
    "end_p90": "end, 90 %",
    "target": "target",
}


@dataclass
class Errors:
    """What one model's times were worth.

    Attributes:
        starts, ends: seconds by which each matched segment begins and ends early or late.
        missed: utterances without a segment.
        extra: segments without an utterance.
    """

    starts: list[float] = field(default_factory=list)
    ends: list[float] = field(default_factory=list)
    missed: int = 0
    extra: int = 0

    def add(self, spoken: Sequence[Span], segments: Sequence[Span]) -> None:
        """Count the segments of a row in."""
        pairs = match(spoken, segments)
        self.starts += [abs(heard.start - said.start) for said, heard in pairs]
        self.ends += [abs(heard.end - said.end) for said, heard in pairs]
        self.missed += len(spoken) - len(pairs)
        self.extra += len(segments) - len(pairs)

    def cells(self) -> dict[str, str]:
        """Cells of COLUMNS; the errors are empty where nothing was matched."""
        counts = {
            "utterances": len(self.starts) + self.missed,
            "matched": len(self.starts),
            "missed": self.missed,
            "extra": self.extra,
        }
        shown = {name: str(count) for name, count in counts.items()}
        for name, errors in (("start", self.starts), ("end", self.ends)):
            for share, suffix in ((50, "median"), (90, "p90")):
                value = f"{np.percentile(errors, share):.3f}" if errors else ""
                shown[f"{name}_{suffix}"] = value
        return shown


def match(spoken: Sequence[Span], segments: Sequence[Span]) -> list[tuple[Span, Span]]:
    """Utterances with the segments that are theirs, see the module's head, in their order."""
    candidates: dict[int, list[Span]] = {}
    for segment in segments:
        shared = [segment.overlap(span) for span in spoken]
        if any(shared):
            candidates.setdefault(int(np.argmax(shared)), []).append(segment)
    return [
        (spoken[index], max(candidates[index], key=spoken[index].overlap))
        for index in sorted(candidates)
    ]


def measure_timestamps(
    models: Mapping[str, Path], recordings: Sequence[Recording], in_a_row: Iterable[int]
) -> list[dict[str, str]]:
    """Rows of COLUMNS: for each length of a row each model, the first of which is the baseline.

    Args:
        models: files for openai-whisper by the model's name.
        recordings: in the order in which they are joined; those in which nothing is said are left
            out.
        in_a_row: how many are joined; the last row may have fewer.

    Raises:
        UserError: recordings or a model can't be read, recordings are silent, or nothing is said.
    """
    sounds = _spoken(recordings)
    loaded = {name: load_openai(path, choose_device("auto")) for name, path in models.items()}
    lines = []
    for count in in_a_row:
        rows = [join(sounds[first : first + count]) for first in range(0, len(sounds), count)]
        size = {
            "in_a_row": str(count),
            "rows": str(len(rows)),
            "longest": f"{max(row.seconds for row in rows):.1f}",
        }
        errors = {name: _listen(model, rows, name) for name, model in loaded.items()}
        lines += [size | line for line in compare(errors)]
    return lines


def compare(errors: Mapping[str, Errors]) -> Iterator[dict[str, str]]:
    """A line for each model; from the second on it says whether it is as good as the first."""
    baseline: dict[str, str] = {}
    for name, one in errors.items():
        cells = one.cells()
        target = ""
        if baseline:
            wish = f"medians at most {TICK} s over those of {next(iter(errors))}"
            target = judge(wish, _is_as_good(cells, baseline))
        baseline = baseline or cells
        yield {"model": name, **cells, "target": target}


def render_page(rows: Iterable[Mapping[str, str]], path: str) -> str:
    """The page as Markdown; every number in its table is a cell of the table at that path."""
    cells = [[row[name] for name in _HEADINGS] for row in rows]
    numbers = range(1, len(_HEADINGS) - 1)
    return _PAGE.format(table=path, lines=table(list(_HEADINGS.values()), cells, numbers))


def _spoken(recordings: Iterable[Recording]) -> list[np.ndarray]:
    """The sound of each recording in which something is said."""
    sounds, faults = [], []
    for one in recordings:
        if not one.text:
            continue
        try:
            sounds.append(trim(read_audio(one.audio), one.audio))
        except UserError as error:
            faults += error.faults
    if not (sounds or faults):
        faults.append(Fault("nothing is said in any recording", "give some with a text"))
    if faults:
        raise UserError(faults)
    return sounds


def _listen(model, rows: Sequence[Joined], name: str) -> Errors:
    errors = Errors()
    for first in progress(range(0, len(rows), _TOGETHER), name):
        batch = rows[first : first + _TOGETHER]
        done = transcribe_samples(model, [row.samples for row in batch], _DECODING)
        for row, heard in zip(batch, done, strict=True):
            said = [one for one in heard.segments if one["text"].strip()]
            errors.add(row.spoken, [Span(one["start"], one["end"]) for one in said])
    return errors


def _is_as_good(cells: Mapping[str, str], baseline: Mapping[str, str]) -> bool:
    """Whether no median is larger than the baseline's by more than Whisper's step in time."""
    # Without a match there is no median, and nothing is as good.
    return all(
        cells[name]
        and baseline[name]
        and round(float(cells[name]) - float(baseline[name]), 3) <= TICK
        for name in _MEDIANS
    )
