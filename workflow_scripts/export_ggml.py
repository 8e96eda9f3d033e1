"""Convert a model directory to the one file that whisper.cpp reads."""

import argparse
from pathlib import Path
from typing import get_args

from whisper_terms.config.base import Precision
from whisper_terms.errors import run_script


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    add = parser.add_argument
    add("--checkpoint", required=True, type=Path, help="model directory")
    add("--output", required=True, type=Path, help="the .bin file to write")
    add(
        "--precision",
        default="float16",
        choices=get_args(Precision),
        help="of the weights on disk (default %(default)s)",
    )
    return parser.parse_args()


def main() -> None:
    arguments = parse_arguments()
    from whisper_terms.ggml_format import export_ggml

    export_ggml(arguments.checkpoint, arguments.output, arguments.precision)


if __name__ == "__main__":
    run_script(main)
