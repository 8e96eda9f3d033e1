"""Write the table of a comparison into its page, and draw its plot."""

import argparse
from pathlib import Path

from whisper_bench.comparison import markdown_table, plot, read_systems
from whisper_bench.markdown import replace_table
from whisper_terms.errors import run_script
from whisper_terms.scoring.columns import EVAL
from whisper_terms.tables import atomic_path, read_table, write_text


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    add = parser.add_argument
    add("--eval", required=True, type=Path, help="results/MODEL/COMPARISON/eval.tsv")
    add("--recipes", required=True, type=Path, help="folder of the recipes' own, results/MODEL")
    add("--page", required=True, type=Path, help="page with marks where the table goes")
    add("--plot", required=True, type=Path, help="picture to write (.svg)")
    return parser.parse_args()


def main() -> None:
    arguments = parse_arguments()
    systems = read_systems(read_table(arguments.eval, EVAL), arguments.recipes)
    page = arguments.page.read_text(encoding="utf-8")
    write_text(arguments.page, replace_table(page, "table of systems", markdown_table(systems)))
    with atomic_path(arguments.plot) as temporary:
        plot(systems, temporary)


if __name__ == "__main__":
    run_script(main)
