"""Score the transcripts of several systems on the same recordings.

Writes the table of measures with their intervals, the tables of terms and of words that sound like
one, and the table of changed utterances, and prints the measures that matter most.
"""

import argparse
from pathlib import Path

from whisper_terms.errors import run_script
from whisper_terms.progress import progress
from whisper_terms.recordings import read_recordings
from whisper_terms.report_text import before_after_table, comparison_lines, homophone_lines
from whisper_terms.scoring.bootstrap import RESAMPLES, SEED
from whisper_terms.scoring.columns import EVAL, FLIPS, HOMOPHONES_EVAL, TERMS_EVAL
from whisper_terms.scoring.homophones import homophone_eval_rows
from whisper_terms.scoring.lexicon import read_lexicon
from whisper_terms.scoring.summary import (
    count_systems,
    eval_rows,
    flips_rows,
    terms_rows,
)
from whisper_terms.scoring.tokens import ginza_tokens
from whisper_terms.scoring.transcripts import parse_systems, read_system
from whisper_terms.tables import HOMOPHONES, read_table, write_table


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    add = parser.add_argument
    add("--model", required=True, help="name of the model, for the table")
    add("--terms", required=True, type=Path, help="results/terms.tsv")
    add("--homophones", required=True, type=Path, help="results/homophones.tsv")
    add("--recordings", required=True, type=Path, nargs="+", help="tables: audio, text, test_set")
    add(
        "--transcripts",
        required=True,
        nargs="+",
        metavar="NAME=DIR",
        help="a system and the folder of its transcripts; the first is the base of the flips",
    )
    add("--bootstrap", type=int, default=RESAMPLES, help="resamples (default %(default)s)")
    add("--seed", type=int, default=SEED, help="of the resamples (default %(default)s)")
    add("--eval", required=True, type=Path, help="table of measures to write")
    add("--terms-eval", required=True, type=Path, help="table of terms to write")
    add("--homophones-eval", required=True, type=Path, help="table of words of one sound to write")
    add("--flips", required=True, type=Path, help="table of changed utterances to write")
    return parser.parse_args()


def main() -> None:
    arguments = parse_arguments()
    lexicon = read_lexicon(arguments.terms)
    recordings = read_recordings(arguments.recordings)
    folders = parse_systems(arguments.transcripts)
    heard = {
        name: read_system(folder, recordings)
        for name, folder in progress(folders.items(), "reading transcripts", len(folders))
    }
    counts = count_systems(heard, lexicon, ginza_tokens)
    measures = eval_rows(arguments.model, counts, arguments.bootstrap, arguments.seed)
    write_table(arguments.eval, EVAL, measures)
    write_table(arguments.terms_eval, TERMS_EVAL, terms_rows(counts, lexicon))
    alike = homophone_eval_rows(counts, read_table(arguments.homophones, HOMOPHONES), lexicon)
    write_table(arguments.homophones_eval, HOMOPHONES_EVAL, alike)
    write_table(arguments.flips, FLIPS, flips_rows(counts))
    print(before_after_table(measures))
    for line in comparison_lines(counts, arguments.bootstrap, arguments.seed):
        print(line)
    for line in homophone_lines(alike):
        print(line)


if __name__ == "__main__":
    run_script(main)
