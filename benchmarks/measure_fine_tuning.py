"""Measure an epoch of fine-tuning, the widespread way and ours, on a sample of its steps."""

import argparse
import json
from pathlib import Path

from whisper_bench.fine_tuning import measure_fine_tuning
from whisper_bench.rows import write_rows
from whisper_terms.errors import run_script


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    add = parser.add_argument
    add("--speech", required=True, type=Path, help="folder that measure_synthesis left")
    add("--models", required=True, help="steps to measure by size of the model, JSON")
    add("--output", required=True, type=Path, help="table to write")
    return parser.parse_args()


def main() -> None:
    arguments = parse_arguments()
    rows = measure_fine_tuning(arguments.speech, json.loads(arguments.models))
    write_rows(arguments.output, rows)


if __name__ == "__main__":
    run_script(main)
