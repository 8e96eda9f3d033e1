"""The build of the bundled model, made importable, and small inputs for its tests."""

from functools import cache
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "models" / "whisper-nano-ja" / "build"

TEXTS = ["今日は朝からよく晴れています。", "箸を使う。", "3月の会議は、CDで聴けますか？"]


@cache
def voice():
    """The voice in pyopenjtalk's wheel."""
    from whisper_nano.settings import Voice

    return Voice(name="wheel", half_tones=(-6, 3))


@cache
def tree():
    """Its duration tree."""
    from whisper_nano.speaking import read_voice_durations

    return read_voice_durations(voice())


@cache
def sentences():
    """TEXTS, analysed, timed by two voices (which are one)."""
    from whisper_nano.analysis import analyse_sentences

    return analyse_sentences(TEXTS, [tree(), tree()])


@cache
def utterances():
    """TEXTS, spoken."""
    from whisper_nano.settings import Speech
    from whisper_nano.speaking import Speaker, speak_part

    speaker = Speaker(Speech(voices=[voice()], rates=[0.9, 1.2]))
    return speak_part(speaker, TEXTS, 0, size=250, seed=0)


def generator(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)
