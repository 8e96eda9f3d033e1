"""Write the report of an evaluation: one HTML file to read, send and print."""

import argparse
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from whisper_terms.errors import UserError, run_script
from whisper_terms.recordings import Recording, read_recordings
from whisper_terms.report_costs import costs, read_jobs
from whisper_terms.report_html import Report, render
from whisper_terms.report_measures import read_evaluation
from whisper_terms.scoring.columns import FLIPS, HOMOPHONES_EVAL, TERMS_EVAL
from whisper_terms.scoring.transcripts import parse_systems, read_transcript
from whisper_terms.tables import TERMS, read_table, write_text


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    add = parser.add_argument
    add("--model", required=True, help="name of the model, as in the table of measures")
    add("--eval", required=True, type=Path, help="table of measures")
    add("--terms-eval", required=True, type=Path, help="table of terms heard")
    add("--homophones-eval", required=True, type=Path, help="table of words of one sound")
    add("--flips", required=True, type=Path, help="table of changed utterances")
    add("--terms", required=True, type=Path, help="results/terms.tsv")
    add("--recordings", required=True, type=Path, nargs="+", help="tables: audio, text, test_set")
    add(
        "--transcripts",
        required=True,
        nargs="+",
        metavar="NAME=DIR",
        help="a system and the folder of its transcripts",
    )
    add(
        "--benchmarks",
        type=Path,
        nargs="*",
        default=[],
        metavar="DIR",
        help="folders of Snakemake's benchmarks, STAGE.tsv or STAGE/…/*.tsv",
    )
    add("--output", required=True, type=Path, help="the HTML file to write")
    return parser.parse_args()


def read_transcripts(
    folders: Mapping[str, Path], recordings: Sequence[Recording]
) -> dict[str, list[str]]:
    """What each system wrote, in the order of the recordings.

    Raises:
        UserError: with all transcripts that are missing or malformed.
    """
    texts: dict[str, list[str]] = {}
    faults = []
    for name, folder in folders.items():
        texts[name] = []
        for recording in recordings:
            try:
                texts[name].append(read_transcript(folder / f"{recording.id}.tsv"))
            except UserError as error:
                faults += error.faults
    if faults:
        raise UserError(faults)
    return texts


def shown_files(arguments: argparse.Namespace, folders: Mapping[str, Path]) -> dict[str, str]:
    """What the report was made from, as paths from the folder of the report."""
    files = {
        "measures": arguments.eval,
        "terms heard": arguments.terms_eval,
        "words of one sound": arguments.homophones_eval,
        "changed sentences": arguments.flips,
        "terms": arguments.terms,
        **{f"recordings {path.stem}": path for path in arguments.recordings},
        **{f"transcripts of {name}": folder for name, folder in folders.items()},
        **{f"benchmarks {place}": path for place, path in enumerate(arguments.benchmarks, start=1)},
    }
    start = arguments.output.parent
    return {name: Path(os.path.relpath(path, start)).as_posix() for name, path in files.items()}


def main() -> None:
    arguments = parse_arguments()
    folders = parse_systems(arguments.transcripts)
    evaluation = read_evaluation(arguments.eval, arguments.model)
    recordings = read_recordings(arguments.recordings)
    report = Report(
        model=arguments.model,
        evaluation=evaluation,
        terms_eval=read_table(arguments.terms_eval, TERMS_EVAL),
        flips=read_table(arguments.flips, FLIPS),
        terms=read_table(arguments.terms, TERMS),
        recordings=recordings,
        transcripts=read_transcripts(folders, recordings),
        homophones=read_table(arguments.homophones_eval, HOMOPHONES_EVAL),
        costs=costs(read_jobs(arguments.benchmarks), evaluation.systems),
        files=shown_files(arguments, folders),
    )
    write_text(arguments.output, render(report))


if __name__ == "__main__":
    run_script(main)
