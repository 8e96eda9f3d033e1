"""Correct lines of text, of whatever recogniser, by a table of mishearings.

Reads standard input and writes standard output, both UTF-8, a line for each line.
"""

import argparse
import os
import sys
from pathlib import Path

from whisper_terms.corrections import CORRECTIONS, Corrector
from whisper_terms.errors import Fault, UserError, run_script
from whisper_terms.scoring.lexicon import read_lexicon
from whisper_terms.tables import read_table


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    add = parser.add_argument
    add("--corrections", required=True, type=Path, help="results/MODEL/corrections.tsv")
    add("--terms", required=True, type=Path, help="results/terms.tsv")
    return parser.parse_args()


def main() -> None:
    arguments = parse_arguments()
    rows = read_table(arguments.corrections, CORRECTIONS)
    corrector = Corrector.from_rows(rows, read_lexicon(arguments.terms))
    try:
        _correct_lines(corrector)
    except BrokenPipeError:
        # Nobody reads on (`… | head`); Python would complain when it closes standard output.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _correct_lines(corrector: Corrector) -> None:
    for number, line in enumerate(sys.stdin.buffer, start=1):
        try:
            text = line.decode()
        except UnicodeDecodeError as error:
            problem = f"not UTF-8 (byte {error.start} of the line)"
            raise UserError(Fault(problem, "convert it", "standard input", number)) from None
        body = text.rstrip("\r\n")
        sys.stdout.buffer.write((corrector.correct(body) + text[len(body) :]).encode())
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    run_script(main)
