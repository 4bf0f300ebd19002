import math

import numpy as np
import pytest

from surecast.study.bases import evaluate, hermite, index_set, legendre


def test_hermite_polynomials_are_orthonormal_under_the_normal_law() -> None:
    nodes, weights = np.polynomial.hermite_e.hermegauss(40)
    values = hermite(nodes, 15)
    np.testing.assert_allclose((values * weights / weights.sum()) @ values.T, np.eye(16), atol=1e-9)


def test_legendre_polynomials_are_orthonormal_under_the_uniform_law() -> None:
    nodes, weights = np.polynomial.legendre.leggauss(40)
    values = legendre((nodes + 1) / 2, 15)
    np.testing.assert_allclose((values * weights / 2) @ values.T, np.eye(16), atol=1e-12)


@pytest.mark.parametrize("degree", range(6))
def test_the_first_polynomials(degree: int) -> None:
    z = np.linspace(-2, 2, 7)
    he = np.polynomial.hermite_e.hermeval(z, np.eye(6)[degree]) / math.sqrt(math.factorial(degree))
    np.testing.assert_allclose(hermite(z, 5)[degree], he, atol=1e-12)
    p = np.polynomial.legendre.legval(z, np.eye(6)[degree]) * math.sqrt(2 * degree + 1)
    np.testing.assert_allclose(legendre((z + 1) / 2, 5)[degree], p, atol=1e-11)


@pytest.mark.parametrize(("dimension", "degree"), [(1, 5), (3, 4), (5, 2), (2, 1), (4, 0)])
def test_total_degree_sets_have_their_number_of_terms(dimension: int, degree: int) -> None:
    indices = index_set(dimension, degree)
    assert indices is not None
    assert len(indices) == math.comb(dimension + degree, degree)
    assert len({tuple(row) for row in indices}) == len(indices)
    assert not indices[0].any()
    assert (indices.sum(axis=1) <= degree).all()


@pytest.mark.parametrize("norm", [0.5, 0.75, 1.0])
def test_hyperbolic_sets_hold_what_they_should(norm: float) -> None:
    indices = index_set(3, 6, norm)
    assert indices is not None
    grid = np.stack(np.meshgrid(*[np.arange(7)] * 3), axis=-1).reshape(-1, 3)
    within = grid[(grid.astype(float) ** norm).sum(axis=1) ** (1 / norm) <= 6 + 1e-9]
    assert {tuple(row) for row in indices} == {tuple(row) for row in within}


def test_too_many_terms_are_not_made() -> None:
    assert index_set(1000, 3, 1.0, most=5000) is None
    assert index_set(4, 2, 1.0, most=15) is not None
    assert index_set(4, 2, 1.0, most=14) is None


def test_products_of_both_families() -> None:
    points = np.random.default_rng(0).uniform(size=(6, 2))
    indices = np.array([[0, 0], [2, 1]], dtype=np.int16)
    one, product = evaluate(indices, ("legendre", "hermite"), points)
    np.testing.assert_array_equal(one, 1.0)
    np.testing.assert_allclose(product, legendre(points[:, 0], 2)[2] * points[:, 1])
