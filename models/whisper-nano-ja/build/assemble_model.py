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
    add("--encoder", required=True, type=Path, help="weights of stage 3")
    add("--decoder", required=True, type=Path, help="weights of the stage that has the decoder")
    add("--output", required=True, type=Path, help="model directory to write")
    add("--start", default="", help="model directory that the training began with")
    add("--followed", type=float, default=1.0, help="share of the way from there (default 1)")
    return parser.parse_args()


def main() -> None:
    arguments = parse_arguments()
    vocabulary = load_vocabulary(arguments.decoder)
    weights = {
        "encoder": load_weights(arguments.encoder)["encoder"],
        "decoder": load_weights(arguments.decoder)["decoder"],
    }
    with tempfile.TemporaryDirectory() as settings:
        assemble_model(
            weights,
            vocabulary,
            arguments.output,
            Path(settings),
            start=arguments.start,
            followed=arguments.followed,
        )


if __name__ == "__main__":
    run_script(main)
