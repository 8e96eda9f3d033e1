"""Write down the machine and the versions that are measured."""

import argparse
from pathlib import Path

from whisper_bench.machine import describe_machine
from whisper_bench.rows import MACHINE
from whisper_terms.errors import run_script
from whisper_terms.tables import write_table


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", required=True, type=Path, help="table to write")
    return parser.parse_args()


def main() -> None:
    write_table(parse_arguments().output, MACHINE, describe_machine())


if __name__ == "__main__":
    run_script(main)
