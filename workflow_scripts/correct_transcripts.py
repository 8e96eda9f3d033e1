"""Correct a system's transcripts by a table of mishearings."""

import argparse
from pathlib import Path

from whisper_terms.corrections import CORRECTIONS, Corrector
from whisper_terms.errors import Fault, UserError, run_script
from whisper_terms.scoring.lexicon import read_lexicon
from whisper_terms.tables import TIMING, TIMING_FILE, TRANSCRIPT, read_table, write_table


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    add = parser.add_argument
    add("--transcripts", required=True, type=Path, help="folder of transcripts")
    add("--corrections", required=True, type=Path, help="what find_corrections.py wrote")
    add("--terms", required=True, type=Path, help="results/terms.tsv")
    add("--output", required=True, type=Path, help="folder of corrected transcripts to write")
    return parser.parse_args()


def main() -> None:
    arguments = parse_arguments()
    rows = read_table(arguments.corrections, CORRECTIONS)
    corrector = Corrector.from_rows(rows, read_lexicon(arguments.terms))
    timing = arguments.transcripts / TIMING_FILE
    paths = [path for path in sorted(arguments.transcripts.glob("*.tsv")) if path != timing]
    if not paths:
        cure = "give a folder with a table of start, end and text for each recording"
        raise UserError(Fault("holds no transcripts", cure, arguments.transcripts))
    for path in paths:
        segments = read_table(path, TRANSCRIPT)
        corrected = [row | {"text": corrector.correct(row["text"])} for row in segments]
        write_table(arguments.output / path.name, TRANSCRIPT, corrected)
    if timing.exists():
        # The table itself takes no time to speak of.
        write_table(arguments.output / TIMING_FILE, TIMING, read_table(timing, TIMING))


if __name__ == "__main__":
    run_script(main)
