"""The keys of full.yaml and tiny.yaml."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from whisper_terms.config.base import FilePath, Name, OptionalFilePath, Settings

Count = Annotated[int, Field(ge=1)]
Share = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0)]


class Source(Settings):
    """A file of sentences.

    Attributes:
        file: its path.
        format: `rohan`, `table` or `lines`; see sentences.py.
        turn: how many of its sentences are spoken before the next source has its turn.
        characters: shortest and longest sentence that is spoken.
    """

    file: FilePath
    format: Literal["rohan", "table", "lines"]
    turn: Count = 1
    characters: tuple[int, int] = (1, 1000)


class Without(Settings):
    """What must never be trained on: the terms and the test recordings of the demonstration."""

    dictionaries: tuple[FilePath, ...] = ()
    recordings: tuple[FilePath, ...] = ()


class Selection(Settings):
    """Which sentences are used.

    Attributes:
        sources: where they come from.
        without: what they must not hold.
        hold_out: one sentence in so many, chosen by its hash, is kept out of all training.
        spoken: how many are spoken, at most.
        seed: of the order.
    """

    sources: Annotated[list[Source], Field(min_length=1)]
    without: Without = Without()
    hold_out: Count = 50
    spoken: Count
    seed: int = 7


class Voice(Settings):
    """An HTS voice.

    Attributes:
        name: its name in the store.
        file: an .htsvoice path; empty for the one in pyopenjtalk's wheel.
        share: how often it speaks, against the other voices' shares.
        half_tones: lowest and highest pitch shift in semitones.
        times: whether its durations time the sentences that are not spoken.
    """

    name: Name
    file: OptionalFilePath = ""
    share: Positive = 1.0
    half_tones: tuple[float, float] = (0.0, 0.0)
    times: bool = True


class Speech(Settings):
    """How sentences are spoken.

    Attributes:
        voices: who speaks.
        part: sentences in one file of the store, which one job speaks.
        rates: factors by which the recording is played faster; pitch and formants rise with it.
        seed: of voice, pitch and rate.
    """

    voices: Annotated[list[Voice], Field(min_length=1)]
    part: Count = 250
    rates: Annotated[list[Positive], Field(min_length=1)]
    seed: int = 0

    @model_validator(mode="after")
    def _some_voice_times(self) -> "Speech":
        if not any(voice.times for voice in self.voices):
            raise ValueError("no voice has times: true")
        return self


class Stage(Settings):
    """A training: how long, and the course of its learning rate (see training.py).

    Attributes:
        steps: weight updates.
        warmup_steps: in which the rate rises from zero.
        hold: share of the steps after which it falls from its peak, by a cosine.
        floor: what the cosine falls to, as a share of the peak.
        checkpoint_steps: steps between two checkpoints.
        seed: of everything random.
    """

    steps: Count
    warmup_steps: Count
    hold: Share
    floor: Share
    checkpoint_steps: Count = 500
    seed: int


class EncoderStage(Stage):
    """Stage 1, on spoken sentences: alignment codes from sound."""

    batch_size: Count = 16
    learning_rate: Positive = 1e-3
    longest: Positive = 8.0  # seconds of a sentence


class DecoderStage(Stage):
    """Stage 2, on text: the sentence from simulated encodings.

    Attributes:
        batch_size: single sentences in a step; half of it where they are long.
        window_batch_size: windows of several sentences in a step.
        windows_from: share of the steps after which such windows come.
        windows_share: how many of the steps hold them from then on.
        guidance: weight of the guided attention.
    """

    batch_size: Count = 32
    window_batch_size: Count = 4
    windows_from: Share = 0.72
    windows_share: Share = 0.6
    learning_rate: Positive = 1e-3
    guidance: float = 0.15


class JointStage(Stage):
    """Stage 3, on speech and text: encoder and decoder together.

    Attributes:
        batch_size: short windows in a step.
        window_batch_size: windows of 30 s in a step.
        text_batch_size: simulated windows of one sentence in a step.
        text_window_batch_size: simulated windows of several sentences in a step.
        guidance, phones, positions, text: weights of the losses beside that of the transcript.
        longest: seconds of a sentence.
    """

    batch_size: Count = 12
    window_batch_size: Count = 3
    text_batch_size: Count = 20
    text_window_batch_size: Count = 4
    encoder_learning_rate: Positive = 2e-4
    decoder_learning_rate: Positive = 4e-4
    guidance: float = 0.15
    phones: float = 0.3
    positions: float = 0.1
    text: float = 1.0
    longest: Positive = 9.0


class Build(Settings):
    """The whole file.

    Attributes:
        results: folder of everything that is made.
        sentences, speech: what is trained on.
        encoder, decoder, joint: the three stages.
        memory_mb, runtime_minutes: what jobs ask of a cluster.
        training_memory_mb, training_runtime_minutes: what the stages ask for.
    """

    results: FilePath
    sentences: Selection
    speech: Speech
    encoder: EncoderStage
    decoder: DecoderStage
    joint: JointStage
    memory_mb: Count = 4000
    runtime_minutes: Count = 60
    training_memory_mb: Count = 16_000
    training_runtime_minutes: Count = 480
