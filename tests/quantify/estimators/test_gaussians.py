"""Gaussian mixtures: densities that integrate to one, draws that follow them, fits that find what is there."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from surecast.quantify.estimators.gaussians import (
    WIDER,
    Gaussian,
    Mixture,
    fit_gaussian,
    fit_mixture,
    fit_shares,
    isotropic,
)


@pytest.fixture
def gaussian() -> Gaussian:
    direction = np.array([[3.0], [4.0], [0.0]]) / 5
    return Gaussian(np.array([1.0, -2.0, 0.5]), direction, np.array([0.25]))


def test_log_density_is_that_of_scipy(gaussian):
    covariance = np.eye(3) + (0.25 - 1) * gaussian.directions @ gaussian.directions.T
    z = np.random.default_rng(0).normal(size=(20, 3))
    assert gaussian.log_density(z) == pytest.approx(stats.multivariate_normal(gaussian.mean, covariance).logpdf(z))
    wide = isotropic(3, 2.0)
    assert wide.log_density(z) == pytest.approx(stats.multivariate_normal(np.zeros(3), 4 * np.eye(3)).logpdf(z))


def test_draws_follow_the_density(gaussian):
    mixture = Mixture((gaussian, isotropic(3, 1.5)), np.array([0.7, 0.3]))
    z = mixture.draw(np.random.default_rng(1), 40000)
    # E_q[phi/q] = 1: the weights of importance sampling have mean one.
    weights = np.exp(stats.multivariate_normal(np.zeros(3), np.eye(3)).logpdf(z) - mixture.log_density(z))
    assert weights.mean() == pytest.approx(1, abs=4 * weights.std() / 200)
    assert z.mean(axis=0) == pytest.approx(0.7 * gaussian.mean, abs=0.05)


def test_fit_finds_shift_and_the_few_directions():
    rng = np.random.default_rng(2)
    z = rng.normal(size=(2000, 30))
    z[:, 3] = 3 + 0.3 * z[:, 3]
    fitted = fit_gaussian(z, np.ones(2000), rank=4)
    assert fitted.mean[3] == pytest.approx(3, abs=0.05)
    assert fitted.variances == pytest.approx([WIDER * 0.09], rel=0.1)
    assert abs(fitted.directions[3, 0]) > 0.99


def test_number_of_components_is_found():
    rng = np.random.default_rng(3)
    z = rng.normal(size=(1200, 2)) * 0.5 + np.repeat([[4, 0], [-4, 0], [0, 4]], 400, axis=0)
    components, shares = fit_mixture(rng.permutation(z), rank=2, most=6, seed=0)
    assert len(components) == 3
    assert shares == pytest.approx(np.full(3, 1 / 3), abs=0.02)


def test_shares_minimise_the_cross_entropy():
    rng = np.random.default_rng(4)
    z = np.concatenate([rng.normal(3, 1, (800, 1)), rng.normal(-3, 1, (200, 1))])
    components = [Gaussian(np.array([m]), np.zeros((1, 0)), np.zeros(0)) for m in (3.0, -3.0)]
    densities = np.stack([c.log_density(z) for c in components], axis=1)
    assert fit_shares(densities, np.ones(1000), least=0.01) == pytest.approx([0.8, 0.2], abs=0.01)


@pytest.mark.filterwarnings("error")
def test_points_that_coincide_are_one_group():
    points = np.array([[4.0, 0.0], [-4.0, 0.0]])
    components, shares = fit_mixture(np.repeat(points, 64, axis=0), rank=2, most=4, seed=0)
    assert sorted(tuple(component.mean) for component in components) == [(-4.0, 0.0), (4.0, 0.0)]
    assert shares == pytest.approx([0.5, 0.5])


@pytest.mark.filterwarnings("error")
def test_a_group_that_loses_all_its_samples_is_left_out():
    # Data found by search: from this start one of four groups loses every sample to its neighbours.
    z = np.repeat(np.random.default_rng(5161).normal(size=(8, 1)) ** 3, 2 * 16, axis=0)
    components, shares = fit_mixture(z, rank=1, most=4, seed=0)
    assert 1 <= len(components) <= 4
    assert shares.sum() == pytest.approx(1)
