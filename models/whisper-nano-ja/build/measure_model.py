"""Measure a model directory on held-out sentences, silence and noise."""

import argparse
import tempfile
from pathlib import Path

from whisper_nano.measuring import COLUMNS, measure
from whisper_nano.sentences import SENTENCES, held_out_texts
from whisper_nano.settings import Measure
from whisper_terms.devices import prepare_cpu
from whisper_terms.errors import Fault, UserError, run_script
from whisper_terms.openai_format import export_openai, load_openai
from whisper_terms.tables import read_table, write_table


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    add = parser.add_argument
    add("--model", required=True, type=Path, help="model directory")
    add("--sentences", required=True, type=Path, help="table of all sentences")
    add("--measure", required=True, help="the block `measure`, JSON")
    add("--output", required=True, type=Path, help="table of scores to write")
    add("--threads", type=int, help="CPU threads (default: torch's choice)")
    return parser.parse_args()


def main() -> None:
    arguments = parse_arguments()
    prepare_cpu(arguments.threads)
    measured = Measure.from_json(arguments.measure)
    texts = held_out_texts(read_table(arguments.sentences, SENTENCES), measured.sources)
    if not texts:
        cure = "name files that sentences come from, or none"
        raise UserError(Fault("no sentence is held out", cure, "measure.sources"))
    with tempfile.TemporaryDirectory() as folder:
        export_openai(arguments.model, Path(folder) / "model.pt")
        model = load_openai(Path(folder) / "model.pt", "cpu")
    scores = measure(model, texts, measured)
    write_table(arguments.output, COLUMNS, scores)
    for row in scores:
        print("  ".join(f"{name} {value}" for name, value in row.items()))


if __name__ == "__main__":
    run_script(main)
