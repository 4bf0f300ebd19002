"""Intervals against exact binomial and Poisson coverage, and against closed forms."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from surecast.quantify.intervals import (
    clopper_pearson,
    combined,
    positive_t_interval,
    t_interval,
    union,
    weighted_count_interval,
    welch,
)


def test_t_interval_is_students():
    low, high = t_interval(1.0, 0.1, 9, 0.95)
    assert high - 1.0 == pytest.approx(0.1 * stats.t.ppf(0.975, 9), rel=1e-12)
    assert high + low == pytest.approx(2.0)
    assert t_interval(1.0, 0.1, 0, 0.95) == (-math.inf, math.inf)


def test_positive_interval_stays_positive_and_agrees_where_the_error_is_small():
    low, high = positive_t_interval(1.0, 2.0, 10, 0.95)
    assert 0 < low < 1 < high
    narrow, plain = positive_t_interval(5.0, 1e-4, 50, 0.95), t_interval(5.0, 1e-4, 50, 0.95)
    assert narrow == pytest.approx(plain, abs=1e-8)


@pytest.mark.parametrize("p", [1e-3, 0.01, 0.2, 0.5, 0.97])
@pytest.mark.parametrize("trials", [20, 300])
def test_clopper_pearson_covers_exactly(p, trials):
    events = np.arange(trials + 1)
    covers = [low <= p <= high for low, high in (clopper_pearson(int(k), trials, 0.95) for k in events)]
    assert stats.binom.pmf(events, trials, p)[covers].sum() >= 0.95


def test_no_event_leaves_the_rule_of_three():
    assert clopper_pearson(0, 1000, 0.95)[1] == pytest.approx(3.7 / 1000, rel=0.01)
    assert weighted_count_interval(np.array([]), 1 / 1000, 0.95) == pytest.approx((0.0, 3.689e-3), rel=1e-3)


@pytest.mark.parametrize("count", [1, 4, 30])
def test_equal_weights_give_the_exact_poisson_interval(count):
    low, high = weighted_count_interval(np.full(count, 0.5), 0.5, 0.95)
    assert low == pytest.approx(0.25 * stats.chi2.ppf(0.025, 2 * count))
    assert high == pytest.approx(0.25 * stats.chi2.ppf(0.975, 2 * count + 2))


def test_unequal_weights_are_covered():
    """Poisson events with exponential weights cut at 4: the mean total is known."""
    rng = np.random.default_rng(5)
    mean = 3.0 * (1 - math.exp(-4.0))  # E[min(w, 4)] = 1 - exp(-4)
    covered = 0
    for _ in range(1000):
        weights = np.minimum(rng.exponential(size=rng.poisson(3.0)), 4.0)
        low, high = weighted_count_interval(weights, 4.0, 0.95)
        covered += low <= mean <= high
    assert covered >= stats.binom.ppf(0.01, 1000, 0.95)


def test_combined_adds_variances_of_symmetric_parts():
    low, high = combined([1.0, 2.0], [(0.7, 1.3), (1.6, 2.4)])
    assert (low, high) == pytest.approx((2.5, 3.5))
    low, high = combined([0.0, 1.0], [(0.0, 3.0), (1.0, 1.0)])
    assert (low, high) == pytest.approx((1.0, 4.0))


def test_union_and_welch():
    assert union((0, 2), (1, 3)) == (0, 3)
    assert welch([(1.0, 10), (1.0, 10)]) == pytest.approx(20)
    assert welch([(1.0, 7), (0.0, 3)]) == pytest.approx(7)
