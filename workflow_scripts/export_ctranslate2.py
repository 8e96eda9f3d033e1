"""Convert a model directory for CTranslate2: faster-whisper, WhisperX."""

import argparse
from pathlib import Path
from typing import get_args

from whisper_terms.config.base import Precision
from whisper_terms.errors import run_script


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    add = parser.add_argument
    add("--checkpoint", required=True, type=Path, help="model directory")
    add("--output", required=True, type=Path, help="the directory to write")
    add(
        "--precision",
        default="float16",
        choices=get_args(Precision),
        help="of the weights on disk (default %(default)s)",
    )
    return parser.parse_args()


def main() -> None:
    arguments = parse_arguments()
    from whisper_terms.ctranslate2_format import export_ctranslate2

    export_ctranslate2(arguments.checkpoint, arguments.output, arguments.precision)


if __name__ == "__main__":
    run_script(main)
