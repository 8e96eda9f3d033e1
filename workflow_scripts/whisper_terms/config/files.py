"""The files that a configuration names and that are not there."""

import os
from collections.abc import Iterator
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

from whisper_terms.errors import Fault

if TYPE_CHECKING:
    from whisper_terms.config.models import Config


def missing_files(config: "Config", root: Path) -> list[Fault]:
    """One fault for each file or model directory that is missing under `root`."""
    faults = [
        Fault("no such file", f"check {key} in the configuration", path)
        for key, path in _named_files(config)
        if path and not os.path.isfile(root / path)
    ]
    spec = config.models[config.model]
    if _is_local(spec, root) and not os.path.isdir(root / spec):
        cure = f"check models: {config.model} in the configuration, or choose another model"
        faults.append(Fault("no such model directory", cure, spec))
    return faults


def sound_files(config: "Config") -> list[str]:
    """The files of the engine's voices or models, as the configuration names them, each once."""
    return sorted({path for _, path in _sound_files(config) if path})


def _named_files(config: "Config") -> Iterator[tuple[str, str]]:
    """Key and path of every file that the configuration names; the path is empty if none is."""
    yield from (("dictionaries", path) for path in config.dictionaries)
    yield from (("recordings", path) for path in config.recordings)
    yield from (("replay_recordings", path) for path in config.replay_recordings)
    yield "carriers", config.carriers
    yield from (("sentences", path) for path in config.sentences)
    yield "replay", config.replay
    yield from _sound_files(config)
    python = config.speech.coqui.python
    # Without a folder it is a command, looked for in PATH.
    if config.speech.engine == "coqui" and PurePath(python).name != python:
        yield "speech.coqui.python", python


def _sound_files(config: "Config") -> Iterator[tuple[str, str]]:
    speech = config.speech
    if speech.engine == "openjtalk":
        yield from ((f"voice {voice.name}: file", voice.file) for voice in speech.voices)
    else:
        for key in ("model_file", "config_file", "vocoder_file", "vocoder_config"):
            yield f"speech.coqui.{key}", getattr(speech.coqui, key)


def _is_local(spec: str, root: Path) -> bool:
    """Whether a model is meant as a directory; `owner/name` is one where `owner` is a folder.

    `models` is always one: the bundled model lies there.
    """
    first, *others = Path(spec).parts
    return len(others) != 1 or first in (".", "..", "models") or (root / first).is_dir()
