"""The configuration of the synthesis: engine, voices, number of utterances."""

import math
from typing import Literal

from pydantic import Field

from whisper_terms.config import defaults
from whisper_terms.config.base import FilePath, Name, OptionalFilePath, Settings

# A shard is one job: large enough to outweigh its start, small enough to redo for one changed term.
PER_SHARD = 64
FEWEST_SHARDS, MOST_SHARDS = 4, 4096


class VoiceSettings(Settings):
    """One voice of the synthesis."""

    name: Name = Field(description="Name of the voice, as it appears in the manifest.")
    file: OptionalFilePath = Field(
        "",
        description="Path of an .htsvoice file, empty for the embedded voice; "
        "with Coqui the speaker's name, empty for the model's only one.",
    )
    half_tone: float = Field(
        0.0, ge=-24, le=24, description="Pitch shift in semitones; Open JTalk only."
    )
    speed: float = Field(
        1.0,
        ge=0.5,
        le=2,
        description="Speaking rate as a factor; 2 is twice as fast. Not with Tacotron models.",
    )
    vocal_tract: float = Field(
        1.0,
        ge=0.7,
        le=1.4,
        description="Stretch of the spectrum as a factor; below 1 the speaker sounds larger; "
        "Open JTalk only.",
    )


class CoquiSettings(Settings):
    """The Coqui TTS engine; read only where `engine` is `coqui`."""

    model: str = Field(
        "tts_models/ja/kokoro/tacotron2-DDC",
        description="Name of the acoustic model in Coqui's list; ignored where model_file is set.",
    )
    model_file: OptionalFilePath = Field("", description="Path of a local acoustic model.")
    config_file: OptionalFilePath = Field("", description="Path of that model's config.json.")
    vocoder: str = Field(
        "", description="Name of the vocoder in Coqui's list; empty for the model's own."
    )
    vocoder_file: OptionalFilePath = Field("", description="Path of a local vocoder.")
    vocoder_config: OptionalFilePath = Field("", description="Path of that vocoder's config.json.")
    python: FilePath = Field(
        "python", description="Python interpreter that has coqui-tts (made by `make coqui`)."
    )


class SpeechSettings(Settings):
    """How the terms are spoken."""

    engine: Literal["openjtalk", "coqui"] = Field(
        "openjtalk",
        description="Speech synthesis: openjtalk (built in) or coqui (see `coqui`), which needs "
        "`voices` of its own.",
    )
    shards: int | None = Field(
        None,
        ge=1,
        le=MOST_SHARDS,
        examples=[16],
        description="Number of parts that the terms are spread over, and so the replay sentences; "
        "each part is one job, and changing a term redoes its part only. Changing this number "
        "redoes all parts. With null it is a power of two near a 64th of the number of terms, or "
        "of sentences, from 4 to 4096.",
    )
    loudness: float = Field(
        -23.0, ge=-60, le=-6, description="Loudness of every utterance: RMS level in dBFS."
    )
    voices: tuple[VoiceSettings, ...] = Field(
        defaults.VOICES, min_length=1, description="The voices that speak every term."
    )
    isolated_per_term: int = Field(
        4, ge=0, description="Utterances of the lone term, for each term."
    )
    carriers_per_term: int = Field(
        40,
        ge=0,
        description="Utterances of the term inside a carrier sentence, for each term. With "
        "thousands of terms fewer will do, and save hours.",
    )
    contrast_per_rival: int = Field(
        12,
        ge=0,
        description="Sentences for each everyday word that sounds like a term (動機 beside 動悸), "
        "so that it stays known where it is the right one: those of `replay` that it stands in, "
        "up to this number or `carriers_per_term`, whichever is more; then carrier sentences up "
        "to this number, for terms whose class has some of its own. With 0 there are none.",
    )
    replay_sentences: int | None = Field(
        None,
        ge=0,
        examples=[100],
        description="Number of sentences spoken from the replay list; null for all.",
    )
    coqui: CoquiSettings = Field(
        CoquiSettings(), description="Coqui TTS; read only where engine is coqui."
    )

    def shards_for(self, number: int) -> int:
        """Number of shards for so many terms or sentences: `shards`, or a power of two near a 64th.

        A power of two changes only when the number doubles, and a change redoes all shards.
        """
        if self.shards is not None:
            return self.shards
        full = math.ceil(number / PER_SHARD)
        return min(max(1 << max(full - 1, 0).bit_length(), FEWEST_SHARDS), MOST_SHARDS)
