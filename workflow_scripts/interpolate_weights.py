"""Choose weights between the base model's and the trained ones, by the development set."""

import argparse
import sys
from pathlib import Path

from whisper_terms.errors import run_script


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    add = parser.add_argument
    add("--base", required=True, type=Path, help="model directory that training started from")
    add("--trained", required=True, type=Path, help="model directory that it ended with")
    add("--windows", required=True, type=Path, help="table of windows")
    add("--encodings", type=Path, help="table of their encodings, for recipes that use them")
    add("--recipe", default="{}", help="the recipe, JSON")
    add("--language", default="ja", help="Whisper's language code (default %(default)s)")
    add("--output", required=True, type=Path, help="model directory to write")
    add("--table", required=True, type=Path, help="table of all points to write")
    add("--plot", required=True, type=Path, help="the same as a picture (.svg)")
    add("--device", default="auto", help="auto (default), cpu or cuda")
    add("--threads", type=int, help="CPU threads (default: torch's choice)")
    return parser.parse_args()


def main() -> None:
    arguments = parse_arguments()
    from whisper_terms.base_model import load_base, save_model
    from whisper_terms.config import Recipe
    from whisper_terms.devices import choose_device, prepare_cpu
    from whisper_terms.encodings import find_encodings
    from whisper_terms.interpolation import (
        COLUMNS,
        choose_point,
        development_windows,
        interpolate,
        measure_points,
        point_rows,
    )
    from whisper_terms.interpolation_plot import plot_points
    from whisper_terms.stored_weights import StoredWeights
    from whisper_terms.tables import atomic_path, write_table
    from whisper_terms.windows import read_windows

    prepare_cpu(arguments.threads)
    recipe = Recipe.from_json(arguments.recipe)
    base = load_base(str(arguments.base))
    ends = StoredWeights(arguments.base), StoredWeights(arguments.trained)
    # With one point there is nothing to choose.
    several = len(recipe.interpolation) > 1
    windows = development_windows(read_windows(arguments.windows)) if several else []
    points = measure_points(
        base,
        ends,
        recipe.interpolation,
        windows,
        language=arguments.language,
        timestamps=recipe.timestamps,
        encodings=find_encodings(arguments.encodings) if arguments.encodings else {},
        device=choose_device(arguments.device),
    )
    chosen = choose_point(points, recipe.forgetting_budget)
    if several and not windows:
        print("no development set: nothing to choose by", file=sys.stderr)
    model = base.model.to("cpu")
    interpolate(*ends, chosen.alpha, dict(model.named_parameters()))
    save_model(arguments.output, model, base)
    write_table(arguments.table, COLUMNS, point_rows(points, chosen))
    with atomic_path(arguments.plot) as temporary:
        plot_points(points, chosen, temporary)


if __name__ == "__main__":
    run_script(main)
