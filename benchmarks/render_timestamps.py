"""Write the page on the times of segments."""

import argparse
from pathlib import Path

from whisper_bench.timestamps import COLUMNS, render_page
from whisper_terms.errors import run_script
from whisper_terms.tables import read_table, write_text


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    add = parser.add_argument
    add("--table", required=True, type=Path, help="table that measure_timestamps wrote")
    add("--output", required=True, type=Path, help="page to write")
    return parser.parse_args()


def main() -> None:
    arguments = parse_arguments()
    rows = read_table(arguments.table, COLUMNS)
    write_text(arguments.output, render_page(rows, arguments.table.as_posix()))


if __name__ == "__main__":
    run_script(main)
