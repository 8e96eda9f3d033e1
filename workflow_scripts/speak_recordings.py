"""Speak the sentences of a table of test recordings with a voice that no training uses.

Real recordings say more; this is for the time until there are some. Audio that exists is kept, so
each voice and room wants a folder of its own.
"""

import argparse
from pathlib import Path

import numpy as np

from whisper_terms.dictionary import read_dictionaries
from whisper_terms.errors import run_script
from whisper_terms.progress import progress
from whisper_terms.readings import settle_reading
from whisper_terms.rooms import hear_in
from whisper_terms.speech.engine import Replacement, SpokenText, Voice
from whisper_terms.speech.openjtalk import OpenJTalk
from whisper_terms.speech.sound import SAMPLE_RATE, finish, is_written, write_recording
from whisper_terms.tables import RECORDINGS, read_table, write_table

# A speaker neither begins with the recording nor ends with it.
PAUSE = np.zeros(round(0.3 * SAMPLE_RATE), np.float32)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    add = parser.add_argument
    add("--recordings", required=True, type=Path, help="table: audio, text, test_set")
    add("--dictionary", required=True, type=Path, nargs="+", help="how the terms are read")
    add("--voice", required=True, help="an .htsvoice file")
    add("--output", type=Path, help="folder for audio and a copy of the table (default: its own)")
    add(
        "--room",
        default="",
        choices=["noise", "reverberation", "telephone"],
        help="where it is heard, as `windows.noise` and its like have it (default: nowhere)",
    )
    add("--loudness", type=float, default=-23.0, help="RMS level in dBFS (default %(default)s)")
    arguments = parser.parse_args()
    if arguments.room and not arguments.output:
        # Audio that exists is kept, and it may be of no room.
        parser.error("--room needs --output, a folder for what is heard there")
    return arguments


def read_replacements(dictionaries: list[Path]) -> list[Replacement]:
    """How the dictionaries' terms are said, the longest first."""
    entries = sorted(read_dictionaries(dictionaries), key=lambda entry: -len(entry.surface))
    settled = [(entry.surface, settle_reading(entry.surface, entry.reading)) for entry in entries]
    return [Replacement(surface, how.reading, how.pronunciation) for surface, how in settled]


def main() -> None:
    arguments = parse_arguments()
    terms = read_replacements(arguments.dictionary)
    engine, voice = OpenJTalk(), Voice("test", arguments.voice)
    folder = arguments.output or arguments.recordings.parent
    rows = read_table(arguments.recordings, RECORDINGS)
    for row in progress(rows, "speaking"):
        audio = folder / row["audio"]
        if is_written(audio):
            continue
        how = tuple(term for term in terms if term.surface in row["text"])
        speech = finish(*engine.speak(SpokenText(row["text"], how), voice), arguments.loudness)
        said = np.concatenate([PAUSE, speech, PAUSE])
        room = f"{arguments.room}:{row['text']}" if arguments.room else ""
        write_recording(audio, hear_in(said, room))
    if arguments.output:
        write_table(folder / arguments.recordings.name, RECORDINGS, rows)


if __name__ == "__main__":
    run_script(main)
