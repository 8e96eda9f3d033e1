"""Speak one shard of the replay sentences and write their part of the manifest."""

import argparse
from pathlib import Path

from whisper_terms.errors import run_script
from whisper_terms.replay import read_replay
from whisper_terms.sharding import shard_name, shard_of
from whisper_terms.speech.arguments import (
    add_speech_arguments,
    casting_of,
    open_store,
    say_counts,
)
from whisper_terms.speech.synthesis import speak_all
from whisper_terms.tables import UTTERANCES, write_table
from whisper_terms.utterances import plan_replay


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    add = parser.add_argument
    add("--replay", required=True, type=Path, help="sentences, one a line")
    add("--first", type=int, help="how many of them are spoken (default: all)")
    add("--shard", required=True, help="the shard's name, such as 0003")
    add("--shards", required=True, type=int, help="number of shards")
    add("--output", required=True, type=Path, help="the shard's part of the manifest")
    add_speech_arguments(parser)
    return parser.parse_args()


def main() -> None:
    arguments = parse_arguments()
    sentences = read_replay(arguments.replay)[: arguments.first]
    plan = [
        utterance
        for utterance in plan_replay(sentences, casting_of(arguments))
        if shard_name(shard_of(utterance.spoken.text, arguments.shards)) == arguments.shard
    ]
    store = open_store(arguments)
    write_table(arguments.output, UTTERANCES, speak_all(plan, store))
    say_counts(store)


if __name__ == "__main__":
    run_script(main)
