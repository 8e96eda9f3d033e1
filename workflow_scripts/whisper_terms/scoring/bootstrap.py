"""Bootstrap intervals over utterances.

Source: M. Bisani and H. Ney, "Bootstrap estimates for confidence intervals in ASR performance
evaluation", ICASSP 2004. An utterance is drawn as a whole, since errors within one depend on each
other. Where several utterances share a voice or a term the true uncertainty is wider.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

RESAMPLES = 1000
# What lies beyond either end of an interval.
_TAIL = 0.025
SEED = 0


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


def ratio_interval(
    numerators: Sequence[float],
    denominators: Sequence[float],
    resamples: int = RESAMPLES,
    seed: int = SEED,
) -> Interval | None:
    """The 95% interval of sum(numerators) / sum(denominators), one pair an utterance.

    Resamples whose denominator is zero are left out. None where fewer than two utterances have a
    denominator, from which no spread can be told. The same seed and number of utterances draw the
    same resamples, so the intervals of two systems are comparable.

    Where nothing happened, or always, every resample is the same; then the other end is that of
    the exact interval: of a share, where denominators are whole numbers (C. Clopper and E. Pearson,
    "The use of confidence or fiducial limits illustrated in the case of the binomial", Biometrika
    26, 1934), else of a Poisson rate. It takes what happens within an utterance for independent.
    """
    if np.count_nonzero(denominators) < 2:
        return None
    total = np.sum(denominators)
    if not np.any(numerators):
        return Interval(0.0, float(_largest_rate(total)))
    if np.array_equal(numerators, denominators):
        return Interval(float(1 - _largest_rate(total)), 1.0)
    top, bottom = _resampled_sums([numerators, denominators], resamples, seed)
    usable = bottom > 0
    return _percentiles(top[usable] / bottom[usable])


def _largest_rate(total: np.integer | np.floating) -> float:
    """The rate at which nothing happens in 2.5 % of all cases, in so many trials or so long."""
    if isinstance(total, np.integer):
        return 1 - _TAIL ** (1 / total)
    return -math.log(_TAIL) / total


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
        The difference, or None where fewer than two utterances have a length.

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
    top, bottom = top[usable], bottom[usable]
    return PairedDifference(
        difference=float(changes.sum() / np.sum(lengths)),
        interval=_percentiles(top / bottom),
        share_better=float(np.mean(top < 0) + np.mean(top == 0) / 2),
    )


def _resampled_sums(columns: Sequence[Sequence[float]], resamples: int, seed: int) -> np.ndarray:
    """Sum the columns over resamples of the rows: (columns, rows) -> (columns, resamples)."""
    table = np.asarray(columns)
    return table @ _times_drawn(table.shape[1], resamples, seed).T


@lru_cache(maxsize=4)
def _times_drawn(count: int, resamples: int, seed: int) -> np.ndarray:
    """How often each row is in each resample, shape (resamples, count).

    All measures of a test set share it, and drawing takes longer than summing.
    """
    draw = np.random.default_rng(seed)
    drawn = (draw.integers(count, size=count) for _ in range(resamples))
    return np.stack([np.bincount(rows, minlength=count).astype(np.int32) for rows in drawn])


def _percentiles(values: np.ndarray) -> Interval:
    low, high = np.percentile(values, [100 * _TAIL, 100 * (1 - _TAIL)])
    return Interval(float(low), float(high))
