"""The rows of eval.tsv, terms_eval.tsv and flips.tsv."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence

from whisper_terms.recordings import ALL_SETS
from whisper_terms.scoring.bootstrap import RESAMPLES, SEED
from whisper_terms.scoring.columns import NOTHING, counted
from whisper_terms.scoring.lexicon import Lexicon
from whisper_terms.scoring.measures import Draws, Row, changes, flips, measures
from whisper_terms.scoring.utterance import (
    ScoredUtterance,
    Tokenise,
    UtteranceCounts,
    count_utterance,
)

SystemCounts = Mapping[str, Sequence[UtteranceCounts]]


def count_systems(
    systems: Mapping[str, Sequence[ScoredUtterance]], lexicon: Lexicon, tokenise: Tokenise
) -> dict[str, list[UtteranceCounts]]:
    """Count every utterance of every system.

    Args:
        systems: the utterances by system, the base first, the same recordings in the same order.
        lexicon: the terms to look for.
        tokenise: cuts a text into words, for the word error rate.

    Raises:
        ValueError: two systems heard different recordings.
    """
    recordings = {
        tuple((one.audio, one.test_set, one.reference) for one in utterances)
        for utterances in systems.values()
    }
    if len(recordings) > 1:
        raise ValueError("all systems must have heard the same recordings, in the same order")
    return {
        system: [count_utterance(utterance, lexicon, tokenise) for utterance in utterances]
        for system, utterances in systems.items()
    }


def eval_rows(
    model: str, systems: SystemCounts, resamples: int = RESAMPLES, seed: int = SEED
) -> list[Row]:
    """The rows of eval.tsv: each system on each test set, then on all of them together.

    The first system is the base of flips and changes. A rate without a denominator is an empty
    string.
    """
    base = next(iter(systems.values()), [])
    draws = Draws(resamples, seed)
    rows = []
    for system, counts in systems.items():
        for test_set, places in _places_by_test_set(base).items():
            rows.append(
                {"model": model, "system": system, "test_set": test_set}
                | measures([counts[i] for i in places], draws)
                | changes([base[i] for i in places], [counts[i] for i in places], draws)
            )
    return rows


def terms_rows(systems: SystemCounts, lexicon: Lexicon) -> list[Row]:
    """The rows of terms_eval.tsv: for each system, the terms that the references hold.

    `heard_before` counts the base's hits, `heard_after` the system's; `mishearings` are the
    system's, most frequent first. The base's own rows are there for its mishearings.
    """
    base = next(iter(systems.values()), [])
    before = _total(one.terms.heard for one in base)
    occurrences = _total(one.terms.occurrences for one in base)
    return [
        {
            "system": system,
            "term_id": term.term_id,
            "surface": term.surface,
            "reading": term.reading,
            "occurrences": occurrences[term.term_id],
            "heard_before": before[term.term_id],
            "heard_after": after[term.term_id],
            "mishearings": mishearings.get(term.term_id, ""),
        }
        for system, counts in systems.items()
        for after, mishearings in [(_total(one.terms.heard for one in counts), _misheard(counts))]
        for term in lexicon.terms.values()
        if occurrences[term.term_id]
    ]


def flips_rows(systems: SystemCounts) -> list[Row]:
    """The rows of flips.tsv: the utterances that a system changed from right to wrong or back."""
    base = next(iter(systems.values()), [])
    return [
        {
            "system": system,
            "test_set": after.utterance.test_set,
            "audio": after.utterance.audio,
            "reference": after.utterance.reference,
            "before": before.utterance.hypothesis,
            "after": after.utterance.hypothesis,
            "direction": direction,
        }
        for system, counts in systems.items()
        for before, after, direction in flips(base, counts)
    ]


def _places_by_test_set(utterances: Sequence[UtteranceCounts]) -> dict[str, list[int]]:
    """The positions of each test set's utterances, and those of all."""
    places = defaultdict(list)
    for position, counts in enumerate(utterances):
        places[counts.utterance.test_set].append(position)
    return {**places, ALL_SETS: list(range(len(utterances)))}


def _total(counters: Iterable[Counter[str]]) -> Counter[str]:
    total: Counter[str] = Counter()
    for counter in counters:
        total.update(counter)
    return total


def _misheard(counts: Sequence[UtteranceCounts]) -> dict[str, str]:
    """What each term was misheard as: text×count, most frequent first."""
    heard: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for one in counts:
        for mishearing in one.mishearings:
            heard[mishearing.term_id][mishearing.heard or NOTHING] += 1
    return {term_id: counted(texts) for term_id, texts in heard.items()}
