"""Brownian increments: independent normals, and one path for all steps that halve one another."""

import numpy as np
import pytest
from scipy import stats

from surecast.simulate.brownian import _warm, _words, by_step, increments, normals, pieces

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


def test_fewer_normals_are_the_first_of_more_and_few_runs_those_of_many():
    few, more = normals(SEEDS[:300], 9), normals(SEEDS[:300], 1000)  # side by side, and one by one
    np.testing.assert_array_equal(more[:, :9], few)
    np.testing.assert_array_equal(normals(SEEDS[:7], 1000), more[:7])
    np.testing.assert_array_equal(by_step(SEEDS[:300], 9).T, few)


def test_normals_are_those_of_the_words_of_numpys_generator():
    bits = np.random.SFC64(0)
    state = bits.state
    state["state"]["state"] = _warm(_words(SEEDS[:1], 0))[0]
    bits.state = state
    words = bits.random_raw(500)
    u, turn = ((words >> np.uint64(32)) + 0.5) / 2**32, (words & np.uint64(2**32 - 1)).astype(np.int32) / 2**31
    exact = np.sqrt(-2 * np.log(u)) * np.array([np.cos(np.pi * turn), np.sin(np.pi * turn)])
    np.testing.assert_allclose(normals(SEEDS[:1], 1000)[0].reshape(500, 2).T, exact, rtol=0, atol=2e-6)


def test_normals_keep_their_moments_and_tails_and_pairs_are_independent():
    drawn = normals(SEEDS, 1000)
    size = drawn.size
    for power, moment, square in ((1, 0, 1), (2, 1, 3), (3, 0, 15), (4, 3, 105), (6, 15, 10395)):
        assert (drawn**power).mean() == pytest.approx(moment, abs=4 * np.sqrt((square - moment**2) / size))
    for bound in (3.0, 4.0, 4.5):
        expected = 2 * stats.norm.sf(bound) * size
        assert (np.abs(drawn) > bound).sum() == pytest.approx(expected, abs=4 * np.sqrt(expected))
    one, other = drawn[:, 0::2], drawn[:, 1::2]
    for left, right in ((one, other), (other[:, :-1], one[:, 1:])):
        for power in (1, 2):
            assert abs(np.corrcoef(left.ravel() ** power, right.ravel() ** power)[0, 1]) < 4 / np.sqrt(left.size)


@pytest.mark.parametrize("steps", [1, 7, 24, 64, 96])
def test_pieces_are_the_increments_in_order(steps):
    found = [piece.copy() for piece in pieces(SEEDS[:5], steps, 3.0)]
    np.testing.assert_array_equal(np.concatenate(found), increments(SEEDS[:5], steps, 3.0))
    assert sum(len(piece) for piece in found) == steps
    assert max(len(piece) for piece in found) <= 32
