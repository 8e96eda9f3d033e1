"""Remove speech and encodings that nothing which would be made now has use for.

Tables that name what is removed go too, so that what is missing is made again when it is wanted.
"""

import argparse
import sys
from pathlib import Path

from whisper_terms.encodings import encoding_path, read_encodings, weights_digest
from whisper_terms.errors import run_script
from whisper_terms.pruning import Leftovers, find_leftovers
from whisper_terms.tables import UTTERANCES, read_table
from whisper_terms.windows import read_windows


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    add = parser.add_argument
    add("--shards", required=True, nargs="+", type=Path, help="tables of all utterances")
    add("--speech", required=True, type=Path, help="folder of the wavs and of such tables")
    add("--recorded", nargs="*", type=Path, default=[], help="tables of recordings for replay")
    add("--copies", type=Path, help="folder of the copies of such recordings and of the tables")
    add("--windows", nargs="*", type=Path, default=[], help="tables of windows")
    add("--models", nargs="*", type=Path, default=[], help="folders, MODEL/windows/*.tsv included")
    add("--dry-run", action="store_true", help="only say what would be removed")
    return parser.parse_args()


def main() -> None:
    arguments = parse_arguments()
    spoken = read_spoken([*arguments.shards, *arguments.recorded])
    leftovers = speech_leftovers(arguments.speech, arguments.shards, spoken)
    if arguments.copies:
        used = [*map(Path, read_spoken(arguments.recorded)), *arguments.recorded]
        leftovers[arguments.copies] = find_leftovers(arguments.copies, used)
    windows = {one.id for table in arguments.windows for one in read_windows(table)}
    for model in arguments.models:
        leftovers |= encoding_leftovers(model, windows | own_windows(model, spoken))
    for store, found in leftovers.items():
        verb = "would remove" if arguments.dry_run else "removing"
        size = f"{found.size / 1e6:.1f} MB"
        print(f"{store}: {verb} {len(found.files)} files, {size}; {found.kept} kept")
        if not arguments.dry_run:
            found.remove()


def read_spoken(tables: list[Path]) -> set[str]:
    """The wavs that tables of utterances name."""
    return {row["audio"] for table in tables for row in read_table(table, UTTERANCES)}


def own_windows(model: Path, spoken: set[str]) -> set[str]:
    """The windows of a model's own tables that may be wanted again.

    To bring such a table up to date the model would have to listen. It is read as it is, but for
    windows with speech that is gone, which no new table will have.
    """
    windows = [one for table in model.glob("windows/[!.]*.tsv") for one in read_windows(table)]
    return {one.id for one in windows if all(said.audio in spoken for said in one.utterances)}


def speech_leftovers(speech: Path, shards: list[Path], spoken: set[str]) -> dict[Path, Leftovers]:
    """Wavs that no table names, those of single terms that are no more, and tables of shards."""
    terms = {row["term_id"] for table in shards for row in read_table(table, UTTERANCES)}
    used = {
        "store": map(Path, spoken),
        "term": [speech / "term" / f"{term}.wav" for term in terms if term],
        "terms": shards,
        "replay": shards,
    }
    return {speech / name: find_leftovers(speech / name, files) for name, files in used.items()}


def encoding_leftovers(model: Path, windows: set[str]) -> dict[Path, Leftovers]:
    """Encodings of windows that are gone, and tables that name one; of a model that has any."""
    base, folder = model / "base" / "checkpoint", model / "encodings"
    store = folder / "store"
    if not store.exists():
        return {}
    if not windows or not base.exists():
        print(f"{store}: left alone, since its windows or {base} are missing", file=sys.stderr)
        return {}
    weights = weights_digest(base)
    found = find_leftovers(store, [encoding_path(store, weights, window) for window in windows])
    tables = sorted(folder.glob("[!.]*.tsv"))
    stale = [table for table in tables if read_encodings(table).keys() - windows]
    return {store: found, folder: Leftovers(tuple(stale), len(tables) - len(stale))}


if __name__ == "__main__":
    run_script(main)
