"""What a model hears of the terms' own synthetic speech."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from whisper_terms.remembered import ask_once, state_of
from whisper_terms.sharding import digest
from whisper_terms.utterances import CONTEXT, TERM, TRAIN

HEARD = "audio term_id text heard".split()
_KNOWN = "audio heard".split()
# Raised when the same model is made to hear the same sound otherwise.
_METHOD = 1


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
        # By what is heard, wherever the store lies.
        lone, framed = (sorted(rows, key=lambda row: digest(_name(row))) for rows in kinds.values())
        alone = max(per_term - len(framed), per_term // 2)
        chosen += [*lone[:alone], *framed[: per_term - len(lone[:alone])]]
    return chosen


def hear_utterances(
    utterances: Sequence[Mapping[str, str]],
    model: Path,
    how: Sequence[str | int],
    states: Path,
    listen: Callable[[list[Path]], Iterator[tuple[Path, str]]],
) -> list[dict[str, str]]:
    """Listen to utterances, but to none of them twice: an edited term costs that term only.

    Args:
        utterances: rows of the manifest; the names of their audio files are digests of the sound.
        model: the file of its weights.
        how: what else the answer depends on, such as the language and the number of beams.
        states: folder in which what a model heard is kept from run to run, and, should this one be
            killed, most of it up to there.
        listen: gives for audio files, in any order, what the model hears.

    Returns:
        Rows of HEARD, in the order of `utterances`.
    """
    audio = {_name(row): Path(row["audio"]) for row in utterances}

    def hear(names: list[str]) -> Iterator[tuple[str, str]]:
        for path, heard in listen([audio[name] for name in names]):
            yield path.name, heard

    known = ask_once(state_of(states, model, _METHOD, *how), _KNOWN, audio, hear)
    return [
        {key: row[key] for key in ("audio", "term_id", "text")} | {"heard": known[_name(row)]}
        for row in utterances
    ]


def _name(row: Mapping[str, str]) -> str:
    return Path(row["audio"]).name
