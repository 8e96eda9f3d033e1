"""What is measured of one system on one test set, each rate with its 95 % interval."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from whisper_terms.scoring.bootstrap import (
    Interval,
    paired_bootstrap,
    rate_interval,
    share_interval,
)
from whisper_terms.scoring.columns import RIGHT_TO_WRONG, WRONG_TO_RIGHT, with_interval
from whisper_terms.scoring.utterance import UtteranceCounts

Row = dict[str, object]
Counts = Sequence[UtteranceCounts]


@dataclass(frozen=True)
class Draws:
    """How often and from which seed intervals are drawn."""

    resamples: int
    seed: int

    def share(self, name: str, parts: Sequence[float], wholes: Sequence[float]) -> Row:
        """The cells of a share, a number an utterance each; empty without a whole."""
        interval = share_interval(parts, wholes, self.resamples, self.seed)
        return _cells(name, _rate(sum(parts), sum(wholes)), interval)

    def rate(self, name: str, events: Sequence[float], amounts: Sequence[float]) -> Row:
        """The cells of a number of events in an amount of time."""
        interval = rate_interval(events, amounts, self.resamples, self.seed)
        return _cells(name, _rate(sum(events), sum(amounts)), interval)

    def change(
        self, name: str, base: Sequence[int], system: Sequence[int], lengths: Sequence[int]
    ) -> Row:
        """The cells of an error rate less the base's, on the same utterances."""
        change = paired_bootstrap(base, system, lengths, self.resamples, self.seed)
        if change is None:
            return _cells(name, "", None)
        return _cells(name, round(change.difference, 6), change.interval)

    def count(self, name: str, happened: Sequence[bool]) -> Row:
        """The cells of a number of utterances."""
        interval = share_interval(happened, [1] * len(happened), self.resamples, self.seed)
        if interval:
            interval = Interval(interval.low * len(happened), interval.high * len(happened))
        return _cells(name, sum(happened), interval)


def measures(counts: Counts, draws: Draws) -> Row:
    """The measures of a system on a test set; rates are micro-averages.

    A rate is a sum of errors over a sum of lengths, so silence, whose reference is empty, adds its
    insertions to the numerator only.
    """
    return {
        "utterances": len(counts),
        "seconds": _seconds(counts),
        **_error_rates(counts, draws),
        **_term_rates(counts, draws),
        **_false_accepts_per_hour(counts, draws),
        "rtf": _real_time_factor(counts),
    }


def changes(base: Counts, counts: Counts, draws: Draws) -> Row:
    """How a system differs from the base on a test set; of the base itself rates have no change."""
    directions = [_direction(*pair) for pair in zip(base, counts, strict=True)]
    flips = draws.count(RIGHT_TO_WRONG, [one == RIGHT_TO_WRONG for one in directions])
    flips |= draws.count(WRONG_TO_RIGHT, [one == WRONG_TO_RIGHT for one in directions])
    if all(after is before for before, after in zip(base, counts, strict=True)):
        names = (*with_interval("cer_change"), *with_interval("u_cer_change"))
        return flips | dict.fromkeys(names, "")
    before, after = ([one.errors for one in some] for some in (base, counts))
    return (
        flips
        | draws.change("cer_change", before, after, [one.characters for one in base])
        | draws.change(
            "u_cer_change",
            _errors_outside(base),
            _errors_outside(counts),
            _characters_outside(base),
        )
    )


def flips(base: Counts, counts: Counts) -> Iterator[tuple[UtteranceCounts, UtteranceCounts, str]]:
    """Utterances that were right before and are wrong after, or the other way round, and which."""
    for before, after in zip(base, counts, strict=True):
        if direction := _direction(before, after):
            yield before, after, direction


def _direction(before: UtteranceCounts, after: UtteranceCounts) -> str:
    if before.right == after.right:
        return ""
    return RIGHT_TO_WRONG if before.right else WRONG_TO_RIGHT


def _error_rates(counts: Counts, draws: Draws) -> Row:
    term_characters = [one.term_characters for one in counts]
    return {
        **draws.share("cer", [one.errors for one in counts], [one.characters for one in counts]),
        **draws.share("wer", [one.word_errors for one in counts], [one.words for one in counts]),
        **draws.share("u_cer", _errors_outside(counts), _characters_outside(counts)),
        **draws.share("b_cer", [one.term_errors for one in counts], term_characters),
    }


def _term_rates(counts: Counts, draws: Draws) -> Row:
    """Recall = heard / said, precision = heard / (heard + false), F1 = their harmonic mean."""
    heard = [one.terms.heard.total() for one in counts]
    said = [one.terms.occurrences.total() for one in counts]
    written = [one.terms.heard.total() + one.terms.false.total() for one in counts]
    return {
        "term_occurrences": sum(said),
        **draws.share("term_recall", heard, said),
        **draws.share("term_precision", heard, written),
        # Halves, so that no term counts twice in the exact interval.
        **draws.share(
            "term_f1",
            heard,
            [(one + other) / 2 for one, other in zip(said, written, strict=True)],
        ),
    }


def _false_accepts_per_hour(counts: Counts, draws: Draws) -> Row:
    """The terms written in utterances that hold none, per hour of those utterances' audio."""
    free = [one for one in counts if not one.terms.occurrences]
    name = "false_accepts_per_hour"
    if _seconds(free) == "":
        return _cells(name, "", None)
    hours = [one.utterance.seconds / 3600 for one in free]
    return draws.rate(name, [one.written_terms for one in free], hours)


def _real_time_factor(counts: Counts) -> float | str:
    """Seconds of computing per second of audio; empty unless known of every utterance."""
    computed = [one.utterance.compute_seconds for one in counts]
    seconds = _seconds(counts)
    if seconds == "" or None in computed:
        return ""
    return _rate(sum(computed), seconds)


def _errors_outside(counts: Counts) -> list[int]:
    return [one.errors - one.term_errors for one in counts]


def _characters_outside(counts: Counts) -> list[int]:
    return [one.characters - one.term_characters for one in counts]


def _seconds(counts: Counts) -> float | str:
    lengths = [one.utterance.seconds for one in counts]
    return "" if None in lengths else round(sum(lengths), 3)


def _rate(numerator: float, denominator: float) -> float | str:
    return round(numerator / denominator, 6) if denominator else ""


def _cells(name: str, value: object, interval: Interval | None) -> Row:
    ends = (round(interval.low, 6), round(interval.high, 6)) if interval else ("", "")
    return dict(zip(with_interval(name), (value, *ends), strict=True))
