"""The arguments that the exports of a model in several precisions share."""

import argparse
from pathlib import Path
from typing import get_args

from whisper_terms.config.base import Precision


def parse_export(description: str, output: str) -> argparse.Namespace:
    """Read checkpoint, output (what it is) and precision from the command line."""
    parser = argparse.ArgumentParser(description=description)
    add = parser.add_argument
    add("--checkpoint", required=True, type=Path, help="model directory")
    add("--output", required=True, type=Path, help=output)
    add(
        "--precision",
        default="float16",
        choices=get_args(Precision),
        help="of the weights on disk (default %(default)s)",
    )
    return parser.parse_args()
