"""Pack the manifest's utterances into windows of up to 30 s."""

import argparse
import sys
from pathlib import Path

from whisper_terms.config import WindowSettings
from whisper_terms.drawing import without_surplus
from whisper_terms.errors import run_script
from whisper_terms.replay import FEWEST_REPLAY
from whisper_terms.tables import UTTERANCES, read_table, write_table
from whisper_terms.windows import COLUMNS, PackingRules, pack, window_rows


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    add = parser.add_argument
    add("--manifest", required=True, type=Path, help="the manifest")
    add("--windows", default="{}", help="the configuration's block `windows`, JSON")
    add("--most", type=int, default=10**6, help="most utterances in a window (default: no limit)")
    add("--shards", required=True, type=int, help="number of shards; windows stay inside one")
    add("--replay-shards", type=int, help="of the replay (default: as many)")
    add(
        "--replay-for-terms",
        type=int,
        default=FEWEST_REPLAY,
        help="most windows of replay for each window of terms (default %(default)s)",
    )
    add("--output", required=True, type=Path, help="the table of windows")
    return parser.parse_args()


def main() -> None:
    arguments = parse_arguments()
    settings = WindowSettings.from_json(arguments.windows)
    rules = PackingRules(
        settings.seconds,
        settings.gap,
        settings.max_tokens,
        arguments.most,
        # A window of one utterance is the way that ours is compared with.
        settings.rooms() if arguments.most > 1 else {},
        settings.sparse,
    )
    utterances = read_table(arguments.manifest, UTTERANCES)
    windows = pack(utterances, rules, arguments.shards, arguments.replay_shards)
    kept = without_surplus(windows, arguments.replay_for_terms)
    write_table(arguments.output, COLUMNS, window_rows(kept))
    if left_out := len(utterances) - sum(len(window.utterances) for window in windows):
        print(f"{left_out} utterances left out: too long for a window", file=sys.stderr)
    if surplus := len(windows) - len(kept):
        print(f"{surplus} windows of replay left out: far more than of terms", file=sys.stderr)


if __name__ == "__main__":
    run_script(main)
