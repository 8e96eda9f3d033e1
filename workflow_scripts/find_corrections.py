"""Find which mishearings stand for a term and for nothing else."""

import argparse
from pathlib import Path

from whisper_terms.corrections import CORRECTIONS, correction_rows, find_corrections
from whisper_terms.errors import run_script
from whisper_terms.hearing import HEARD
from whisper_terms.scoring.lexicon import read_lexicon
from whisper_terms.tables import UTTERANCES, read_table, write_table
from whisper_terms.utterances import REPLAY


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    add = parser.add_argument
    add("--heard", required=True, type=Path, help="what hear_terms.py wrote")
    add("--terms", required=True, type=Path, help="results/terms.tsv")
    add("--manifest", required=True, type=Path, help="results/manifest.tsv")
    add("--output", required=True, type=Path, help="table to write: heard, surface, term_id, times")
    return parser.parse_args()


def main() -> None:
    arguments = parse_arguments()
    lexicon = read_lexicon(arguments.terms)
    manifest = read_table(arguments.manifest, UTTERANCES)
    said = [row["text"] for row in manifest if row["kind"] == REPLAY]
    table = find_corrections(read_table(arguments.heard, HEARD), said, lexicon)
    write_table(arguments.output, CORRECTIONS, correction_rows(table, lexicon))
    terms = {one.term_id for one in table.corrections}
    print(
        f"{len(table.corrections)} corrections for {len(terms)} of {len(lexicon.terms)} terms; "
        f"left out: {table.rare} heard once or of one character, {table.ordinary} that stand in "
        f"ordinary text, {table.shared} that stand for several terms"
    )


if __name__ == "__main__":
    run_script(main)
