"""Measure the encoder, and how fast this machine multiplies matrices."""

import argparse
import json
from pathlib import Path

from whisper_bench.encoding import measure_encoding
from whisper_bench.rows import write_rows
from whisper_terms.errors import run_script


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    add = parser.add_argument
    add("--models", required=True, help="number of windows by size of the model, JSON")
    add("--output", required=True, type=Path, help="table to write")
    return parser.parse_args()


def main() -> None:
    arguments = parse_arguments()
    write_rows(arguments.output, measure_encoding(json.loads(arguments.models)))


if __name__ == "__main__":
    run_script(main)
