"""Coqui TTS as an engine: a neural voice (Tacotron2 and its like) behind the common interface.

The model is named (it is then downloaded once) or lies in files; without a vocoder the
spectrogram is turned into sound by Griffin-Lim. `TTS` needs an environment of its own
(`envs/speech-coqui.yaml`), so it is imported only when the first utterance is spoken.
"""

import hashlib
import importlib.metadata
import importlib.util
import logging
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from difflib import get_close_matches
from functools import cached_property
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np

from whisper_terms.config.speech import CoquiSettings
from whisper_terms.errors import Fault, UserError
from whisper_terms.sharding import digest, file_sha256
from whisper_terms.speech.engine import SpokenText, Voice

INSTALL_CURE = (
    "run `make coqui` and name the Python it made in speech.coqui.python, or let Snakemake build"
    " envs/speech-coqui.yaml (--sdm conda), or set speech.engine to openjtalk"
)
# A pronunciation in the text is fenced by these two, which no text holds (private use area).
FENCE_OPEN, FENCE_CLOSE = "\ue000", "\ue001"
FENCED = re.compile(f"{FENCE_OPEN}(.*?){FENCE_CLOSE}")
# Tacotron sometimes misses the end and babbles on; another seed usually finds it.
ATTEMPTS = 3
# Slower than any voice speaks: whoever needs longer did not stop at the end.
SECONDS_PER_SYMBOL, SECONDS_AROUND = 0.5, 2.0
SHORTEST_SECONDS = 0.02


class CoquiEngine:
    """Speaks with a Coqui model of one language; half tone and vocal tract are left to others.

    `Voice.file` is the speaker of a model with several, else empty. `Voice.speed` reaches the
    models that have a length scale (VITS, GlowTTS, FastPitch); Tacotron has none. The same text
    gives the same sound: the random numbers (Tacotron's prenet drops out at inference,
    Griffin-Lim starts from random phases) are seeded by it. A file in the settings goes before
    a name; without a vocoder the named model's own is taken, or Griffin-Lim for a model's file.

    Raises:
        UserError: TTS is not installed, or a file of the settings is missing.
    """

    name = "coqui"

    def __init__(self, settings: CoquiSettings):
        faults = check_files(settings)
        if importlib.util.find_spec("TTS") is None:
            faults.append(Fault("Coqui TTS is not installed in this Python", INSTALL_CURE))
        if faults:
            raise UserError(faults)
        self.settings = settings

    @cached_property
    def version(self) -> str:
        """The library's version and a digest of the model's name or of its files' content."""
        own = self.settings
        parts = [own.model_file or own.model, own.vocoder_file or own.vocoder]
        parts += [own.config_file, own.vocoder_config]
        # A file counts by its content: moving it changes nothing, retraining does.
        contents = [file_sha256(part) if Path(part).is_file() else part for part in parts]
        return f"{importlib.metadata.version('coqui-tts')}-{digest(contents)}"

    def speak(self, spoken: SpokenText, voice: Voice) -> tuple[np.ndarray, int]:
        """Speak a text; see `Engine.speak`.

        Raises:
            UserError: the model can't be loaded, the voice is no speaker of it, nothing in the
                text can be pronounced, or the sound is empty, not finite or never ends.
        """
        synthesizer = self._synthesizer
        speaker = choose_speaker(synthesizer.tts_model, voice)
        if hasattr(synthesizer.tts_model, "length_scale"):
            scale = getattr(synthesizer.tts_model.args, "length_scale", 1.0)
            synthesizer.tts_model.length_scale = scale / voice.speed
        fenced = isinstance(synthesizer.tts_model.tokenizer.phonemizer, TermPhonemizer)
        text = replace_surfaces(spoken, fence=fenced)
        with _quiet():
            symbols = _count_symbols(synthesizer.tts_model.tokenizer, text)
        if symbols == 0:
            cure = "give the term a reading in katakana, and use a Japanese model"
            problem = "the Coqui model has no symbol for anything in this text"
            raise UserError(Fault(problem, cure, value=spoken.text))
        rate = int(synthesizer.output_sample_rate)
        longest = SECONDS_AROUND + SECONDS_PER_SYMBOL * symbols
        for attempt in range(ATTEMPTS):
            wave = _synthesize(synthesizer, text, speaker, attempt)
            _check_sound(wave, rate, spoken.text)
            if len(wave) <= longest * rate:
                return wave / max(1.0, float(np.abs(wave).max())), rate
        cure = "shorten the text, take another model, or set speech.engine to openjtalk"
        problem = f"the Coqui model did not stop within {longest:.0f} s, {ATTEMPTS} times"
        raise UserError(Fault(problem, cure, value=spoken.text))

    def voice_digest(self, voice: Voice) -> str:
        """The speaker's name: the speaker itself lies in the model, which the version covers."""
        return voice.file

    @cached_property
    def _synthesizer(self) -> Any:
        return load_synthesizer(self.settings)


class TermPhonemizer:
    """The library's Japanese phonemizer, except that fenced kana are taken as they stand.

    Left alone it looks kana up in a dictionary again: コウシ (子牛) would be said コーシ.
    """

    def __init__(self, phonemizer: Any):
        self._phonemizer = phonemizer

    def phonemize(self, text: str, separator: str = "|", language: str | None = None) -> str:
        """Phonemes of a text whose fenced parts are katakana, joined by `separator`."""
        from TTS.tts.utils.text.japanese.phonemizer import hira2kata, kata2phoneme

        phonemes = ""
        # Splitting by one group puts the fenced parts at the odd places.
        for place, part in enumerate(FENCED.split(text)):
            if place % 2:
                phonemes += kata2phoneme(hira2kata(part)).replace(" ", "")
            elif part:
                phonemes += self._phonemizer.phonemize(part, separator="", language=language)
        return separator.join(phonemes)


def replace_surfaces(spoken: SpokenText, fence: bool = False) -> str:
    """The text with each surface replaced by its pronunciation (or else its reading).

    Where two surfaces begin at one place, the longer wins. `fence` marks what was put in.
    """
    sounds: dict[str, str] = {}
    for term in spoken.replacements:
        # Dots and spaces only separate the parts of a reading; they would be heard as pauses.
        sound = re.sub(r"[・\s]", "", term.pronunciation or term.reading)
        if term.surface and sound:
            sounds[term.surface] = f"{FENCE_OPEN}{sound}{FENCE_CLOSE}" if fence else sound
    if not sounds:
        return spoken.text
    pattern = "|".join(re.escape(surface) for surface in sorted(sounds, key=len, reverse=True))
    return re.sub(pattern, lambda match: sounds[match[0]], spoken.text)


def check_files(settings: CoquiSettings) -> list[Fault]:
    """What is wrong with the settings, as far as the disk can tell."""
    faults = []
    for pair in (("model_file", "config_file"), ("vocoder_file", "vocoder_config")):
        given = [key for key in pair if getattr(settings, key)]
        for key in pair:
            path = getattr(settings, key)
            if path and not Path(path).is_file():
                faults.append(Fault("no such file", f"correct speech.coqui.{key}", path))
            elif given and not path:
                cure = f"set speech.coqui.{key}, or empty {given[0]}"
                faults.append(Fault(f"speech.coqui.{given[0]} is given without {key}", cure))
    if not settings.model and not settings.model_file:
        faults.append(Fault("speech.coqui names no model", "set its key model or model_file"))
    return faults


def choose_speaker(tts_model: Any, voice: Voice) -> str | None:
    """The speaker that `voice.file` names, None for the only one; raises UserError if unknown."""
    manager = getattr(tts_model, "speaker_manager", None)
    names = [str(name) for name in manager.speaker_names] if manager is not None else []
    if len(names) <= 1 and not voice.file:
        return None
    if voice.file in names:
        return voice.file
    problem = f"voice {voice.name!r} asks for a speaker that the Coqui model lacks"
    cure = "leave the voice's file empty: this model has one speaker"
    if len(names) > 1:
        near = get_close_matches(voice.file, names, n=5, cutoff=0.4) or sorted(names)[:5]
        cure = f"set the voice's file to a speaker, for example {', '.join(near)}"
    raise UserError(Fault(problem, cure, value=voice.file))


def load_synthesizer(settings: CoquiSettings) -> Any:
    """The library's Synthesizer on the CPU (the shards are the parallelism).

    Raises:
        UserError: TTS can't be imported, a model can't be fetched or doesn't load.
    """
    try:
        with _quiet():
            from TTS.utils.manage import ModelManager
            from TTS.utils.synthesizer import Synthesizer
    except ImportError as error:
        raise UserError(Fault(f"Coqui TTS can't be imported: {error}", INSTALL_CURE)) from error
    files = {"tts_checkpoint": settings.model_file, "tts_config_path": settings.config_file}
    vocoder, manager = settings.vocoder, ModelManager(progress_bar=True)
    if not settings.model_file:
        files["tts_checkpoint"], files["tts_config_path"], item = _fetch(manager, settings.model)
        vocoder = vocoder or item.get("default_vocoder")
    if settings.vocoder_file:
        files["vocoder_checkpoint"] = settings.vocoder_file
        files["vocoder_config"] = settings.vocoder_config
    elif vocoder:
        files["vocoder_checkpoint"], files["vocoder_config"], _ = _fetch(manager, vocoder)
    try:
        with _quiet():
            synthesizer = Synthesizer(**files)
    # The files are the user's: whatever they make the library stumble over is theirs to mend.
    except Exception as error:
        cure = "check that the config belongs to the checkpoint, for the model and the vocoder"
        problem = f"the Coqui model doesn't load: {_first_line(error)}"
        raise UserError(Fault(problem, cure, files["tts_checkpoint"])) from error
    tokenizer = synthesizer.tts_model.tokenizer
    if tokenizer.phonemizer and tokenizer.phonemizer.name() == "ja_jp_phonemizer":
        tokenizer.phonemizer = TermPhonemizer(tokenizer.phonemizer)
    return synthesizer


def _fetch(manager: Any, name: str) -> tuple[Path, Path | None, dict[str, Any]]:
    """Checkpoint, config and catalogue item of a model by name, downloaded at the first use."""
    # Comes with the hub client that TTS needs: shards that start together download once.
    from filelock import FileLock

    # The multilingual ones want a language and ask, on a terminal, for consent to their licence.
    names = [known for known in manager.list_models() if "/multilingual/" not in known]
    if name not in names:
        near = get_close_matches(name, names, n=3, cutoff=0)
        cure = f"take one of its names, for example {', '.join(near)}"
        raise UserError(Fault("Coqui TTS lists no one-language model so named", cure, value=name))
    folder = manager.output_prefix / name.replace("/", "--")
    folder.parent.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(f"{folder}.lock"), _quiet():
            return manager.download_model(name)
    # Network, disk and half-finished downloads fail in a dozen ways; the cure is the same.
    except Exception as error:
        cure = (
            "run once with a network, or name files fetched elsewhere in speech.coqui (model_file,"
            f" config_file, ...); delete {folder} if a download broke off there"
        )
        problem = f"the Coqui model can't be downloaded: {_first_line(error)}"
        raise UserError(Fault(problem, cure, value=name)) from error


def _synthesize(synthesizer: Any, text: str, speaker: str | None, attempt: int) -> np.ndarray:
    """One try: float32, shape (samples,), without the silence that the library appends."""
    import torch
    from TTS.utils.synthesizer import PAD_SILENCE_SAMPLES

    seed = int.from_bytes(hashlib.sha256(f"{attempt}\n{text}".encode()).digest()[:4], "big")
    torch.manual_seed(seed)
    np.random.seed(seed)
    with _quiet():
        wave = synthesizer.tts(text, speaker_name=speaker, split_sentences=False)
    return np.asarray(wave[:-PAD_SILENCE_SAMPLES], dtype=np.float32)


def _check_sound(wave: np.ndarray, rate: int, text: str) -> None:
    # Griffin-Lim answers a spectrogram that is not finite with a single zero.
    empty = len(wave) < SHORTEST_SECONDS * rate or not wave.any()
    if empty or not np.isfinite(wave).all():
        problem = (
            f"the Coqui model gave {'an empty sound' if empty else 'a sound that is not finite'}"
        )
        cure = "try the model and its vocoder on another text, or set speech.engine to openjtalk"
        raise UserError(Fault(problem, cure, value=text))


def _count_symbols(tokenizer: Any, text: str) -> int:
    """How many symbols the model reads, markers of start, end and blanks left out."""
    own = tokenizer.characters
    markers = {own.char_to_id(mark) for mark in (own.pad, own.bos, own.eos, own.blank) if mark}
    return sum(symbol not in markers for symbol in tokenizer.text_to_ids(text))


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the library from printing, logging and warning; download bars (stderr) remain."""
    for name in ("TTS", "trainer"):
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    with redirect_stdout(StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _first_line(error: Exception) -> str:
    # Some of the library's errors say nothing at all.
    return f"{type(error).__name__}: {(str(error).splitlines() or ['no message'])[0][:200]}"
