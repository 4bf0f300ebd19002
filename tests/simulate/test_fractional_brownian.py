"""Fractional Gaussian noise: its covariance to rounding for every index, one path for steps that halve one another."""

import numpy as np
import pytest
from scipy.linalg import toeplitz

from surecast.simulate.fractional_brownian import _spectrum, fractional_increments, from_normals

SEEDS = np.random.default_rng(0).integers(0, 2**63, 45)


def covariance(hurst, steps):
    """Of increments over steps of 1 s."""
    lag = np.arange(steps, dtype=float)
    power = 2 * hurst
    return toeplitz(0.5 * (np.abs(lag + 1) ** power + np.abs(lag - 1) ** power - 2 * lag**power))


@pytest.mark.parametrize("steps", [1, 2, 7, 24, 64])
@pytest.mark.parametrize("hurst", [0.02, 0.3, 0.5, 0.75, 0.98])
def test_increments_have_their_covariance(hurst, steps):
    # Increments are a linear function of normals, hence normal; with the matrix A of it their covariance is A' A.
    matrix = from_normals(np.eye(2 * steps), np.full(2 * steps, hurst))
    np.testing.assert_allclose(matrix.T @ matrix, covariance(hurst, steps), rtol=0, atol=5e-12)


def test_finer_steps_are_the_same_path():
    hurst = np.linspace(0.05, 0.95, len(SEEDS))
    coarse, fine = (fractional_increments(SEEDS, steps, 2.0, hurst) for steps in (12, 96))
    np.testing.assert_allclose(fine.reshape(12, 8, -1).sum(axis=1), coarse, rtol=0, atol=1e-13)


def test_a_longer_time_is_a_scaled_path():
    hurst = np.full(len(SEEDS), 0.3)
    one, other = (fractional_increments(SEEDS, 8, time, hurst) for time in (1.0, 16.0))
    np.testing.assert_allclose(other, 16**0.3 * one, rtol=1e-13)


@pytest.mark.parametrize("hurst", [0.01, 0.25, 0.5, 0.51, 0.75, 0.99])
def test_all_modes_have_a_variance(hurst):
    for steps in (1, 3, 64, 4096):
        assert _spectrum(hurst, steps).min() > 0


@pytest.mark.parametrize("steps", [7, 24])
def test_bits_of_a_run_are_its_own(steps):
    hurst = np.linspace(0.1, 0.9, len(SEEDS))
    hurst[::3] = 0.4
    whole = fractional_increments(SEEDS, steps, 1.0, hurst)
    order = np.random.default_rng(2).permutation(len(SEEDS))
    np.testing.assert_array_equal(fractional_increments(SEEDS[order], steps, 1.0, hurst[order]), whole[:, order])
    for run in (0, 17, 44):
        alone = fractional_increments(SEEDS[run : run + 1], steps, 1.0, hurst[run : run + 1])
        np.testing.assert_array_equal(alone[:, 0], whole[:, run])
