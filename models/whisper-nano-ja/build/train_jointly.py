"""Stage 3: train encoder and decoder together, on speech and text."""

import argparse
import shutil
from pathlib import Path

from whisper_nano.joint_stage import match_sentences, train_jointly
from whisper_nano.moving import batch_workers
from whisper_nano.network import load_vocabulary, load_weights, save_weights
from whisper_nano.settings import JointStage
from whisper_nano.speech_store import load_parts
from whisper_nano.text_store import load_sentences
from whisper_nano.training import state_folder
from whisper_terms.devices import choose_device, prepare_cpu
from whisper_terms.errors import run_script


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    add = parser.add_argument
    add("--speech", required=True, nargs="+", type=Path, help="spoken sentences")
    add("--neural", nargs="*", default=[], type=Path, help="aligned speech of neural voices")
    add("--texts", required=True, type=Path, help="analysed sentences")
    add("--encoder", required=True, type=Path, help="weights of stage 1")
    add("--decoder", required=True, type=Path, help="weights of stage 2")
    add("--stage", required=True, help="the block `joint`, JSON")
    add("--state", required=True, type=Path, help="folder of the training's own checkpoints")
    add("--output", required=True, type=Path, help="weights to write (.safetensors)")
    add("--device", default="auto", help="auto (default), cpu or cuda")
    add("--threads", type=int, help="CPU threads; with a GPU the processes that make batches")
    return parser.parse_args()


def main() -> None:
    arguments = parse_arguments()
    prepare_cpu(arguments.threads)
    device = choose_device(arguments.device)
    workers = batch_workers(device, arguments.threads)
    speech = [*arguments.speech, *arguments.neural]
    inputs = [*speech, arguments.texts, arguments.encoder, arguments.decoder]
    state = state_folder(arguments.state, arguments.stage, inputs)
    stage = JointStage.from_json(arguments.stage)
    sentences = load_sentences(arguments.texts)
    spoken, neural = (
        match_sentences(load_parts(paths), sentences)
        for paths in (arguments.speech, arguments.neural)
    )
    weights = load_weights(arguments.encoder) | load_weights(arguments.decoder)
    vocabulary = load_vocabulary(arguments.decoder)
    modules = train_jointly(
        spoken, neural, sentences, weights, vocabulary, stage, state, device, workers
    )
    save_weights(arguments.output, modules, vocabulary)
    shutil.rmtree(arguments.state, ignore_errors=True)


if __name__ == "__main__":
    run_script(main)
