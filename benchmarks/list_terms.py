"""Write a dictionary of so many terms, nouns of Open JTalk's lexicon with their readings."""

import argparse
from pathlib import Path

from whisper_bench.lexicon import draw_terms, write_dictionary
from whisper_terms.errors import run_script


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    add = parser.add_argument
    add("--terms", required=True, type=int, help="how many terms")
    add("--output", required=True, type=Path, help="dictionary to write: surface, reading")
    return parser.parse_args()


def main() -> None:
    arguments = parse_arguments()
    write_dictionary(arguments.output, dict(draw_terms(arguments.terms)))


if __name__ == "__main__":
    run_script(main)
