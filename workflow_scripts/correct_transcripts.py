"""Correct a system's transcripts by a table of mishearings."""

import argparse
import shutil
from pathlib import Path

from whisper_terms.corrections import CORRECTIONS, Corrector
from whisper_terms.errors import run_script
from whisper_terms.scoring.lexicon import read_lexicon
from whisper_terms.scoring.transcripts import TIMING_FILE
from whisper_terms.tables import TRANSCRIPT, read_table, write_table


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
    arguments.output.mkdir(parents=True, exist_ok=True)
    timing = arguments.transcripts / TIMING_FILE
    for path in sorted(arguments.transcripts.glob("*.tsv")):
        if path != timing:
            segments = read_table(path, TRANSCRIPT)
            corrected = [row | {"text": corrector.correct(row["text"])} for row in segments]
            write_table(arguments.output / path.name, TRANSCRIPT, corrected)
    # Last: where it is, the transcripts are complete. The table itself takes no time to speak of.
    shutil.copyfile(timing, arguments.output / TIMING_FILE)


if __name__ == "__main__":
    run_script(main)
