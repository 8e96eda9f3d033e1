"""The keys of full.yaml and tiny.yaml."""

from collections.abc import Sequence
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
        format: `rohan`, `table`, `lines`, `words`, `pairs` or `everyday`; see sentences.py.
        count: sentences to make, of `everyday`.
        turn: how many of its sentences are spoken before the next source has its turn.
        characters: shortest and longest sentence that is spoken.
    """

    file: FilePath
    format: Literal["rohan", "table", "lines", "words", "pairs", "everyday"]
    count: Count = 10_000
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
        spoken: how many are spoken; there must be so many.
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
        mixes: name of the mixtures that it is a part of; empty for none.
    """

    name: Name
    file: OptionalFilePath = ""
    share: Positive = 1.0
    half_tones: tuple[float, float] = (0.0, 0.0)
    times: bool = True
    mixes: str = ""


class Speech(Settings):
    """How sentences are spoken.

    Attributes:
        voices: who speaks.
        part: sentences in one file of the store, which one job speaks.
        rates: factors by which the recording is played faster; pitch and formants rise with it.
        mixed: share of the sentences that mixtures of voices speak (see mixing.py).
        seed: of voice, pitch and rate.
    """

    voices: Annotated[list[Voice], Field(min_length=1)]
    part: Count = 250
    rates: Annotated[list[Positive], Field(min_length=1)]
    mixed: Share = 0.0
    seed: int = 0

    def choose(self, texts: Sequence[str]) -> Sequence[str]:
        """The sentences that are spoken, of all that are to be: all."""
        return texts

    @model_validator(mode="after")
    def _some_voice_times(self) -> "Speech":
        if not any(voice.times for voice in self.voices):
            raise ValueError("no voice has times: true")
        return self

    @property
    def mixtures(self) -> dict[str, list[Voice]]:
        """The voices of each kind of mixture, by its name."""
        mixtures: dict[str, list[Voice]] = {}
        for voice in self.voices:
            if voice.mixes:
                mixtures.setdefault(voice.mixes, []).append(voice)
        return mixtures

    @model_validator(mode="after")
    def _something_to_mix(self) -> "Speech":
        if self.mixed and not self.mixtures:
            raise ValueError("mixed needs two voices whose mixes is the same name")
        for name, voices in self.mixtures.items():
            if len(voices) < 2:
                raise ValueError(f"mixes: {name} needs two voices")
            lowest, highest = zip(*(voice.half_tones for voice in voices), strict=True)
            if max(lowest) > min(highest):
                raise ValueError(f"the half_tones of voices with mixes: {name} do not overlap")
        return self


class Neural(Settings):
    """How sentences are spoken by Kokoro, whose voices mix (see neural_speaking.py).

    Attributes:
        spoken: how many sentences: the last ones of those to be spoken.
        part: sentences in one file of the store, which one job speaks.
        speeds: lowest and highest rate of speaking, as a factor.
        rates: factors by which the recording is played faster; pitch and formants rise with it.
        seed: of voice, speed and rate.
    """

    spoken: Count
    part: Count = 100
    speeds: tuple[Positive, Positive] = (0.85, 1.15)
    rates: Annotated[list[Positive], Field(min_length=1)]
    seed: int = 1

    def choose(self, texts: Sequence[str]) -> Sequence[str]:
        """The sentences that are spoken, of all that are to be: the last ones."""
        return texts[-self.spoken :]


class Measure(Settings):
    """What the model is measured on.

    Attributes:
        sentences: how many of the held-out ones.
        sources: files whose held-out sentences these are; all where none is named.
        voices: who speaks them: some heard in training, one not.
        seed: of the choice.
    """

    sentences: Count = 120
    sources: tuple[FilePath, ...] = ()
    voices: Annotated[list[Voice], Field(min_length=1)]
    seed: int = 5


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
    """Stage 1, on spoken sentences: alignment codes from sound.

    Attributes:
        batch_frames: frames of 20 ms in a batch, about.
        most: sentences in a window that holds several.
        windows_share: share of the batches with such windows.
    """

    batch_frames: Count = 12_000
    most: Count = 7
    windows_share: Share = 0.1
    learning_rate: Positive = 1e-3


class DecoderStage(Stage):
    """Stage 2, on text: the sentence from simulated encodings.

    Attributes:
        batch_frames: frames of 20 ms in a batch, about.
        most: sentences in a window that holds several.
        windows_from: share of the steps after which such windows come.
        windows_share: how many of the batches hold them from then on.
        noise: greatest standard deviation of the noise in the encodings.
        guidance: weight of the guided attention.
    """

    batch_frames: Count = 12_000
    most: Count = 7
    windows_from: Share = 0.5
    windows_share: Share = 0.15
    noise: float = 0.5
    learning_rate: Positive = 1e-3
    guidance: float = 0.15


class JointStage(Stage):
    """Stage 3, on speech and text: encoder and decoder together.

    Attributes:
        batch_frames, text_frames: frames of 20 ms in a batch, about: of speech, of simulated text.
        most: sentences in a window that holds several.
        windows_share: share of the batches with such windows.
        neural_share: share of the utterances that Kokoro speaks, where there are any.
        noise: greatest standard deviation of the noise in simulated encodings.
        guidance, alignment, text: weights of the losses beside that of the transcript.
    """

    batch_frames: Count = 12_000
    text_frames: Count = 12_000
    most: Count = 7
    windows_share: Share = 0.2
    neural_share: Annotated[float, Field(ge=0, lt=1)] = 0.25
    noise: float = 0.5
    encoder_learning_rate: Positive = 4e-4
    decoder_learning_rate: Positive = 6e-4
    guidance: float = 0.1
    alignment: float = 0.3
    text: float = 0.7


class Build(Settings):
    """The whole file.

    Attributes:
        results: folder of everything that is made.
        sentences, speech: what is trained on.
        neural: speech of Kokoro beside it, in the third stage.
        start: directory of the model that training begins with; empty for random weights.
        encoder, decoder, joint: the three stages.
        encoder_of: whose encoder the model has: of the third stage, or of the model in `start`,
            with which no stage but the second is run.
        decoder_of: the stage whose decoder the model has. The third hears the spoken sentences so
            often that its decoder may know them by heart.
        followed: how far the model follows the training from `start`: 1 has the trained weights,
            0.5 the mean of both, which has learnt less by heart.
        measure: what the model is measured on.
        memory_mb, runtime_minutes: what jobs ask of a cluster.
        training_memory_mb, training_runtime_minutes: what the stages ask for.
        gpu: GPUs that a stage asks a cluster for; on one machine it takes one where there is one.
    """

    results: FilePath
    sentences: Selection
    speech: Speech
    neural: Neural | None = None
    start: OptionalFilePath = ""
    encoder: EncoderStage
    decoder: DecoderStage
    joint: JointStage
    encoder_of: Literal["joint", "start"] = "joint"
    decoder_of: Literal["decoder", "joint"] = "joint"
    followed: Share = 1.0
    measure: Measure
    memory_mb: Count = 4000
    runtime_minutes: Count = 60
    training_memory_mb: Count = 16_000
    training_runtime_minutes: Count = 480
    gpu: Literal[0, 1] = 0

    @model_validator(mode="after")
    def _from_somewhere(self) -> "Build":
        if self.followed < 1 and not self.start:
            raise ValueError("followed below 1 needs start")
        if self.encoder_of == "start" and not (self.start and self.decoder_of == "decoder"):
            raise ValueError("encoder_of: start needs start, and decoder_of: decoder")
        if self.neural and self.neural.spoken > self.sentences.spoken:
            raise ValueError("neural.spoken is more than sentences.spoken, of which it is a part")
        return self
