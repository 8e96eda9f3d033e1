"""Settle how one shard's terms are read and said; `check_dictionary.py` does it for all."""

import argparse
from pathlib import Path

from whisper_terms.dictionary import inspect_dictionaries
from whisper_terms.errors import run_script
from whisper_terms.sentences import inspect_sentences, share_sentences
from whisper_terms.sharding import shard_name, shard_of
from whisper_terms.tables import TERMS, write_table
from whisper_terms.terms import settle_entries, term_rows


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    add = parser.add_argument
    add("--dictionary", required=True, nargs="+", metavar="FILE", help="the dictionaries")
    add("--sentences", nargs="*", default=[], metavar="FILE", help="sentences with terms")
    add("--shard", required=True, help="the shard's name, such as 0003")
    add("--shards", required=True, type=int, help="number of shards")
    add("--output", required=True, type=Path, help="the shard's part of the table of terms")
    return parser.parse_args()


def main() -> None:
    arguments = parse_arguments()
    entries, faults = inspect_dictionaries(arguments.dictionary)
    sentences, wrong = inspect_sentences(arguments.sentences)
    entries = share_sentences(entries, sentences)
    here = [
        entry
        for entry in entries
        if shard_name(shard_of(entry.term_id, arguments.shards)) == arguments.shard
    ]
    write_table(arguments.output, TERMS, term_rows(settle_entries(here, [*faults, *wrong])))


if __name__ == "__main__":
    run_script(main)
