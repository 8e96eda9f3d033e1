"""The configuration's models: every key, its type, default, limits and description.

Recipes are in `recipe`, the speech in `speech`.
"""

import os
import re
from pathlib import Path
from typing import ClassVar, Literal

from pydantic import Field, ValidationInfo, field_validator

from whisper_terms.config import defaults
from whisper_terms.config.base import (
    FilePath,
    Language,
    Name,
    OptionalName,
    Precision,
    Seconds,
    Settings,
    Share,
    invalid,
)
from whisper_terms.config.files import missing_files
from whisper_terms.config.recipe import Recipe
from whisper_terms.config.speech import SpeechSettings, VoiceSettings
from whisper_terms.errors import Fault


class DevelopmentSettings(Settings):
    """What is held out from training, to choose and to watch by."""

    fraction: float = Field(
        0.1, gt=0, lt=1, description="Share of the sentences that is held out (a fraction)."
    )
    voices: tuple[Name, ...] = Field(
        ("mei-fast",),
        description="Names of voices that are held out; at least one must remain. With [] the "
        "training voices speak the held-out sentences too, as a single voice must; without carrier "
        "sentences nothing is held out then.",
    )


class WindowSettings(Settings):
    """How utterances are packed into the windows that Whisper hears."""

    seconds: float = Field(
        30.0, gt=0, le=30, description="Longest window in seconds; Whisper hears 30."
    )
    gap: tuple[Seconds, Seconds] = Field(
        (0.2, 0.8), description="Shortest and longest silence between two utterances, in seconds."
    )
    max_tokens: int = Field(
        440, ge=16, le=448, description="Most tokens in a window's label; Whisper's limit is 448."
    )

    @field_validator("gap")
    @classmethod
    def _check_gap(cls, gap: tuple[float, float], info: ValidationInfo) -> tuple[float, float]:
        if gap[0] > gap[1]:
            raise invalid("holds the longest silence first", f"write [{gap[1]:g}, {gap[0]:g}]")
        if gap[1] >= info.data.get("seconds", 30):
            raise invalid("is longer than a window", "choose gaps shorter than windows.seconds")
        return gap

    sparse: Share = Field(
        0.0,
        description="Share of the packed windows that hold one to three utterances, and no more "
        "(a fraction): a model that has heard full windows alone ends too soon where a recording "
        "holds one sentence.",
    )
    noise: Share = Field(
        0.0,
        description="Share of the packed training windows with noise in them, 5 to 25 dB below the "
        "speech (a fraction).",
    )
    reverberation: Share = Field(
        0.0,
        description="Share of the packed training windows that are heard in a reverberant room (a "
        "fraction).",
    )
    telephone: Share = Field(
        0.0,
        description="Share of the packed training windows that are heard over a telephone line (a "
        "fraction).",
    )

    @field_validator("telephone")
    @classmethod
    def _check_rooms(cls, telephone: float, info: ValidationInfo) -> float:
        shares = [info.data.get(name, 0) for name in ("noise", "reverberation")]
        if sum(shares) + telephone > 1:
            raise invalid(
                "makes more than 1 with noise and reverberation",
                "lower one: a window is heard in one way",
            )
        return telephone

    def rooms(self) -> dict[str, float]:
        """The share of each kind of room."""
        return {name: getattr(self, name) for name in ("noise", "reverberation", "telephone")}


class EvaluationSettings(Settings):
    """How the systems are compared."""

    batch_size: int = Field(
        8,
        ge=1,
        description="Recordings that are transcribed together: faster with more, as far as memory "
        "allows.",
    )
    beam_size: int = Field(
        5,
        ge=1,
        le=20,
        description="Beams of the search for the likeliest text, as the whisper command and "
        "faster-whisper search with 5; 1 takes the likeliest token each time (greedy), as "
        "whisper.transcribe does in Python.",
    )
    padding_frames: int | None = Field(
        None,
        ge=1,
        le=1500,
        description="Frames that are computed of the silence with which a recording is filled up "
        "to 30 s, of 50 a second; they stand for the others. With null all are computed, as "
        "openai-whisper does it. A number such as 192 saves most of the time that short recordings "
        "take, and is an approximation: a few transcripts may differ (`make bench` lists those of "
        "its recordings).",
    )
    heard_per_term: int = Field(
        8,
        ge=2,
        description="Utterances of each term that the base model listens to, to find the "
        "mishearings that base-corrected corrects, and the terms of recipes with terms: misheard. "
        "Each costs as much as a test recording: with thousands of terms take 2, or leave such "
        "systems out of `systems`.",
    )
    bootstrap: int = Field(
        1000, ge=1, description="Number of bootstrap resamples behind each 95 % interval."
    )
    seed: int = Field(0, ge=0, lt=2**32, description="Seed of the bootstrap.")


class ExportSettings(Settings):
    """What fine-tuned models are converted to, beside the .pt file of openai-whisper."""

    formats: tuple[Literal["ctranslate2", "ggml", "onnx"], ...] = Field(
        ("ctranslate2", "ggml"),
        description="Other formats: ctranslate2, for faster-whisper and WhisperX, ggml, for "
        "whisper.cpp, and onnx, for sherpa-onnx. Of each recipe in `systems`, as "
        "results/{model}/{recipe}/ctranslate2, ggml-model.bin and onnx.",
    )
    precision: Precision = Field(
        "float16",
        description="Precision of the weights in those files. ggml and onnx have two: eight bits "
        "(q8_0 in ggml) are taken for int8 and int8_float16, 16 for the others.",
    )


class ResourceSettings(Settings):
    """What jobs ask of a cluster; ignored on one machine, except gpu with --resources."""

    gpu: int = Field(
        1,
        ge=0,
        description="Number of GPUs for each training job, which then has as many processes; on "
        "one machine also say `--resources gpu=2`. Other jobs with a model take one at most. With "
        "`device: cpu` none is asked for, and these are processes on the CPU.",
    )
    memory_mb: int = Field(4000, ge=1, description="Memory of other jobs in MB.")
    runtime_minutes: int = Field(
        60,
        ge=1,
        description="Time limit of other jobs in minutes, fetching and exporting a model included.",
    )
    training_memory_mb: int = Field(
        16000, ge=1, description="Memory of jobs that load a model in MB."
    )
    training_runtime_minutes: int = Field(
        480, ge=1, description="Time limit of jobs that run a model in minutes."
    )


class Config(Settings):
    """The whole configuration."""

    # Names that stand beside recipes and models in the results folder.
    RESERVED_RECIPES: ClassVar = frozenset(
        {
            *defaults.UNTRAINED,
            "corrections.tsv",
            "misheard.tsv",
            "manifest.tsv",
            "windows",
            "encodings",
            "replay_labels",
            "eval.tsv",
            "terms_eval.tsv",
            "homophones_eval.tsv",
            "flips.tsv",
            "report.html",
            "logs",
            "benchmarks",
        }
    )
    RESERVED_MODELS: ClassVar = frozenset(
        {
            "terms",
            "speech",
            "windows",
            "logs",
            "benchmarks",
            "terms.tsv",
            "homophones.tsv",
            "recordings.tsv",
            "manifest.tsv",
        }
    )

    dictionaries: tuple[FilePath, ...] = Field(
        ("dictionaries/demo.csv",), min_length=1, description="Term lists to teach (paths)."
    )
    recordings: tuple[FilePath, ...] = Field(
        ("recordings/demo.tsv", "recordings/homophones.tsv"),
        min_length=1,
        description="Lists of test recordings with their transcripts (paths); never trained on.",
    )
    carriers: FilePath = Field(
        "dictionaries/carriers.tsv", description="Carrier sentences with a slot for a term (path)."
    )
    sentences: tuple[FilePath, ...] = Field(
        ("dictionaries/sentences.txt",),
        description="Sentences with your terms, one a line, such as lines of manuals (paths). Each "
        "is spoken for the term that stands in it, in the place of a carrier sentence, however "
        "many there are; those without a term, or with several, are passed over.",
    )
    replay: FilePath = Field(
        "dictionaries/replay.txt",
        description="Term-free sentences against forgetting (path); those that hold a term are "
        "left out.",
    )
    replay_recordings: tuple[FilePath, ...] = Field(
        (),
        description="Lists of recordings of your own against forgetting, beside those sentences "
        "(paths). They hold no term and are none of the test recordings; without a transcript "
        "they serve recipes with replay_labels: base.",
    )
    results: FilePath = Field("results", description="Folder of everything that is made (path).")
    models: dict[Name, FilePath] = Field(
        defaults.MODELS,
        min_length=1,
        description="Base models: a name for paths, and a Hugging Face hub id or a directory.",
    )
    model: Name = Field("nano", description="The base model that is fine-tuned: a name in models.")
    language: Language = Field(
        "ja",
        description="Whisper's code of the spoken language; readings and Open JTalk are Japanese.",
    )
    speech: SpeechSettings = Field(SpeechSettings(), description="How the terms are spoken.")
    development: DevelopmentSettings = Field(
        DevelopmentSettings(), description="What is held out from training, to choose by."
    )
    windows: WindowSettings = Field(
        WindowSettings(), description="How utterances are packed into windows."
    )
    recipes: dict[Name, Recipe] = Field(
        defaults.RECIPES,
        description="Ways to fine-tune. A key that is left out takes the default, that is, "
        "the value it has in the recipe `default` as shipped.",
    )
    systems: tuple[Name, ...] = Field(
        defaults.SYSTEMS,
        min_length=1,
        description="Rows of the results, in order: base, base-prompt (terms in the prompt), "
        "base-corrected (mishearings of the terms corrected by a table, without training), and "
        "names of recipes. The first must be base.",
    )
    comparison: OptionalName = Field(
        "",
        description="Folder in results/{model} for the tables and the report of these systems, so "
        "that several lists of systems can be kept; empty for results/{model} itself.",
    )
    evaluation: EvaluationSettings = Field(
        EvaluationSettings(), description="How the systems are compared."
    )
    export: ExportSettings = Field(
        ExportSettings(), description="What fine-tuned models are converted to."
    )
    device: Literal["auto", "cpu", "cuda"] = Field(
        "auto", description="Where models run: auto (a GPU where there is one), cpu or cuda."
    )
    resources: ResourceSettings = Field(
        ResourceSettings(), description="What jobs ask of a cluster."
    )

    @field_validator("dictionaries", "recordings", "sentences", "replay_recordings", mode="before")
    @classmethod
    def _accept_one_path(cls, value: object) -> object:
        # So that `snakemake --config dictionaries=my.csv` works.
        return (value,) if isinstance(value, str) else value

    @field_validator("results")
    @classmethod
    def _check_results(cls, path: str) -> str:
        # It stands in every command.
        if not re.fullmatch(r"[\w./+@][\w./+@=-]*", path):
            cure = "use letters, digits and . / _ - + @ = only, such as results"
            raise invalid("has a space or a character that a shell would read", cure)
        # As Snakemake takes a target: ./results/eval.tsv is results/eval.tsv.
        return os.path.normpath(path)

    @field_validator("models")
    @classmethod
    def _expand_home(cls, models: dict[str, str]) -> dict[str, str]:
        # Here once for all who look there: the plan, the check of files, and who loads the model.
        return {name: os.path.expanduser(spec) for name, spec in models.items()}

    def training_voices(self) -> tuple[VoiceSettings, ...]:
        """The voices that are not held out, in the order of `speech.voices`."""
        held_out = self.development.voices
        return tuple(voice for voice in self.speech.voices if voice.name not in held_out)

    def development_voices(self) -> tuple[VoiceSettings, ...]:
        """The voices that are held out; the training voices where none is."""
        held_out = self.development.voices
        chosen = tuple(voice for voice in self.speech.voices if voice.name in held_out)
        return chosen or self.training_voices()

    @property
    def first_voice(self) -> str:
        """Name of the first training voice: the only one of recipes with `voices: first`."""
        return self.training_voices()[0].name

    def check_files(self, root: str | Path = ".") -> list[Fault]:
        """The files and folders under `root` that the configuration names and that are missing."""
        return missing_files(self, Path(root))
