"""Make the model directory from the trained weights."""

import argparse
import tempfile
from pathlib import Path

from whisper_nano.assemble import assemble_model
from whisper_nano.network import load_vocabulary, load_weights
from whisper_terms.errors import run_script


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    add = parser.add_argument
    add("--weights", required=True, type=Path, help="weights of stage 3")
    add("--output", required=True, type=Path, help="model directory to write")
    return parser.parse_args()


def main() -> None:
    arguments = parse_arguments()
    weights, vocabulary = load_weights(arguments.weights), load_vocabulary(arguments.weights)
    with tempfile.TemporaryDirectory() as settings:
        assemble_model(weights, vocabulary, arguments.output, Path(settings))


if __name__ == "__main__":
    run_script(main)
