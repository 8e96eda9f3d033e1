"""Collect the sentences of JGLUE into the table that full.yaml names."""

import argparse
from pathlib import Path

from whisper_nano.jglue import COLUMNS, collect_sentences
from whisper_terms.errors import run_script
from whisper_terms.tables import write_table


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    add = parser.add_argument
    add("--datasets", required=True, type=Path, help="JGLUE's folder `datasets`")
    add("--output", required=True, type=Path, help="table to write")
    return parser.parse_args()


def main() -> None:
    arguments = parse_arguments()
    write_table(arguments.output, COLUMNS, collect_sentences(arguments.datasets))


if __name__ == "__main__":
    run_script(main)
