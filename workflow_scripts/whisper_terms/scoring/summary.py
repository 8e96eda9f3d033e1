"""The rows of eval.tsv, terms_eval.tsv and flips.tsv."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from whisper_terms.recordings import ALL_SETS
from whisper_terms.scoring.bootstrap import RESAMPLES, SEED, ratio_interval
from whisper_terms.scoring.columns import NOTHING, RIGHT_TO_WRONG, WRONG_TO_RIGHT, counted
from whisper_terms.scoring.lexicon import Lexicon
from whisper_terms.scoring.utterance import (
    ScoredUtterance,
    Tokenise,
    UtteranceCounts,
    count_utterance,
)

SystemCounts = Mapping[str, Sequence[UtteranceCounts]]
Row = dict[str, object]


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

    The first system is the base of the flips. A rate without a denominator is an empty string.
    """
    base = next(iter(systems.values()), [])
    rows = []
    for system, counts in systems.items():
        for test_set, places in _places_by_test_set(base).items():
            rows.append(
                {"model": model, "system": system, "test_set": test_set}
                | _measures([counts[i] for i in places], resamples, seed)
                | _count_flips([base[i] for i in places], [counts[i] for i in places])
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
        for before, after, direction in _flips(base, counts)
    ]


def _places_by_test_set(utterances: Sequence[UtteranceCounts]) -> dict[str, list[int]]:
    """The positions of each test set's utterances, and those of all."""
    places = defaultdict(list)
    for position, counts in enumerate(utterances):
        places[counts.utterance.test_set].append(position)
    return {**places, ALL_SETS: list(range(len(utterances)))}


def _measures(counts: Sequence[UtteranceCounts], resamples: int, seed: int) -> Row:
    """The measures of one system on one test set; rates are micro-averages.

    A rate is a sum of errors over a sum of lengths, so silence, whose reference is empty, adds its
    insertions to the numerator only.
    """
    return {
        "utterances": len(counts),
        "seconds": _seconds(counts),
        **_error_rates(counts, resamples, seed),
        **_term_rates(counts, resamples, seed),
        "false_accepts_per_hour": _false_accepts_per_hour(counts),
        "rtf": _real_time_factor(counts),
    }


def _error_rates(counts: Sequence[UtteranceCounts], resamples: int, seed: int) -> Row:
    errors = [one.errors for one in counts]
    lengths = [one.characters for one in counts]
    outside_errors = [one.errors - one.term_errors for one in counts]
    outside_lengths = [one.characters - one.term_characters for one in counts]
    return {
        **_rate_with_interval("cer", errors, lengths, resamples, seed),
        "wer": _rate(sum(one.word_errors for one in counts), sum(one.words for one in counts)),
        **_rate_with_interval("u_cer", outside_errors, outside_lengths, resamples, seed),
        "b_cer": _rate(
            sum(one.term_errors for one in counts), sum(one.term_characters for one in counts)
        ),
    }


def _term_rates(counts: Sequence[UtteranceCounts], resamples: int, seed: int) -> Row:
    """Recall = heard / said, precision = heard / (heard + false), F1 = their harmonic mean."""
    heard = [one.terms.heard.total() for one in counts]
    said = [one.terms.occurrences.total() for one in counts]
    claimed = sum(heard) + sum(one.terms.false.total() for one in counts)
    return {
        "term_occurrences": sum(said),
        **_rate_with_interval("term_recall", heard, said, resamples, seed),
        "term_precision": _rate(sum(heard), claimed),
        "term_f1": _rate(2 * sum(heard), sum(said) + claimed),
    }


def _false_accepts_per_hour(counts: Sequence[UtteranceCounts]) -> float | str:
    """The terms written in utterances that hold none, per hour of those utterances' audio."""
    free = [one for one in counts if not one.terms.occurrences]
    seconds = _seconds(free)
    if seconds == "":
        return ""
    return _rate(3600 * sum(one.written_terms for one in free), seconds)


def _real_time_factor(counts: Sequence[UtteranceCounts]) -> float | str:
    """Seconds of computing per second of audio; empty unless known of every utterance."""
    computed = [one.utterance.compute_seconds for one in counts]
    seconds = _seconds(counts)
    if seconds == "" or None in computed:
        return ""
    return _rate(sum(computed), seconds)


def _seconds(counts: Sequence[UtteranceCounts]) -> float | str:
    lengths = [one.utterance.seconds for one in counts]
    return "" if None in lengths else round(sum(lengths), 3)


def _rate(numerator: float, denominator: float) -> float | str:
    return round(numerator / denominator, 6) if denominator else ""


def _rate_with_interval(
    name: str, numerators: Sequence[int], denominators: Sequence[int], resamples: int, seed: int
) -> Row:
    interval = ratio_interval(numerators, denominators, resamples, seed)
    return {
        name: _rate(sum(numerators), sum(denominators)),
        f"{name}_low": round(interval.low, 6) if interval else "",
        f"{name}_high": round(interval.high, 6) if interval else "",
    }


def _flips(
    base: Sequence[UtteranceCounts], counts: Sequence[UtteranceCounts]
) -> Iterator[tuple[UtteranceCounts, UtteranceCounts, str]]:
    for before, after in zip(base, counts, strict=True):
        if before.right != after.right:
            yield before, after, RIGHT_TO_WRONG if before.right else WRONG_TO_RIGHT


def _count_flips(base: Sequence[UtteranceCounts], counts: Sequence[UtteranceCounts]) -> Row:
    directions = Counter(direction for _, _, direction in _flips(base, counts))
    return {name: directions[name] for name in (RIGHT_TO_WRONG, WRONG_TO_RIGHT)}


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
