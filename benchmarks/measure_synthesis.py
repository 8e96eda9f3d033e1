"""Measure the workflow's speech synthesis against the engine in a bare loop."""

import argparse
from pathlib import Path

from whisper_bench.rows import write_rows
from whisper_bench.synthesis import measure_synthesis
from whisper_terms.errors import run_script


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    add = parser.add_argument
    add("--terms", required=True, type=int, help="size of the dictionary")
    add("--replay", required=True, type=int, help="replay sentences that are spoken too")
    add("--folder", required=True, type=Path, help="folder for the workflow to run in")
    add("--output", required=True, type=Path, help="table to write")
    return parser.parse_args()


def main() -> None:
    arguments = parse_arguments()
    rows = measure_synthesis(arguments.folder, arguments.terms, arguments.replay)
    write_rows(arguments.output, rows)


if __name__ == "__main__":
    run_script(main)
