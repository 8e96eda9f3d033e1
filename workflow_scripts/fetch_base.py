"""Copy or download a base model into a directory of the workflow's own form."""

import argparse
from pathlib import Path

from whisper_terms.errors import run_script


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--model", required=True, help="hub id (openai/whisper-medium) or model directory"
    )
    parser.add_argument("--output", required=True, type=Path, help="model directory to write")
    return parser.parse_args()


def main() -> None:
    arguments = parse_arguments()
    from whisper_terms.base_model import load_base, save_model

    base = load_base(arguments.model)
    save_model(arguments.output, base.model, base)


if __name__ == "__main__":
    run_script(main)
