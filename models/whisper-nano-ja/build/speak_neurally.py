"""Speak one part of the sentences with Kokoro."""

import argparse
from pathlib import Path

from whisper_nano.neural_speaking import NeuralSpeaker
from whisper_nano.sentences import SPOKEN
from whisper_nano.settings import Neural
from whisper_nano.speaking import speak_part
from whisper_nano.speech_store import save_part
from whisper_terms.errors import run_script
from whisper_terms.tables import read_table


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    add = parser.add_argument
    add("--spoken", required=True, type=Path, help="table of the sentences to speak")
    add("--neural", required=True, help="the block `neural`, JSON")
    add("--part", required=True, type=int, help="number of the part, from 0")
    add("--output", required=True, type=Path, help="utterances to write (.npz)")
    return parser.parse_args()


def main() -> None:
    arguments = parse_arguments()
    neural = Neural.from_json(arguments.neural)
    texts = [row["text"] for row in read_table(arguments.spoken, SPOKEN)][-neural.spoken :]
    speaker = NeuralSpeaker(neural)
    utterances = speak_part(speaker, texts, arguments.part, neural.part, neural.seed)
    save_part(arguments.output, utterances)
    seconds = sum(float(utterance.borders[-1]) for utterance in utterances)
    print(f"spoke {len(utterances)} sentences, {seconds:.0f} s")


if __name__ == "__main__":
    run_script(main)
