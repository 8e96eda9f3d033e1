"""What a model hears of the terms' own synthetic speech."""

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from whisper_terms.sharding import digest
from whisper_terms.tables import read_table, write_table
from whisper_terms.utterances import CONTEXT, TERM, TRAIN

HEARD = "audio term_id text heard".split()
_KNOWN = "audio heard".split()
# What is heard is kept every so many utterances.
_KEPT = 200


def choose_utterances(
    manifest: Iterable[Mapping[str, str]], per_term: int
) -> list[Mapping[str, str]]:
    """The training utterances of each term to listen to, half of them lone terms.

    Args:
        manifest: rows of manifest.tsv.
        per_term: how many of each term, at most.
    """
    by_term: defaultdict[str, dict[str, list]] = defaultdict(lambda: {TERM: [], CONTEXT: []})
    for row in manifest:
        if row["split"] == TRAIN and row["kind"] in (TERM, CONTEXT):
            by_term[row["term_id"]][row["kind"]].append(row)
    chosen = []
    for kinds in by_term.values():
        lone, framed = (
            sorted(rows, key=lambda row: digest(row["audio"])) for rows in kinds.values()
        )
        alone = max(per_term - len(framed), per_term // 2)
        chosen += [*lone[:alone], *framed[: per_term - len(lone[:alone])]]
    return chosen


def hear_utterances(
    utterances: Sequence[Mapping[str, str]],
    model: Path,
    states: Path,
    listen: Callable[[list[Path]], Iterator[tuple[Path, str]]],
) -> list[dict[str, str]]:
    """Listen to utterances, but to none of them twice: an edited term costs that term only.

    Args:
        utterances: rows of the manifest; the names of their audio files are digests of the sound.
        model: the file of its weights.
        states: folder in which what a model heard is kept from run to run, and, should this one be
            killed, up to there.
        listen: gives for audio files, in any order, what the model hears.

    Returns:
        Rows of HEARD, in the order of `utterances`.
    """
    with model.open("rb") as source:
        state = states / f"{hashlib.file_digest(source, 'sha256').hexdigest()[:16]}.tsv"
    rows = read_table(state, _KNOWN) if state.exists() else []
    known = {row["audio"]: row["heard"] for row in rows}
    missing = [Path(row["audio"]) for row in utterances if row["audio"] not in known]
    for number, (audio, heard) in enumerate(listen(missing) if missing else (), 1):
        known[str(audio)] = heard
        if number % _KEPT == 0 or number == len(missing):
            write_table(state, _KNOWN, _known_rows(known))
    for other in states.glob("*.tsv"):
        if other != state:
            other.unlink()
    return [
        {key: row[key] for key in ("audio", "term_id", "text")} | {"heard": known[row["audio"]]}
        for row in utterances
    ]


def _known_rows(known: Mapping[str, str]) -> Iterator[dict[str, str]]:
    return ({"audio": audio, "heard": heard} for audio, heard in known.items())
