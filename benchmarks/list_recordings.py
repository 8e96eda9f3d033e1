"""Write test sentences for a sample of a dictionary's terms, to be spoken by an unheard voice.

The sentences are in no training: they are made from templates of their own.
"""

import argparse
from pathlib import Path

from whisper_bench.sentences import read_templates, sample_sentences
from whisper_terms.dictionary import read_dictionaries
from whisper_terms.errors import run_script
from whisper_terms.tables import RECORDINGS, write_table


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    add = parser.add_argument
    add("--dictionary", required=True, type=Path, help="the terms")
    add("--templates", required=True, type=Path, help="table: template, with the slot {term}")
    add("--terms", type=int, default=300, help="size of the sample (default %(default)s)")
    add("--output", required=True, type=Path, help="table of recordings to write")
    return parser.parse_args()


def main() -> None:
    arguments = parse_arguments()
    surfaces = [entry.surface for entry in read_dictionaries([arguments.dictionary])]
    templates = read_templates(arguments.templates)
    texts = sample_sentences(surfaces, templates, arguments.terms)
    folder = arguments.output.stem
    rows = (
        {"audio": f"{folder}/{number:04d}.wav", "text": text, "test_set": "sample"}
        for number, text in enumerate(texts, start=1)
    )
    write_table(arguments.output, RECORDINGS, rows)


if __name__ == "__main__":
    run_script(main)
