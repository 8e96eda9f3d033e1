"""Speak one lone term into a wav of its own, to listen to."""

import argparse
import shutil
from pathlib import Path

from whisper_terms.errors import Fault, UserError, run_script
from whisper_terms.speech.arguments import add_speech_arguments, casting_of, open_store
from whisper_terms.speech.engine import Replacement, SpokenText
from whisper_terms.tables import TERMS, atomic_path, read_table


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    add = parser.add_argument
    add("--terms", required=True, type=Path, help="results/terms.tsv")
    add("--term-id", required=True, help="the term's id, from that table")
    add("--output", required=True, type=Path, help="the wav to write")
    add_speech_arguments(parser)
    return parser.parse_args()


def main() -> None:
    arguments = parse_arguments()
    terms = {term["term_id"]: term for term in read_table(arguments.terms, TERMS)}
    if arguments.term_id not in terms:
        fault = Fault("has no such term", "look its id up there", arguments.terms)
        raise UserError(fault)
    term = terms[arguments.term_id]
    how = Replacement(term["surface"], term["reading"], term["pronunciation"])
    voice = casting_of(arguments).train[0]
    wav = open_store(arguments).utterance(SpokenText(term["surface"], (how,)), voice)
    with atomic_path(arguments.output) as temporary:
        shutil.copyfile(wav, temporary)


if __name__ == "__main__":
    run_script(main)
