"""Brownian increments: independent normals, and one path for all steps that halve one another."""

import numpy as np
import pytest
from scipy import stats

from surecast.simulate.brownian import _words, increments

SEEDS = np.random.default_rng(0).integers(0, 2**63, 2000)


@pytest.mark.parametrize("steps", [1, 7, 48, 64])
def test_increments_are_independent_normals(steps):
    found = increments(SEEDS, steps, 3.0) / np.sqrt(3.0 / steps)
    assert found.shape == (steps, len(SEEDS))
    assert stats.kstest(found.ravel(), "norm").pvalue > 1e-4
    covariance = found @ found.T / len(SEEDS)
    off = covariance - np.eye(steps)
    # Entries have a standard error of 1/sqrt(n), sqrt(2/n) on the diagonal.
    assert np.abs(off).max() < 5 * np.sqrt(2 / len(SEEDS))


def test_finer_steps_are_the_same_path():
    coarse, fine = increments(SEEDS[:50], 12, 2.0), increments(SEEDS[:50], 96, 2.0)
    np.testing.assert_allclose(fine.reshape(12, 8, 50).sum(axis=1), coarse, rtol=0, atol=1e-14)


def test_runs_and_components_have_streams_of_their_own():
    neighbours = increments(np.arange(2000), 8, 1.0)
    assert abs(np.corrcoef(neighbours[:, :-1].ravel(), neighbours[:, 1:].ravel())[0, 1]) < 5 / np.sqrt(16_000)
    one, other = (increments(SEEDS, 8, 1.0, component) for component in (0, 1))
    assert abs(np.corrcoef(one.ravel(), other.ravel())[0, 1]) < 5 / np.sqrt(16_000)
    np.testing.assert_array_equal(increments(SEEDS[::-1], 8, 1.0), one[:, ::-1])
    np.testing.assert_array_equal(increments(SEEDS[5:6], 8, 1.0), one[:, 5:6])


def test_seeds_are_spread_by_splitmix64():
    # Its published sequence from 1234567 (Vigna's reference code).
    words = _words(np.array([1234567]), 0)[0]
    assert words.tolist() == [6457827717110365317, 3203168211198807973, 9817491932198370423, 1]
