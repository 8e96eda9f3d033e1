"""Write the table of an ablation into its page, and draw its plot."""

import argparse
from pathlib import Path

from whisper_bench.ablation import markdown_table, plot, read_systems
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


def read_alphas(folder: Path) -> dict[str, str]:
    """The chosen alpha of every recipe in a model's folder."""
    return {
        table.parent.name: row["alpha"]
        for table in folder.glob("*/interpolation.tsv")
        for row in read_table(table, ["alpha", "chosen"])
        if row["chosen"]
    }


def main() -> None:
    arguments = parse_arguments()
    systems = read_systems(read_table(arguments.eval, EVAL), read_alphas(arguments.recipes))
    page = arguments.page.read_text(encoding="utf-8")
    write_text(arguments.page, replace_table(page, "table of systems", markdown_table(systems)))
    with atomic_path(arguments.plot) as temporary:
        plot(systems, temporary)


if __name__ == "__main__":
    run_script(main)
