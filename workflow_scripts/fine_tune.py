"""Fine-tune a base model by a recipe; a run that was killed goes on where it was."""

import argparse
import sys
from pathlib import Path

from whisper_terms.errors import Fault, UserError, run_script


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    add = parser.add_argument
    add("--base", required=True, type=Path, help="model directory to start from")
    add("--windows", required=True, type=Path, help="table of windows")
    add("--encodings", type=Path, help="table of their encodings, for recipes that use them")
    add(
        "--terms",
        nargs="*",
        default=[],
        metavar="TABLE",
        help="tables of terms, such as results/terms.tsv, for recipes whose term_weight is not 1",
    )
    add("--recipe", default="{}", help="the recipe, JSON")
    add("--first-voice", required=True, help="the voice of recipes that train on one")
    add("--language", default="ja", help="Whisper's language code (default %(default)s)")
    add("--state", required=True, type=Path, help="folder of the training's own checkpoints")
    add("--output", required=True, type=Path, help="model directory to write")
    add("--device", default="auto", help="auto (default), cpu or cuda")
    add("--processes", type=int, default=1, help="processes, one a GPU (default %(default)s)")
    add("--threads", type=int, help="CPU threads of all processes (default: torch's choice)")
    return parser.parse_args()


def main() -> None:
    arguments = parse_arguments()
    from whisper_terms.config import Recipe
    from whisper_terms.processes import is_first_process, share, start_processes, wait_for_all

    recipe = Recipe.from_json(arguments.recipe)
    start_processes(arguments.processes, recipe.batch_size)
    from whisper_terms.base_model import link_model, load_base, save_model
    from whisper_terms.checkpoints import keep_trained
    from whisper_terms.devices import prepare_cpu
    from whisper_terms.encodings import find_encodings, weights_digest
    from whisper_terms.term_tokens import read_weighed
    from whisper_terms.training import fine_tune, training_digest
    from whisper_terms.windows import read_windows

    prepare_cpu(share(arguments.threads))
    windows = read_windows(arguments.windows)
    if recipe.term_weight != 1 and not arguments.terms:
        problem = f"the recipe's term_weight is {recipe.term_weight:g}, but no term is known"
        raise UserError(Fault(problem, "give the table of terms (--terms results/terms.tsv)"))
    how = {
        "first_voice": arguments.first_voice,
        "language": arguments.language,
        "weighed": read_weighed(arguments.terms),
    }
    digest = training_digest(weights_digest(arguments.base), windows, recipe, **how)
    state = arguments.state / digest
    # Snakemake deletes the output before it runs this again, for whatever reason; what follows
    # from the same inputs is not trained a second time.
    trained = state / "model"
    if trained.exists():
        print("trained before, with the same data and recipe", file=sys.stderr)
    else:
        base = load_base(str(arguments.base))
        model = fine_tune(
            base,
            windows,
            recipe,
            state,
            **how,
            device=arguments.device,
            encodings=find_encodings(arguments.encodings) if arguments.encodings else {},
        )
        # Till then a process may still be reading the checkpoint with the best weights.
        wait_for_all()
        if is_first_process():
            save_model(trained, model, base)
    if is_first_process():
        link_model(trained, arguments.output)
        keep_trained(arguments.state, digest)


if __name__ == "__main__":
    run_script(main)
