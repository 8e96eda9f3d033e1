"""Print the before/after table of an eval.tsv."""

import argparse
from pathlib import Path

from whisper_terms.errors import run_script
from whisper_terms.report_text import before_after_table
from whisper_terms.scoring.columns import EVAL
from whisper_terms.tables import read_table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("eval", type=Path, help="results/{model}/eval.tsv")
    arguments = parser.parse_args()
    print(before_after_table(read_table(arguments.eval, EVAL)))


if __name__ == "__main__":
    run_script(main)
