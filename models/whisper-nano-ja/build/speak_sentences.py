"""Speak one part of the sentences."""

import argparse
from pathlib import Path

from whisper_nano.sentences import SPOKEN
from whisper_nano.settings import Speech
from whisper_nano.speaking import Speaker, speak_part
from whisper_nano.speech_store import save_part
from whisper_terms.errors import run_script
from whisper_terms.tables import read_table


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    add = parser.add_argument
    add("--spoken", required=True, type=Path, help="table of the sentences to speak")
    add("--speech", required=True, help="the block `speech`, JSON")
    add("--part", required=True, type=int, help="number of the part, from 0")
    add("--output", required=True, type=Path, help="utterances to write (.npz)")
    return parser.parse_args()


def main() -> None:
    arguments = parse_arguments()
    texts = [row["text"] for row in read_table(arguments.spoken, SPOKEN)]
    speech = Speech.from_json(arguments.speech)
    utterances = speak_part(Speaker(speech), texts, arguments.part, speech.part, speech.seed)
    save_part(arguments.output, utterances)
    seconds = sum(float(utterance.borders[-1]) for utterance in utterances)
    print(f"spoke {len(utterances)} sentences, {seconds:.0f} s")


if __name__ == "__main__":
    run_script(main)
