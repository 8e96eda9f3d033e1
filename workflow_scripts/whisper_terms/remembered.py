"""What a model answered, kept from run to run, so that it is asked once."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from whisper_terms.sharding import digest, file_sha256, is_digest
from whisper_terms.tables import read_table, write_table

# Answers are kept after so many.
_KEPT = 200


def state_of(states: Path, model: Path, method: int, *how: object) -> Path:
    """Where the answers of a model are kept.

    Args:
        states: a folder of such tables.
        model: the file of its weights.
        method: raised when the same model is made to answer otherwise.
        how: all else that its answers follow from.
    """
    return states / f"{digest([method, file_sha256(model), *how])}.tsv"


def ask_once(
    state: Path,
    columns: Sequence[str],
    keys: Iterable[str],
    ask: Callable[[list[str]], Iterable[tuple[str, str]]],
) -> Mapping[str, str]:
    """Ask what is not known yet.

    Args:
        state: table in which answers are kept, and, should this run be killed, most of those up to
            there. Other tables beside it are of other models, and removed.
        columns: its two columns, keys and answers.
        keys: what is wanted.
        ask: gives the answers to keys, in any order.

    Returns:
        The answer to each key, and to others that were asked before.
    """
    key, value = columns
    rows = read_table(state, columns) if state.exists() else []
    known = {row[key]: row[value] for row in rows}
    missing = [one for one in dict.fromkeys(keys) if one not in known]
    keep_at = _KEPT
    for number, (one, answer) in enumerate(ask(missing) if missing else (), 1):
        known[one] = answer
        if number == keep_at or number == len(missing):
            write_table(state, columns, ({key: k, value: v} for k, v in known.items()))
            # The whole table is written each time, so ever less often.
            keep_at = number + max(_KEPT, number // 4)
    for other in state.parent.glob("*.tsv"):
        if other != state and is_digest(other.stem):
            other.unlink()
    return known
