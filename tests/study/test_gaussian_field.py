"""Karhunen-Loeve expansions: orthonormal eigenfunctions, known spectra, the covariance recovered, bits."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from surecast.study.laws.gaussian_field import GaussianField
from surecast.study.laws.karhunen_loeve import Line, correlation
from surecast.study.laws.torus import Torus

COVARIANCES = ("squared_exponential", "matern32", "matern12")


def field(**settings: Any) -> GaussianField:
    return GaussianField(**({"variance": 1.0, "length": 0.2, "terms": 32} | settings))


def legendre(low: float = 0.0, high: float = 1.0, count: int = 64) -> tuple[np.ndarray, np.ndarray]:
    points, weights = np.polynomial.legendre.leggauss(count)
    return low + (high - low) * (points + 1) / 2, weights * (high - low) / 2


@pytest.mark.parametrize(
    ("covariance", "terms", "share"),
    [
        ("squared_exponential", 16, 0.943),
        ("squared_exponential", 32, 0.996),
        ("squared_exponential", 64, 1.000),
        ("matern32", 16, 0.818),
        ("matern32", 32, 0.921),
        ("matern32", 64, 0.970),
    ],
)
def test_share_of_variance(covariance: Any, terms: int, share: float) -> None:
    """Shares on the unit square with length 0.2, as a separate prototype on a grid of cells found them."""
    assert field(covariance=covariance, terms=terms).share_of_variance == pytest.approx(share, abs=1.5e-3)


def test_share_of_variance_agrees_with_a_matrix_of_cells() -> None:
    """The eigenvalues of the covariance matrix of 24 x 24 cells, a quadrature of order two, come close."""
    centres = (np.arange(24) + 0.5) / 24
    points = np.stack(np.meshgrid(centres, centres), axis=-1).reshape(-1, 2)
    distance = np.linalg.norm(points[:, None] - points, axis=-1)
    values = np.linalg.eigvalsh(correlation("matern32", distance, 0.2))[::-1] / len(points)
    expansion = field(covariance="matern32").expansion()
    np.testing.assert_allclose(expansion.eigenvalues[:16], values[:16], rtol=0.03)


@pytest.mark.parametrize("covariance", COVARIANCES)
def test_orthonormal_on_the_square(covariance: Any) -> None:
    """Integrals of products of eigenfunctions are 1 and 0; exactly so for products, closely for Nystroem's."""
    points, weights = legendre(count=48)
    modes = field(covariance=covariance).expansion().modes(points, points)
    gram = np.einsum("ayx,byx,y,x->ab", modes, modes, weights, weights, optimize=True)
    np.testing.assert_allclose(gram, np.eye(32), atol=1e-10)


def test_orthonormal_on_other_nodes() -> None:
    """Between the nodes of its own quadrature the eigenfunctions are what they should be."""
    points, weights = legendre(count=37)
    for covariance, tolerance in (("squared_exponential", 1e-9), ("matern32", 2e-3)):
        modes = field(covariance=covariance, terms=16).expansion().modes(points, points)
        gram = np.einsum("ayx,byx,y,x->ab", modes, modes, weights, weights, optimize=True)
        np.testing.assert_allclose(gram, np.eye(16), atol=tolerance)


def test_exponential_covariance_on_the_line_has_its_closed_form() -> None:
    """exp(-r/l) on [-a, a]: lambda = 2 l / (1 + w^2 l^2), w tan(w a) = 1/l or w + tan(w a) / l = 0 in turn
    (Ghanem and Spanos, Stochastic Finite Elements, 1991, section 2.3.3)."""
    from scipy.optimize import brentq

    length, half = 0.3, 0.5
    expected = []
    for k in range(6):
        low, high = k * np.pi / 2 / half + 1e-9, (k + 1) * np.pi / 2 / half - 1e-9

        def even(w: float) -> float:
            return float(np.cos(w * half) / length - w * np.sin(w * half))

        def odd(w: float) -> float:
            return float(w * np.cos(w * half) + np.sin(w * half) / length)

        w = brentq(even if k % 2 == 0 else odd, low, high)
        expected.append(2 * length / (1 + (w * length) ** 2))
    found = Line.solve("matern12", length, (-half, half), 6, 256).eigenvalues
    np.testing.assert_allclose(found, expected, rtol=1e-3)


@pytest.mark.parametrize(("covariance", "tolerance"), [("squared_exponential", 1e-6), ("matern32", 0.05)])
def test_covariance_recovered(covariance: Any, tolerance: float) -> None:
    """With many terms sum_k lambda_k phi_k(x) phi_k(x') is the covariance, variance included."""
    many = field(covariance=covariance, terms=150, variance=2.5)
    points = np.array([0.11, 0.42, 0.5, 0.83])
    modes = many.expansion().modes(points, points).reshape(150, -1)
    found = 2.5 * np.einsum("a,ap,aq->pq", many.expansion().eigenvalues, modes, modes)
    place = np.stack(np.meshgrid(points, points, indexing="ij"), axis=-1).reshape(-1, 2)
    distance = np.linalg.norm(place[:, None] - place, axis=-1)
    np.testing.assert_allclose(found, 2.5 * correlation(covariance, distance, 0.2), atol=2.5 * tolerance)


def test_sampled_covariance() -> None:
    """Realised fields have mean, variance and correlation as stated."""
    line = field(dimensions=1, terms=16, variance=4.0, mean=1.0)
    z = np.random.Generator(np.random.PCG64(5)).standard_normal((20_000, 16))
    values = line.realise(z, np.array([0.3, 0.5]))
    np.testing.assert_allclose(values.mean(axis=0), 1.0, atol=0.05)
    np.testing.assert_allclose(np.cov(values.T), 4 * np.array([[1, np.exp(-0.5)], [np.exp(-0.5), 1]]), atol=0.12)


def test_periodic() -> None:
    """The covariance on a circle: shifts do not matter, the variance is one, eigenfunctions are orthonormal."""
    circle = field(dimensions=1, periodic=True, terms=41, domain=[[0.0, 2.0]], length=0.25)
    x = np.arange(64) / 32
    modes = circle.expansion().modes(x)
    np.testing.assert_allclose(modes @ modes.T / 32, np.eye(41), atol=1e-12)
    covariance = np.einsum("a,ap,aq->pq", circle.expansion().eigenvalues, modes, modes)
    np.testing.assert_allclose(np.diag(covariance), 1, rtol=1e-9)
    np.testing.assert_allclose(covariance[0], np.roll(covariance[7], -7), atol=1e-12)
    images = sum(correlation("squared_exponential", np.abs(x - 2 * image), 0.25) for image in range(-4, 5))
    np.testing.assert_allclose(covariance[0], images / images[0], atol=1e-9)


@pytest.mark.parametrize("covariance", COVARIANCES)
@pytest.mark.parametrize("length", [0.15, 3.0, 30.0])
def test_periodic_in_two_dimensions(covariance: Any, length: float) -> None:
    """The covariance on a torus of sides 1 and 2: orthonormal waves, variance one, the sum of the copies."""
    expansion = Torus.solve(covariance, length, ((0.0, 1.0), (-1.0, 1.0)), 301)
    y, x = np.arange(36) / 36, np.arange(72) / 36 - 1
    modes = expansion.modes(y, x).reshape(len(expansion.eigenvalues), -1)
    np.testing.assert_allclose(modes @ modes.T / 36**2, np.eye(len(modes)), atol=1e-11)
    np.testing.assert_allclose(expansion.modes(y + 1, x - 2), expansion.modes(y, x), atol=1e-11)
    assert (np.diff(expansion.eigenvalues) <= 1e-9 * expansion.eigenvalues[0]).all()
    assert expansion.share_of_variance <= 1 + 1e-9
    if length == 0.15:
        distances = [np.hypot(y[:, None] - a, x + 1 - 2 * b) for a in range(-40, 41) for b in range(-20, 21)]
        images = sum(correlation(covariance, distance, length) for distance in distances)
        found = np.einsum("a,ap,a->p", expansion.eigenvalues, modes, modes[:, 0]).reshape(36, 72)
        # What the terms leave out is a covariance too: nowhere larger than at distance 0.
        left_out = 1 - expansion.share_of_variance
        assert left_out < {"squared_exponential": 1e-7, "matern32": 0.02, "matern12": 0.16}[covariance]
        assert np.abs(found - images / images.max()).max() < left_out + 1e-9
    elif length == 30.0:
        assert expansion.share_of_variance == pytest.approx(1, abs=1e-5)  # nearly a constant


def test_the_first_waves_of_a_torus_do_not_depend_on_the_number_of_terms() -> None:
    """The first terms of a longer expansion are the shorter one."""
    x = np.arange(8) / 8
    long = field(periodic=True, terms=60).expansion().modes(x, x)
    for terms in (1, 7, 30):
        np.testing.assert_array_equal(field(periodic=True, terms=terms).expansion().modes(x, x), long[:terms])


@pytest.mark.parametrize("covariance", COVARIANCES)
def test_every_grid_sees_the_same_function(covariance: Any) -> None:
    """Values at a point do not depend on the grid that holds it."""
    one = field(covariance=covariance, terms=24)
    z = np.random.Generator(np.random.PCG64(2)).standard_normal((2, 24))
    fine = (np.arange(48) + 0.5) / 48
    coarse = fine[1::3]  # centres of 16 cells
    np.testing.assert_allclose(
        one.realise(z, fine, fine)[:, 1::3, 1::3], one.realise(z, coarse, coarse), rtol=0, atol=1e-11
    )


def test_order_and_signs_do_not_depend_on_the_number_of_terms() -> None:
    """The first terms of a longer expansion are the shorter one."""
    x = np.linspace(0.05, 0.95, 9)
    for covariance in COVARIANCES:
        short = field(covariance=covariance, terms=10).expansion().modes(x, x)
        long = field(covariance=covariance, terms=30).expansion().modes(x, x)[:10]
        np.testing.assert_allclose(short, long, atol=1e-7)


def test_bits_do_not_depend_on_neighbours() -> None:
    """A run's field has the same bytes alone, in a batch, and in another order."""
    one = field(terms=20, transform="exponential")
    z = np.random.Generator(np.random.PCG64(3)).standard_normal((37, 20))
    x = (np.arange(20) + 0.5) / 20
    together = one.realise(z, x, x)
    assert np.concatenate([one.realise(row[None], x, x) for row in z]).tobytes() == together.tobytes()
    assert one.realise(z[::-1], x, x)[::-1].tobytes() == together.tobytes()
    assert one.log_density(z)[5:6].tobytes() == one.log_density(z[5:6]).tobytes()


def test_exponential_transform() -> None:
    """exp of the plain field."""
    z = np.ones((1, 8))
    x = np.array([0.2, 0.7])
    plain = field(dimensions=1, terms=8).realise(z, x)
    np.testing.assert_allclose(field(dimensions=1, terms=8, transform="exponential").realise(z, x), np.exp(plain))


def test_coefficients_are_standard_normals() -> None:
    """Maps and density of the coefficients."""
    from scipy import stats

    one = field(terms=3, dimensions=1)
    u = np.array([[0.1, 0.5, 0.999], [1e-10, 0.2, 0.7]])
    z = one.from_uniform(u)
    np.testing.assert_allclose(z, stats.norm.ppf(u), rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(one.to_uniform(z), u, rtol=1e-12)
    np.testing.assert_allclose(one.log_density(z), stats.norm.logpdf(z).sum(axis=1))
