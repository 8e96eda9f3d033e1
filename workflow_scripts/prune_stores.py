"""Remove speech that the manifest does not name, and encodings of windows that are gone."""

import argparse
import sys
from pathlib import Path

from whisper_terms.encodings import encoding_path, weights_digest
from whisper_terms.errors import run_script
from whisper_terms.pruning import Leftovers, find_leftovers
from whisper_terms.tables import UTTERANCES, read_table
from whisper_terms.windows import read_windows


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    add = parser.add_argument
    add("--manifest", required=True, type=Path, help="table of all utterances")
    add("--speech", required=True, type=Path, help="store of the wavs")
    add("--windows", nargs="*", type=Path, default=[], help="tables of windows")
    add("--models", nargs="*", type=Path, default=[], help="folders, results/MODEL")
    add("--dry-run", action="store_true", help="only say what would be removed")
    return parser.parse_args()


def main() -> None:
    arguments = parse_arguments()
    wavs = [Path(row["audio"]) for row in read_table(arguments.manifest, UTTERANCES)]
    found = {str(arguments.speech): find_leftovers(arguments.speech, wavs)}
    windows = {one.id for table in arguments.windows for one in read_windows(table)}
    for model in arguments.models:
        base, store = model / "base" / "checkpoint", model / "encodings" / "store"
        if not base.exists():
            print(f"{store}: left alone, since {base} is missing", file=sys.stderr)
            continue
        weights = weights_digest(base)
        used = [encoding_path(store, weights, window) for window in windows]
        found[str(store)] = find_leftovers(store, used)
    for store, leftovers in found.items():
        print(describe(store, leftovers, "would remove" if arguments.dry_run else "removing"))
        if not arguments.dry_run:
            leftovers.remove()


def describe(store: str, leftovers: Leftovers, verb: str) -> str:
    """One line on a store."""
    count = len(leftovers.files)
    return f"{store}: {verb} {count} files, {leftovers.size / 1e6:.1f} MB; {leftovers.kept} kept"


if __name__ == "__main__":
    run_script(main)
