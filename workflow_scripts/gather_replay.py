"""Check the user's own recordings for replay, copy them, and list them as utterances."""

import argparse
import sys
from pathlib import Path

from whisper_terms.dictionary import read_dictionaries
from whisper_terms.errors import UserError, run_script
from whisper_terms.recorded_replay import (
    check_recordings,
    copy_recordings,
    hold_terms,
    utterance_rows,
)
from whisper_terms.recordings import read_recordings
from whisper_terms.replay import read_replay_recordings
from whisper_terms.tables import UTTERANCES, write_table

# So many of the recordings that are left out are named.
_SHOWN = 20


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    add = parser.add_argument
    add("--replay", required=True, type=Path, nargs="+", help="tables: audio, text")
    add("--recordings", required=True, type=Path, nargs="+", help="tables of test recordings")
    add("--dictionary", required=True, type=Path, nargs="+", help="the dictionaries")
    add("--seconds", type=float, default=30.0, help="length of a window (default %(default)s)")
    add("--max-tokens", type=int, default=440, help="most tokens of a label (default %(default)s)")
    add("--held-out", required=True, type=float, help="share of the development set")
    add("--store", required=True, type=Path, help="folder of the copies")
    add("--output", required=True, type=Path, help="their part of the manifest")
    return parser.parse_args()


def main() -> None:
    arguments = parse_arguments()
    tested = read_recordings(arguments.recordings)
    recordings = read_replay_recordings(arguments.replay, tested)
    check_recordings(recordings, tested, arguments.seconds, arguments.max_tokens)
    with_terms = hold_terms(recordings, read_dictionaries(arguments.dictionary))
    if with_terms:
        print(f"{len(with_terms)} recordings left out: a term is said in them", file=sys.stderr)
    for one in with_terms[:_SHOWN]:
        print(f"  {one.fault('holds a term of the dictionary', '', one.text)}", file=sys.stderr)
    left_out = set(with_terms)
    rest = [one for one in recordings if one not in left_out]
    if not rest:
        cure = "add recordings without terms, or empty replay_recordings"
        raise UserError(with_terms[0].fault("every recording holds a term", cure))
    copies = copy_recordings(rest, arguments.store)
    write_table(arguments.output, UTTERANCES, utterance_rows(copies, arguments.held_out))


if __name__ == "__main__":
    run_script(main)
