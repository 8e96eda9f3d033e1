import numpy as np
import pytest

from whisper_terms.scoring.bootstrap import Interval, paired_bootstrap, ratio_interval


def test_the_same_seed_gives_the_same_interval():
    errors, lengths = [0, 3, 1, 0, 2, 5], [10, 12, 8, 9, 11, 10]
    first = ratio_interval(errors, lengths, 200, seed=7)
    assert first == ratio_interval(errors, lengths, 200, seed=7)
    assert first != ratio_interval(errors, lengths, 200, seed=8)


def test_the_interval_is_near_the_binomial_one():
    # 100 utterances of one character, 30 wrong: 0.3 ± 1.96 √(0.3 · 0.7 / 100) = 0.3 ± 0.0898.
    interval = ratio_interval([1] * 30 + [0] * 70, [1] * 100, 4000)
    assert interval.low == pytest.approx(0.21, abs=0.015)
    assert interval.high == pytest.approx(0.39, abs=0.015)


@pytest.mark.parametrize("trials", [2, 12, 64])
def test_none_and_all_have_an_exact_end(trials):
    # The likelihood of what was seen, at the end of the interval.
    none = ratio_interval([0] * trials, [1] * trials)
    assert none.low == 0 and (1 - none.high) ** trials == pytest.approx(0.025)
    every = ratio_interval([1] * trials, [1] * trials)
    assert every.high == 1 and every.low**trials == pytest.approx(0.025)
    assert ratio_interval([False] * trials, [1] * trials) == none


def test_twelve_of_twelve_and_no_event_in_an_hour():
    assert ratio_interval([3, 9], [3, 9]).low == pytest.approx(0.7354, abs=1e-4)
    assert ratio_interval([0, 0], [0.25, 0.75]).high == pytest.approx(3.689, abs=1e-3)


def test_equal_utterances_have_no_spread():
    assert ratio_interval([1, 1, 1], [4, 4, 4]) == Interval(0.25, 0.25)


@pytest.mark.parametrize("lengths", [[], [5], [5, 0, 0], [0, 0]])
def test_one_utterance_shows_no_spread(lengths):
    assert ratio_interval([1] * len(lengths), lengths) is None
    assert paired_bootstrap([1] * len(lengths), [0] * len(lengths), lengths) is None


def test_resamples_of_nothing_but_silence_are_left_out():
    interval = ratio_interval([1, 1, 0, 0], [2, 2, 0, 0], 500)
    assert interval == Interval(0.5, 0.5)


def test_silence_adds_to_the_errors_only():
    without = ratio_interval([1, 1], [4, 4], 500)
    assert ratio_interval([1, 1, 3], [4, 4, 0], 500).high > without.high


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
    alone = ratio_interval(base, lengths)
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
