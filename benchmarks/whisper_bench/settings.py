"""The keys of config.yaml and tiny.yaml."""

import json
from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field, ValidationInfo, field_validator

from whisper_terms.config.base import FilePath, Name, Settings

Count = Annotated[int, Field(ge=1)]
Models = dict[Literal["nano", "tiny", "base", "small", "medium"], Count]


class Planning(Settings):
    """Plans of dictionaries.

    Attributes:
        terms: their sizes, ascending.
        baseline: the workflow with one job a wav is planned up to so many terms.
    """

    terms: Annotated[tuple[Count, ...], Field(min_length=1)]
    baseline: Count

    @field_validator("baseline")
    @classmethod
    def _check_baseline(cls, baseline: int, info: ValidationInfo) -> int:
        terms = info.data.get("terms", (1,))
        if list(terms) != sorted(terms) or baseline < terms[0]:
            raise ValueError("terms must ascend, and the baseline reach the first of them")
        return baseline


class Synthesis(Settings):
    """Speech of a dictionary.

    Attributes:
        terms: its size.
        replay: replay sentences that are spoken too.
    """

    terms: Count
    replay: Count


class FineTuning(Settings):
    """Epochs over the speech of `Synthesis`.

    Attributes:
        models: by size of the model, how many steps are measured, after one to warm up.
    """

    models: Models


class Encoding(Settings):
    """The encoder.

    Attributes:
        models: by size of the model, how many windows are encoded.
    """

    models: Models


class Transcription(Settings):
    """Transcription of the demonstration's recordings.

    Attributes:
        model: model directory.
        recordings: table of recordings.
        every: one recording in so many is transcribed.
        batch_size: recordings that are transcribed together.
        padding_frames: computed of the silence behind a recording, where it is sampled.
    """

    model: FilePath
    recordings: FilePath
    every: Count
    batch_size: Count
    padding_frames: Count


class Timestamps(Settings):
    """Times of segments, before and after fine-tuning.

    Attributes:
        models: files of the workflow's results, by a name for the table; the first is the baseline.
        recordings: table of recordings.
        every: one recording in so many is taken.
        in_a_row: how many are joined; for each number there is a line a model.
        page: the page that is made from the table.
    """

    models: Annotated[dict[Name, FilePath], Field(min_length=1)]
    recordings: FilePath
    every: Count
    in_a_row: Annotated[tuple[Count, ...], Field(min_length=1)]
    page: FilePath


class Benchmarks(Settings):
    """The whole file.

    Attributes:
        results: folder of the tables.
        page: the page that is made from them.
        planning, synthesis, fine_tuning, encoding, transcription: how much is measured.
        timestamps: what is measured by a target of its own.
    """

    results: FilePath
    page: FilePath
    planning: Planning
    synthesis: Synthesis
    fine_tuning: FineTuning
    encoding: Encoding
    transcription: Transcription
    timestamps: Timestamps


def models_json(models: Mapping[str, int | str]) -> str:
    """What is said of each model, as the scripts take it, in the order of the file."""
    return json.dumps(models, separators=(",", ":"))
