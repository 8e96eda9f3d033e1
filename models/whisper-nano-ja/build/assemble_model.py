"""Make the model directory from the trained weights."""

import argparse
import tempfile
from pathlib import Path

from whisper_nano.assemble import assemble_model
from whisper_nano.network import load_vocabulary, load_weights
from whisper_nano.start import first_encoder
from whisper_terms.errors import Fault, UserError, run_script


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    add = parser.add_argument
    add("--encoder", type=Path, help="weights of stage 3 (default: the encoder of --start)")
    add("--decoder", required=True, type=Path, help="weights of the stage that has the decoder")
    add("--output", required=True, type=Path, help="model directory to write")
    add("--start", default="", help="model directory that the training began with")
    add("--followed", type=float, default=1.0, help="share of the way from there (default 1)")
    return parser.parse_args()


def main() -> None:
    arguments = parse_arguments()
    vocabulary = load_vocabulary(arguments.decoder)
    if not arguments.encoder and not arguments.start:
        raise UserError(Fault("an encoder is missing", "give --encoder or --start"))
    weights = {"decoder": load_weights(arguments.decoder)["decoder"]}
    if arguments.encoder:
        weights["encoder"] = load_weights(arguments.encoder)["encoder"]
    else:
        weights["encoder"] = first_encoder(arguments.start, seed=0).state_dict()
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
