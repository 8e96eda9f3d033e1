"""The arguments that every synthesising script shares."""

import argparse
import sys
from pathlib import Path

from whisper_terms.config import CoquiSettings
from whisper_terms.speech.store import SpeechStore
from whisper_terms.speech.synthesis import make_engine
from whisper_terms.utterances import Casting


def add_speech_arguments(parser: argparse.ArgumentParser) -> None:
    """Add engine, casting, loudness and store."""
    add = parser.add_argument
    add("--engine", default="openjtalk", help="openjtalk or coqui (default %(default)s)")
    add("--coqui", default="{}", help="settings of the Coqui engine, JSON")
    add("--casting", required=True, help="voices and numbers of utterances, JSON")
    add("--loudness", type=float, default=-23.0, help="RMS level in dBFS (default %(default)s)")
    add("--store", required=True, type=Path, help="folder of the wavs")


def open_store(arguments: argparse.Namespace) -> SpeechStore:
    """The store that the arguments name; raises UserError where the engine is not installed."""
    coqui = CoquiSettings.from_json(arguments.coqui)
    return SpeechStore(arguments.store, make_engine(arguments.engine, coqui), arguments.loudness)


def casting_of(arguments: argparse.Namespace) -> Casting:
    """The casting that the arguments hold."""
    return Casting.from_json(arguments.casting)


def say_counts(store: SpeechStore) -> None:
    """Say on standard error how many utterances were new."""
    print(f"{store.made} utterances spoken, {store.found} were there", file=sys.stderr)
