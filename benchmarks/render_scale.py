"""Write what dictionaries of several sizes cost into a page, and draw the curves."""

import argparse
from pathlib import Path

from whisper_bench.markdown import replace_table
from whisper_bench.scale import cost_table, plot, read_run, summary_table
from whisper_terms.errors import run_script
from whisper_terms.tables import atomic_path, write_text


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    add = parser.add_argument
    add("--results", required=True, type=Path, nargs="+", help="folders of results, one a size")
    add("--model", default="nano", help="the base model's name (default %(default)s)")
    add("--page", required=True, type=Path, help="page with marks where the tables go")
    add("--plot", required=True, type=Path, help="picture to write (.svg)")
    return parser.parse_args()


def main() -> None:
    arguments = parse_arguments()
    runs = [read_run(results, arguments.model) for results in arguments.results]
    runs.sort(key=lambda run: run.terms)
    page = arguments.page.read_text(encoding="utf-8")
    page = replace_table(page, "table of costs", cost_table(runs))
    page = replace_table(page, "table of scores", summary_table(runs))
    write_text(arguments.page, page)
    with atomic_path(arguments.plot) as temporary:
        plot(runs, temporary)


if __name__ == "__main__":
    run_script(main)
