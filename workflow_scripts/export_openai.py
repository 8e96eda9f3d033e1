"""Convert a model directory to the one file that openai-whisper reads."""

import argparse
from pathlib import Path

from whisper_terms.errors import run_script


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checkpoint", required=True, type=Path, help="model directory")
    parser.add_argument("--output", required=True, type=Path, help="the .pt file to write")
    return parser.parse_args()


def main() -> None:
    arguments = parse_arguments()
    from whisper_terms.openai_format import export_openai

    export_openai(arguments.checkpoint, arguments.output)


if __name__ == "__main__":
    run_script(main)
