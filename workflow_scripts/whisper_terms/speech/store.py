"""The store of utterances: a wav's name is a digest of everything that shapes its sound.

So an utterance is spoken once, whatever dictionary, shard or run asks for it, and an edit of one
term leaves all other wavs as they are.
"""

from dataclasses import asdict
from pathlib import Path

from whisper_terms.sharding import digest, file_sha256
from whisper_terms.speech.engine import Engine, SpokenText, Voice
from whisper_terms.speech.sound import finish, is_written, write_recording

# Raised when `finish` makes other samples from the same speech; but not for those of one sample in
# ten thousand that double precision rounds otherwise: hours of speech would be made again.
_PROCESSING = 1


class SpeechStore:
    """Utterances on disk, made when they are asked for.

    Attributes:
        made: how many were spoken by this object.
        found: how many were there already.
    """

    def __init__(self, directory: str | Path, engine: Engine, loudness: float):
        """Open a store.

        Args:
            directory: where the wavs lie; made when needed.
            engine: who speaks what is missing.
            loudness: RMS level in dBFS.
        """
        self.directory = Path(directory)
        self.engine = engine
        self.loudness = loudness
        self.made = self.found = 0

    def path(self, spoken: SpokenText, voice: Voice) -> Path:
        """Where an utterance lies, spoken already or not."""
        key = digest(
            {
                "spoken": asdict(spoken),
                "voice": voice.settings() | {"file": self.engine.voice_digest(voice)},
                "engine": [self.engine.name, self.engine.version],
                "loudness": self.loudness,
                "processing": _PROCESSING,
            },
            length=32,
        )
        # Two levels: no folder of a million files.
        return self.directory / key[:2] / f"{key}.wav"

    def utterance(self, spoken: SpokenText, voice: Voice) -> Path:
        """The utterance's wav (16 kHz, mono, 16 bit), spoken now unless it is there.

        Raises:
            UserError: the text or the voice can't be spoken.
        """
        path = self.path(spoken, voice)
        if is_written(path):
            self.found += 1
            return path
        write_recording(path, finish(*self.engine.speak(spoken, voice), self.loudness))
        self.made += 1
        return path


def file_digest(path: str | Path) -> str:
    """The SHA-256 of a file, shortened."""
    return file_sha256(path)[:16]
