"""Join the shards' tables into the manifest: every utterance of the training data."""

import argparse
import sys
from pathlib import Path

from whisper_terms.dictionary import read_dictionaries
from whisper_terms.errors import run_script
from whisper_terms.manifest import build_manifest
from whisper_terms.recordings import read_recordings
from whisper_terms.scoring.lexicon import lexicon_of
from whisper_terms.tables import UTTERANCES, read_table, write_table


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    add = parser.add_argument
    add("--shards", required=True, type=Path, nargs="+", help="the shards' tables, or folders")
    add(
        "--recordings",
        required=True,
        type=Path,
        nargs="+",
        help="test recordings: a sentence that is tested is not trained on",
    )
    add(
        "--dictionary",
        required=True,
        type=Path,
        nargs="+",
        help="the dictionaries: replay holds none of their terms",
    )
    add("--output", required=True, type=Path, help="the manifest")
    return parser.parse_args()


def main() -> None:
    arguments = parse_arguments()
    tables = [
        table
        for path in arguments.shards
        for table in (sorted(path.glob("*.tsv")) if path.is_dir() else [path])
    ]
    rows = (row for table in tables for row in read_table(table, UTTERANCES))
    tested = [recording.text for recording in read_recordings(arguments.recordings)]
    lexicon = lexicon_of(read_dictionaries(arguments.dictionary))
    manifest = build_manifest(rows, tested, lexicon)
    write_table(arguments.output, UTTERANCES, manifest.rows)
    if manifest.tested:
        print(f"{manifest.tested} utterances left out: they are tested", file=sys.stderr)
    if manifest.with_terms:
        print(
            f"{manifest.with_terms} of replay and contrast left out: a term stands in them",
            file=sys.stderr,
        )


if __name__ == "__main__":
    run_script(main)
