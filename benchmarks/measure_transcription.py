"""Measure how fast the demonstration's recordings are transcribed, and what is heard otherwise."""

import argparse
import tempfile
from pathlib import Path

from whisper_bench.rows import write_rows
from whisper_bench.transcription import DIFFERENCES, measure_transcription
from whisper_terms.ctranslate2_format import export_ctranslate2
from whisper_terms.errors import run_script
from whisper_terms.openai_format import export_openai
from whisper_terms.recordings import read_recordings
from whisper_terms.tables import write_table


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    add = parser.add_argument
    add("--model", required=True, type=Path, help="model directory")
    add("--recordings", required=True, type=Path, help="table: audio, text, test_set")
    add("--every", type=int, default=1, help="take one recording in so many (default: all)")
    add("--batch-size", type=int, default=8, help="transcribed together (default %(default)s)")
    add("--padding-frames", type=int, default=192, help="of the sample (default %(default)s)")
    add("--output", required=True, type=Path, help="table to write")
    add("--differences", required=True, type=Path, help="table of differing texts to write")
    return parser.parse_args()


def main() -> None:
    arguments = parse_arguments()
    recordings = read_recordings([arguments.recordings])[:: arguments.every]
    with tempfile.TemporaryDirectory() as name:
        weights, converted = Path(name) / "model.pt", Path(name) / "ctranslate2"
        export_openai(arguments.model, weights)
        export_ctranslate2(arguments.model, converted)
        rows, different = measure_transcription(
            arguments.model,
            weights,
            converted,
            recordings,
            arguments.batch_size,
            arguments.padding_frames,
        )
    write_table(arguments.differences, DIFFERENCES, different)
    write_rows(arguments.output, rows)


if __name__ == "__main__":
    run_script(main)
