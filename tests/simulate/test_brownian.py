"""Brownian increments: independent normals, and one path for all steps that halve one another."""

import numpy as np
import pytest
from scipy import stats

from surecast.simulate.brownian import _warm, _words, blocks, increments, unordered

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


def test_generators_are_warm_as_numpy_draws():
    words = _words(SEEDS[:3], 1)
    for word, found in zip(words, _warm(words), strict=True):
        bits = np.random.SFC64(0)
        state = bits.state
        state["state"]["state"] = word
        bits.state = state
        bits.random_raw(12)
        np.testing.assert_array_equal(found, bits.state["state"]["state"])


def test_fewer_normals_are_the_first_of_more():
    few, more = (np.concatenate([rows.copy() for rows in blocks(SEEDS[:300], count)]) for count in (10, 1000))
    np.testing.assert_array_equal(more[:, :10], few)


@pytest.mark.parametrize("steps", [1, 7, 24, 64])
def test_every_step_has_its_row(steps):
    found, places = unordered(SEEDS[:5], steps, 3.0)
    assert sorted(places) == list(range(steps))
    np.testing.assert_array_equal(found[places], increments(SEEDS[:5], steps, 3.0))
