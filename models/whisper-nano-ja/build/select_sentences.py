"""Select the sentences to train on, and those to speak, in order."""

import argparse
from pathlib import Path

from whisper_nano.sentences import SENTENCES, SPOKEN, select_sentences, speaking_order
from whisper_nano.settings import Selection
from whisper_terms.errors import Fault, UserError, run_script
from whisper_terms.tables import write_table


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    add = parser.add_argument
    add("--settings", required=True, help="the block `sentences`, JSON")
    add("--sentences", required=True, type=Path, help="table of all sentences to write")
    add("--spoken", required=True, type=Path, help="table of the sentences to speak to write")
    return parser.parse_args()


def main() -> None:
    arguments = parse_arguments()
    selection = Selection.from_json(arguments.settings)
    rows = select_sentences(selection)
    spoken = speaking_order(rows, selection)
    if len(spoken) < selection.spoken:
        # The Snakefile counts parts by the number that is asked for, and one would be empty.
        problem = f"{len(spoken)} sentences are left to be spoken, and {selection.spoken} wanted"
        raise UserError(Fault(problem, "lower sentences.spoken, or add to sentences.sources"))
    write_table(arguments.spoken, SPOKEN, ({"text": text} for text in spoken))
    write_table(arguments.sentences, SENTENCES, rows)
    print(f"{len(rows)} sentences, {len(spoken)} of them to be spoken")


if __name__ == "__main__":
    run_script(main)
