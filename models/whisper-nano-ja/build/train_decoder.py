"""Stage 2: train the decoder on text alone."""

import argparse
import shutil
from pathlib import Path

from whisper_nano.decoder_stage import train_decoder
from whisper_nano.moving import batch_workers
from whisper_nano.network import save_weights
from whisper_nano.settings import DecoderStage
from whisper_nano.start import weights_files
from whisper_nano.text_store import load_sentences
from whisper_nano.training import state_folder
from whisper_nano.vocabulary import Vocabulary
from whisper_terms.devices import choose_device, prepare_cpu
from whisper_terms.errors import run_script


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    add = parser.add_argument
    add("--texts", required=True, type=Path, help="analysed sentences")
    add("--stage", required=True, help="the block `decoder`, JSON")
    add("--start", default="", help="model directory to begin with (default: random weights)")
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
    inputs = [arguments.texts, *weights_files(arguments.start)]
    state = state_folder(arguments.state, arguments.stage, inputs)
    sentences = load_sentences(arguments.texts)
    vocabulary = Vocabulary.of(sentence.tokens for sentence in sentences)
    print(f"{len(sentences)} sentences, {vocabulary.size} tokens", flush=True)
    stage = DecoderStage.from_json(arguments.stage)
    decoder = train_decoder(sentences, vocabulary, stage, state, arguments.start, device, workers)
    save_weights(arguments.output, {"decoder": decoder}, vocabulary)
    shutil.rmtree(arguments.state, ignore_errors=True)


if __name__ == "__main__":
    run_script(main)
