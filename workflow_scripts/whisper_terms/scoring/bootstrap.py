"""Bootstrap intervals over utterances.

Source: M. Bisani and H. Ney, "Bootstrap estimates for confidence intervals in ASR performance
evaluation", ICASSP 2004. An utterance is drawn as a whole, since errors within one depend on each
other. Where several utterances share a voice or a term the true uncertainty is wider.

Resamples of a few events know nothing of rarer ones, and of none or of all they are all the same.
So where few things happened, or all but a few, an interval is as wide as the exact one, too.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.stats import beta, gamma

RESAMPLES = 1000
# What lies beyond either end of an interval.
_TAIL = 0.025
SEED = 0
# So many events are few.
_FEW = 10
# Numbers of draws, one a resample and utterance, that are in memory at once.
_AT_ONCE = 20_000_000


@dataclass(frozen=True)
class Interval:
    """A 95% percentile interval, in the unit of the ratio."""

    low: float
    high: float


@dataclass(frozen=True)
class PairedDifference:
    """A system's error rate less the base's, on the same utterances.

    Attributes:
        difference: the difference of the micro-averaged rates; negative is better.
        interval: its 95% interval.
        share_better: the share of resamples in which the system makes fewer errors than the
            base, ties counting half (Bisani and Ney's "probability of improvement").
    """

    difference: float
    interval: Interval
    share_better: float


def share_interval(
    parts: Sequence[float],
    wholes: Sequence[float],
    resamples: int = RESAMPLES,
    seed: int = SEED,
) -> Interval | None:
    """The 95% interval of sum(parts) / sum(wholes), one pair an utterance.

    Resamples whose sum of wholes is zero are left out. None where fewer than two utterances have a
    whole, from which no spread can be told. The same seed and number of utterances draw the same
    resamples, so the intervals of two systems are comparable.

    The exact interval of few is the binomial one (C. Clopper and E. Pearson, "The use of confidence
    or fiducial limits illustrated in the case of the binomial", Biometrika 26, 1934). It takes what
    happens within an utterance for independent.
    """
    part, whole = np.sum(parts), np.sum(wholes)
    few = part <= _FEW or 0 <= whole - part <= _FEW
    exact = _binomial_interval(part, whole) if few and whole > 0 else None
    return _widest(_drawn_interval(parts, wholes, resamples, seed), exact, wholes)


def rate_interval(
    events: Sequence[float],
    amounts: Sequence[float],
    resamples: int = RESAMPLES,
    seed: int = SEED,
) -> Interval | None:
    """As `share_interval`, of events in an amount of time; there the exact one is Poisson's."""
    happened, amount = np.sum(events), np.sum(amounts)
    exact = _poisson_interval(happened, amount) if happened <= _FEW and amount > 0 else None
    return _widest(_drawn_interval(events, amounts, resamples, seed), exact, amounts)


def _binomial_interval(part: float, whole: float) -> Interval:
    rest = max(0, whole - part)  # insertions may make more errors than characters
    low = beta.ppf(_TAIL, part, rest + 1) if part else 0.0
    high = beta.ppf(1 - _TAIL, part + 1, rest) if rest else part / whole
    return Interval(float(low), float(high))


def _poisson_interval(events: float, amount: float) -> Interval:
    low = gamma.ppf(_TAIL, events) if events else 0.0
    return Interval(float(low / amount), float(gamma.ppf(1 - _TAIL, events + 1) / amount))


def _drawn_interval(
    tops: Sequence[float], bottoms: Sequence[float], resamples: int, seed: int
) -> Interval | None:
    top, bottom = _resampled_sums([tops, bottoms], resamples, seed)
    usable = bottom > 0
    return _percentiles(top[usable] / bottom[usable]) if usable.any() else None


def _widest(
    drawn: Interval | None, exact: Interval | None, denominators: Sequence[float]
) -> Interval | None:
    if np.count_nonzero(denominators) < 2:
        return None
    if drawn is None or exact is None:
        return drawn or exact
    return Interval(min(drawn.low, exact.low), max(drawn.high, exact.high))


def paired_bootstrap(
    base_errors: Sequence[int],
    system_errors: Sequence[int],
    lengths: Sequence[int],
    resamples: int = RESAMPLES,
    seed: int = SEED,
) -> PairedDifference | None:
    """Compare a system with the base on the same utterances.

    Args:
        base_errors: the base's errors, one count an utterance.
        system_errors: the system's, in the same order.
        lengths: the reference lengths (characters or words).
        resamples: how many times to draw as many utterances as there are.
        seed: of the draws.

    Returns:
        The difference, or None where fewer than two utterances have a length, or no resample has.

    Raises:
        ValueError: the three are not equally long.
    """
    if not len(base_errors) == len(system_errors) == len(lengths):
        raise ValueError("base, system and lengths must count the same utterances")
    if np.count_nonzero(lengths) < 2:
        return None
    changes = np.subtract(system_errors, base_errors)
    top, bottom = _resampled_sums([changes, lengths], resamples, seed)
    usable = bottom > 0
    if not usable.any():
        return None
    top, bottom = top[usable], bottom[usable]
    return PairedDifference(
        difference=float(changes.sum() / np.sum(lengths)),
        interval=_percentiles(top / bottom),
        share_better=float(np.mean(top < 0) + np.mean(top == 0) / 2),
    )


def _resampled_sums(columns: Sequence[Sequence[float]], resamples: int, seed: int) -> np.ndarray:
    """Sum the columns over resamples of the rows: (columns, rows) -> (columns, resamples)."""
    table = np.asarray(columns)
    blocks = _draws(table.shape[1], resamples, seed)
    return np.hstack([table @ block.T for block in blocks])


def _draws(count: int, resamples: int, seed: int) -> Sequence[np.ndarray] | Iterator[np.ndarray]:
    """How often each row is in each resample, in blocks of shape (some of the resamples, count)."""
    if count * resamples <= _AT_ONCE:
        return _drawn_once(count, resamples, seed)
    return _draw(count, resamples, seed)


@lru_cache(maxsize=4)
def _drawn_once(count: int, resamples: int, seed: int) -> list[np.ndarray]:
    """All measures of a test set share it, and drawing takes longer than summing."""
    return list(_draw(count, resamples, seed))


def _draw(count: int, resamples: int, seed: int) -> Iterator[np.ndarray]:
    generator = np.random.default_rng(seed)
    size = max(1, _AT_ONCE // max(1, count))
    for first in range(0, resamples, size):
        drawn = (generator.integers(count, size=count) for _ in range(min(size, resamples - first)))
        yield np.stack([np.bincount(rows, minlength=count).astype(np.int32) for rows in drawn])


def _percentiles(values: np.ndarray) -> Interval:
    low, high = np.percentile(values, [100 * _TAIL, 100 * (1 - _TAIL)])
    return Interval(float(low), float(high))
