"""Check the test recordings, audio included, before any work starts; list them in one table."""

import argparse
from pathlib import Path

from whisper_terms.errors import UserError, run_script
from whisper_terms.recordings import check_audio, read_recordings
from whisper_terms.tables import write_table

COLUMNS = "recording audio text test_set".split()


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    add = parser.add_argument
    add("--recordings", required=True, type=Path, nargs="+", help="tables: audio, text, test_set")
    add("--output", required=True, type=Path, help="the table of all recordings")
    return parser.parse_args()


def main() -> None:
    arguments = parse_arguments()
    recordings = read_recordings(arguments.recordings)
    faults = [fault for one in recordings for fault in check_audio(one.audio)]
    if faults:
        raise UserError(faults)
    rows = (
        {"recording": one.id, "audio": one.audio, "text": one.text, "test_set": one.test_set}
        for one in recordings
    )
    write_table(arguments.output, COLUMNS, rows)


if __name__ == "__main__":
    run_script(main)
