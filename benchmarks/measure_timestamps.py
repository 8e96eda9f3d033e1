"""Measure how well the times of segments fit what was said, before and after fine-tuning."""

import argparse
import json
from pathlib import Path

from whisper_bench.timestamps import COLUMNS, measure_timestamps
from whisper_terms.errors import run_script
from whisper_terms.recordings import read_recordings
from whisper_terms.tables import write_table


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    add = parser.add_argument
    add("--models", required=True, help="model.pt by name, JSON; the first is the baseline")
    add("--recordings", required=True, type=Path, help="table: audio, text, test_set")
    add("--every", type=int, default=1, help="take one recording in so many (default: all)")
    add("--in-a-row", required=True, type=int, nargs="+", help="recordings that are joined")
    add("--output", required=True, type=Path, help="table to write")
    return parser.parse_args()


def main() -> None:
    arguments = parse_arguments()
    recordings = read_recordings([arguments.recordings])[:: arguments.every]
    models = {name: Path(path) for name, path in json.loads(arguments.models).items()}
    write_table(
        arguments.output, COLUMNS, measure_timestamps(models, recordings, arguments.in_a_row)
    )


if __name__ == "__main__":
    run_script(main)
