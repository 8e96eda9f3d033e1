"""Find phones, pitch, durations and tokens of the sentences."""

import argparse
from pathlib import Path

from whisper_nano.analysis import analyse_sentences
from whisper_nano.sentences import SENTENCES, TRAIN
from whisper_nano.settings import Speech
from whisper_nano.speaking import read_voice_durations
from whisper_nano.text_store import save_sentences
from whisper_terms.errors import run_script
from whisper_terms.tables import read_table


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    add = parser.add_argument
    add("--sentences", required=True, type=Path, help="table of all sentences")
    add("--speech", required=True, help="the block `speech`, JSON")
    add("--output", required=True, type=Path, help="analysed sentences to write (.npz)")
    return parser.parse_args()


def main() -> None:
    arguments = parse_arguments()
    voices = Speech.from_json(arguments.speech).voices
    rows = read_table(arguments.sentences, SENTENCES)
    texts = [row["text"] for row in rows if row["split"] == TRAIN]
    trees = [read_voice_durations(voice) for voice in voices if voice.times]
    sentences = analyse_sentences(texts, trees)
    save_sentences(arguments.output, sentences)
    print(f"analysed {len(sentences)} of {len(texts)} sentences")


if __name__ == "__main__":
    run_script(main)
