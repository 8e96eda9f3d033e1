"""Find when the phones of spoken sentences are said, by the encoder of stage 1."""

import argparse
from pathlib import Path

from whisper_nano.aligning import align_utterances
from whisper_nano.encoder_stage import PhoneHead
from whisper_nano.network import load_weights, new_network
from whisper_nano.speech_store import load_parts, save_part
from whisper_terms.devices import prepare_cpu
from whisper_terms.errors import Fault, UserError, run_script


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    add = parser.add_argument
    add("--speech", required=True, nargs="+", type=Path, help="spoken sentences")
    add("--encoder", required=True, type=Path, help="weights of stage 1")
    add("--output", required=True, type=Path, help="the same with borders (.npz)")
    add("--threads", type=int, help="CPU threads (default: torch's choice)")
    return parser.parse_args()


def main() -> None:
    arguments = parse_arguments()
    prepare_cpu(arguments.threads)
    weights = load_weights(arguments.encoder)
    encoder, head = new_network(1).model.encoder, PhoneHead()
    encoder.load_state_dict(weights["encoder"])
    head.load_state_dict(weights["head"])
    utterances = load_parts(arguments.speech)
    aligned = align_utterances(utterances, encoder, head)
    if not aligned:
        cure = "give `encoder` more steps, or leave out `neural`"
        raise UserError(Fault(f"none of {len(utterances)} sentences is heard as it is read", cure))
    save_part(arguments.output, aligned)
    print(f"aligned {len(aligned)} of {len(utterances)} sentences")


if __name__ == "__main__":
    run_script(main)
