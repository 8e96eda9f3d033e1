"""Measure what planning takes: before anything is made, when all is, and after an edit."""

import argparse
from pathlib import Path

from whisper_bench.planning import measure_planning
from whisper_bench.rows import write_rows
from whisper_terms.errors import run_script


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    add = parser.add_argument
    add("--terms", required=True, type=int, nargs="+", help="sizes of the dictionaries, ascending")
    add("--baseline", required=True, type=int, help="most terms of the workflow with a job a wav")
    add("--output", required=True, type=Path, help="table to write")
    return parser.parse_args()


def main() -> None:
    arguments = parse_arguments()
    write_rows(arguments.output, measure_planning(arguments.terms, arguments.baseline))


if __name__ == "__main__":
    run_script(main)
