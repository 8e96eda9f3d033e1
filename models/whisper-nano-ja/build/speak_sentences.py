"""Speak one part of the sentences, with HTS voices or with Kokoro."""

import argparse
from pathlib import Path

from whisper_nano.neural_speaking import NeuralSpeaker
from whisper_nano.sentences import SPOKEN
from whisper_nano.settings import Neural, Speech
from whisper_nano.speaking import Speaker, speak_part
from whisper_nano.speech_store import save_part
from whisper_terms.errors import run_script
from whisper_terms.tables import read_table

# By the name of the configuration's block: what it holds, and who speaks by it.
SPEAKERS = {"speech": (Speech, Speaker), "neural": (Neural, NeuralSpeaker)}


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    add = parser.add_argument
    add("--spoken", required=True, type=Path, help="table of the sentences to speak")
    add("--speakers", required=True, choices=SPEAKERS, help="HTS voices (speech) or Kokoro")
    add("--settings", required=True, help="the block of that name, JSON")
    add("--part", required=True, type=int, help="number of the part, from 0")
    add("--output", required=True, type=Path, help="utterances to write (.npz)")
    return parser.parse_args()


def main() -> None:
    arguments = parse_arguments()
    kind, speaker = SPEAKERS[arguments.speakers]
    settings = kind.from_json(arguments.settings)
    texts = settings.choose([row["text"] for row in read_table(arguments.spoken, SPOKEN)])
    utterances = speak_part(speaker(settings), texts, arguments.part, settings.part, settings.seed)
    save_part(arguments.output, utterances)
    seconds = sum(float(utterance.borders[-1]) for utterance in utterances)
    print(f"spoke {len(utterances)} sentences, {seconds:.0f} s")


if __name__ == "__main__":
    run_script(main)
