"""Select the terms that a base model does not hear every time, and their utterances."""

import argparse
from pathlib import Path

from whisper_terms.errors import Fault, UserError, run_script
from whisper_terms.hearing import HEARD
from whisper_terms.scoring.lexicon import read_lexicon
from whisper_terms.selection import MISHEARD, judge_terms, judged_rows, keep_selected
from whisper_terms.tables import UTTERANCES, read_table, write_table


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    add = parser.add_argument
    add("--heard", required=True, type=Path, help="what hear_terms.py wrote")
    add("--terms", required=True, type=Path, help="results/terms.tsv")
    add("--manifest", required=True, type=Path, help="results/manifest.tsv")
    add("--table", required=True, type=Path, help="table of all terms to write: how well heard")
    add("--output", required=True, type=Path, help="manifest to write: what to train on")
    return parser.parse_args()


def main() -> None:
    arguments = parse_arguments()
    judged = judge_terms(read_table(arguments.heard, HEARD), read_lexicon(arguments.terms))
    selected = sum(one.selected for one in judged)
    if not selected:
        cure = "leave recipes with terms: misheard out of `systems`, write terms: all in them, or "
        cure += "let the base model listen to more of each term: evaluation.heard_per_term"
        problem = "the base model hears every term: nothing to teach"
        raise UserError(Fault(problem, cure, arguments.heard))
    manifest = read_table(arguments.manifest, UTTERANCES)
    write_table(arguments.table, MISHEARD, judged_rows(judged))
    write_table(arguments.output, UTTERANCES, keep_selected(manifest, judged))
    share = f"{selected} of {len(judged)} terms"
    print(f"{share} selected: the base model does not hear them every time")


if __name__ == "__main__":
    run_script(main)
