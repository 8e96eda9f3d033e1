"""Write the page on what was measured."""

import argparse
from pathlib import Path

from whisper_bench.page import render_page
from whisper_bench.rows import MACHINE, read_rows
from whisper_bench.transcription import DIFFERENCES
from whisper_terms.errors import run_script
from whisper_terms.tables import read_table, write_text


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    add = parser.add_argument
    add("--machine", required=True, type=Path, help="table of the machine")
    add("--parts", required=True, type=Path, nargs="+", help="tables of the parts, in their order")
    add("--differences", required=True, type=Path, help="table of differing texts")
    add("--output", required=True, type=Path, help="page to write")
    return parser.parse_args()


def main() -> None:
    arguments = parse_arguments()
    page = render_page(
        read_table(arguments.machine, MACHINE),
        [read_rows(part) for part in arguments.parts],
        arguments.machine.parent.as_posix(),
        read_table(arguments.differences, DIFFERENCES),
    )
    write_text(arguments.output, page)


if __name__ == "__main__":
    run_script(main)
