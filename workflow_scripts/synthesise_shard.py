"""Speak the utterances of one shard's terms and write the shard's part of the manifest."""

import argparse
from pathlib import Path

from whisper_terms.carriers import read_carriers
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
from whisper_terms.tables import TERMS, UTTERANCES, read_table, write_table
from whisper_terms.utterances import plan_term, split_sentences


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    add = parser.add_argument
    add("--terms", required=True, type=Path, help="results/terms.tsv")
    add("--carriers", required=True, type=Path, help="table of carrier sentences: class, template")
    add(
        "--replay",
        required=True,
        type=Path,
        help="sentences, one a line; those with a word that sounds like a term are spoken",
    )
    add("--first", type=int, help="how many of them are looked at (default: all)")
    add("--shard", required=True, help="the shard's name, such as 0003")
    add("--shards", required=True, type=int, help="number of shards")
    add("--output", required=True, type=Path, help="the shard's part of the manifest")
    add_speech_arguments(parser)
    return parser.parse_args()


def main() -> None:
    arguments = parse_arguments()
    casting, carriers = casting_of(arguments), read_carriers(arguments.carriers)
    sentences = read_replay(arguments.replay)[: arguments.first]
    everyday = split_sentences(sentences, casting.held_out)
    store = open_store(arguments)
    plan = [
        utterance
        for term in read_table(arguments.terms, TERMS)
        if shard_name(shard_of(term["term_id"], arguments.shards)) == arguments.shard
        for utterance in plan_term(term, carriers, casting, everyday)
    ]
    write_table(arguments.output, UTTERANCES, speak_all(plan, store))
    say_counts(store)


if __name__ == "__main__":
    run_script(main)
