import numpy as np
import pytest

from whisper_terms.scoring import bootstrap
from whisper_terms.scoring.bootstrap import (
    Interval,
    paired_bootstrap,
    rate_interval,
    share_interval,
)


def test_the_same_seed_gives_the_same_interval():
    errors, lengths = [0, 3, 1, 0, 2, 5], [10, 12, 8, 9, 11, 10]
    first = share_interval(errors, lengths, 200, seed=7)
    assert first == share_interval(errors, lengths, 200, seed=7)
    assert first != share_interval(errors, lengths, 200, seed=8)


def test_the_interval_is_near_the_binomial_one():
    # 100 utterances of one character, 30 wrong: 0.3 ± 1.96 √(0.3 · 0.7 / 100) = 0.3 ± 0.0898.
    interval = share_interval([1] * 30 + [0] * 70, [1] * 100, 4000)
    assert interval.low == pytest.approx(0.21, abs=0.015)
    assert interval.high == pytest.approx(0.39, abs=0.015)


@pytest.mark.parametrize("trials", [2, 12, 64])
def test_none_and_all_have_an_exact_end(trials):
    # The likelihood of what was seen, at the end of the interval.
    none = share_interval([0] * trials, [1] * trials)
    assert none.low == 0 and (1 - none.high) ** trials == pytest.approx(0.025)
    every = share_interval([1] * trials, [1] * trials)
    assert every.high == 1 and every.low**trials == pytest.approx(0.025)
    assert share_interval([False] * trials, [1] * trials) == none


def test_twelve_of_twelve_and_no_event_in_an_hour():
    assert share_interval([3, 9], [3, 9]).low == pytest.approx(0.7354, abs=1e-4)
    assert rate_interval([0, 0], [0.25, 0.75]).high == pytest.approx(3.689, abs=1e-3)


def test_few_events_are_exact_at_least():
    # Clopper and Pearson's limits of 1 in 20, and Garwood's of one event, as tables have them.
    one = share_interval([1] + [0] * 19, [1] * 20)
    assert (one.low, one.high) == (0.0, pytest.approx(0.2487, abs=1e-4))
    most = share_interval([0] + [1] * 19, [1] * 20)
    assert (most.low, most.high) == (pytest.approx(1 - 0.2487, abs=1e-4), 1.0)
    hourly = rate_interval([1, 0], [0.5, 0.5])
    assert (hourly.low, hourly.high) == (0.0, pytest.approx(5.572, abs=1e-3))


@pytest.mark.parametrize("trials", [3, 20, 64])
def test_a_miss_or_an_event_more_never_looks_better(trials):
    intervals = [
        share_interval([1] * heard + [0] * (trials - heard), [1] * trials)
        for heard in range(trials + 1)
    ]
    # Drawn ends of neighbours may swap by chance; those of few events do not.
    near = [*range(10), *range(trials - 10, trials)] if trials > 20 else range(trials)
    for heard in near:
        assert intervals[heard].low <= intervals[heard + 1].low
        assert intervals[heard].high <= intervals[heard + 1].high


def test_events_in_one_utterance_depend_on_each_other():
    # As many in one utterance as in six: what is drawn is wider than the exact interval.
    gathered = share_interval([6, *[0] * 29], [10] * 30)
    spread = share_interval([*[1] * 6, *[0] * 24], [10] * 30)
    assert gathered.high > spread.high > 6 / 300


def test_no_resample_with_a_term():
    # Of one resample, one seed in seven draws neither of the two recordings with a term.
    silence = [0] * 200
    seeds = range(50)
    few = [share_interval([1, 0, *silence], [1, 1, *silence], 1, seed) for seed in seeds]
    assert None not in few
    many = [share_interval([15, 15, *silence], [30, 30, *silence], 1, seed) for seed in seeds]
    assert set(many) == {None, Interval(0.5, 0.5)}
    ones = [paired_bootstrap([1, 0], [0, 0], [1, 1], 1, seed) for seed in seeds]
    assert None not in ones
    paired = [
        paired_bootstrap([1, 0, *silence], [0, 0, *silence], [1, 1, *silence], 1, seed)
        for seed in seeds
    ]
    assert [one is None for one in paired] == [one is None for one in many]


def test_many_utterances_are_drawn_in_blocks(monkeypatch):
    errors, lengths = [0, 3, 11, 0, 2, 5] * 5, [10, 12, 8, 9, 11, 10] * 5
    whole = share_interval(errors, lengths, 100)
    monkeypatch.setattr(bootstrap, "_AT_ONCE", 7 * 30)
    assert share_interval(errors, lengths, 100) == whole


def test_equal_utterances_have_no_spread():
    assert share_interval([11, 11, 11], [44, 44, 44]) == Interval(0.25, 0.25)


@pytest.mark.parametrize("lengths", [[], [5], [5, 0, 0], [0, 0]])
def test_one_utterance_shows_no_spread(lengths):
    assert share_interval([1] * len(lengths), lengths) is None
    assert paired_bootstrap([1] * len(lengths), [0] * len(lengths), lengths) is None


def test_resamples_of_nothing_but_silence_are_left_out():
    interval = share_interval([20, 20, 0, 0], [40, 40, 0, 0], 500)
    assert interval == Interval(0.5, 0.5)


def test_silence_adds_to_the_errors_only():
    without = share_interval([1, 1], [4, 4], 500)
    assert share_interval([1, 1, 3], [4, 4, 0], 500).high > without.high


def test_a_better_system():
    result = paired_bootstrap([2] * 20, [1] * 20, [10] * 20)
    assert result.difference == pytest.approx(-0.1)
    assert result.interval == Interval(pytest.approx(-0.1), pytest.approx(-0.1))
    assert result.share_better == 1


def test_ties_count_half():
    assert paired_bootstrap([1, 2, 3], [1, 2, 3], [5, 5, 5]).share_better == 0.5


def test_pairing_removes_what_both_systems_share():
    """Hard utterances are hard for both: the paired interval is narrower than either system's."""
    draw = np.random.default_rng(3)
    base = draw.integers(0, 10, 60)
    system = np.maximum(base - draw.integers(0, 2, 60), 0)
    lengths = [10] * 60
    paired = paired_bootstrap(base, system, lengths).interval
    alone = share_interval(base, lengths)
    assert paired.high < 0
    assert paired.high - paired.low < (alone.high - alone.low) / 2


def test_the_sign_follows_the_system():
    better = paired_bootstrap([2, 0, 4, 1], [1, 0, 1, 1], [9, 9, 9, 9])
    worse = paired_bootstrap([1, 0, 1, 1], [2, 0, 4, 1], [9, 9, 9, 9])
    assert worse.difference == -better.difference > 0
    assert worse.interval.high == pytest.approx(-better.interval.low)
    assert worse.share_better == pytest.approx(1 - better.share_better)


def test_unequal_lengths_are_refused():
    with pytest.raises(ValueError, match="same utterances"):
        paired_bootstrap([1, 2], [1], [5, 5])
