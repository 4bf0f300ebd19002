"""The fits of the paper's check against what is known of them."""

from __future__ import annotations

import numpy as np

from surecast.design.features import PolynomialFeatures
from surecast.papers.wls_dpp import Fits, burgers, runge
from surecast.study.seeds import generator


def test_a_polynomial_is_fitted_exactly_and_the_best_error_is_that_of_quadrature():
    features = PolynomialFeatures(["legendre"], 14)
    fits = Fits(features, runge, 400)
    x, w = np.polynomial.legendre.leggauss(1000)
    y = 1 / (1 + 5 * x**2)
    coefficients = [(2 * k + 1) / 2 * (w * y * np.polynomial.legendre.Legendre.basis(k)(x)).sum() for k in range(15)]
    best = np.sqrt(0.5 * (w * (y - np.polynomial.legendre.legval(x, coefficients)) ** 2).sum())
    assert abs(fits.best / best - 1) < 1e-9
    dense = (np.arange(4000) + 0.5)[:, None] / 4000
    assert fits.error(dense, np.ones(4000)) < 1.001


def test_determinantal_fits_stay_near_the_best_where_independent_ones_need_not():
    fits = Fits(PolynomialFeatures(["legendre"], 14), runge, 400)
    stream = generator(7, "tests", "wls-dpp")
    found = [fits.errors(30, stream) for _ in range(12)]
    assert np.sqrt(np.mean([one["determinantal"] ** 2 for one in found])) < 2.0
    assert np.median([one["uniform"] for one in found]) > 3 * np.median([one["determinantal"] for one in found])


def test_the_burgers_mean_square_decays():
    u = np.array([[0.9, 0.5, 0.5, 0.5], [0.5, 0.5, 0.5, 0.5]])
    found = burgers(u)
    assert 0 < found[0] < 0.5 * (1.5 * 0.8) ** 2  # less than that of the initial state
    assert found[1] < 1e-20
