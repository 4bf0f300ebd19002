"""GCRO-DR against dense solutions, and what a carried space is worth."""

import numpy as np
import pytest

from surecast.simulate.linear.gcro_dr import gcro_dr
from surecast.simulate.linear.similarity import by_similarity

N = 120


def matrix(kind, seed=0):
    """Nonsymmetric with complex pairs, indefinite, or complex; a few small eigenvalues beside a cluster."""
    rng = np.random.default_rng(seed)
    values = np.concatenate([[-0.05, 0.01, 0.02, 0.03, 0.1], 1 + rng.random(N - 5)])
    basis = np.linalg.qr(np.random.default_rng(1).standard_normal((N, N)))[0]
    a = basis @ np.diag(values) @ basis.T
    if kind == "nonsymmetric":
        turn = np.zeros((N, N))
        turn[0, 1], turn[1, 0] = 0.02, -0.02  # a complex pair among the smallest
        a = a + basis @ turn @ basis.T + 0.05 * rng.standard_normal((N, N)) / N**0.5
    return a + 0.01j * np.diag(rng.random(N)) if kind == "complex" else a


def solved(a, f, tolerance=1e-10, **settings):
    settings = {"subspace": 20, "recycled": 8, "max_products": 4000} | settings
    return gcro_dr(lambda v: a @ v, f.astype(a.dtype), tolerance * np.linalg.norm(f), **settings)


@pytest.mark.parametrize("kind", ["indefinite", "nonsymmetric", "complex"])
def test_solutions_are_those_of_a_dense_solve(kind):
    a, f = matrix(kind), np.random.default_rng(3).standard_normal(N)
    for recycled in (0, 8):
        found = solved(a, f, recycled=recycled, subspace=40)
        assert np.linalg.norm(f - a @ found.y) <= 2e-10 * np.linalg.norm(f)
        np.testing.assert_allclose(found.residual, f - a @ found.y, atol=1e-12 * np.linalg.norm(f))
        exact = np.linalg.solve(a, f)
        assert np.linalg.norm(found.y - exact) <= 1e-7 * np.linalg.norm(exact)
    assert found.space.dtype == a.dtype
    assert found.space.shape[1] <= 8


@pytest.mark.parametrize("kind", ["indefinite", "nonsymmetric", "complex"])
def test_the_space_holds_the_eigenvectors_of_the_smallest_eigenvalues(kind):
    a, f = matrix(kind), np.random.default_rng(4).standard_normal(N)
    space = np.linalg.qr(solved(a, f).space)[0]
    values, vectors = np.linalg.eig(a)
    for index in np.argsort(np.abs(values))[:4]:
        vector = vectors[:, index]
        assert np.linalg.norm(vector - space @ (space.conj().T @ vector)) < 1e-3


def test_a_carried_space_saves_what_restarts_must_find_again():
    a, rng = matrix("indefinite"), np.random.default_rng(5)
    first = solved(a, rng.standard_normal(N))
    f = rng.standard_normal(N)
    fresh, carried, without = solved(a, f), solved(a, f, space=first.space), solved(a, f, recycled=0)
    assert carried.products < 0.8 * fresh.products < 0.8 * without.products


def test_an_exact_space_solves_at_the_price_of_its_products():
    a = matrix("indefinite")
    f = np.linalg.qr(np.random.default_rng(6).standard_normal((N, 5)))[0]
    found = solved(a, a @ f.sum(axis=1), space=np.hstack([f, f[:, :1]]))  # one vector stands there twice
    assert found.products == 6
    np.testing.assert_allclose(found.y, f.sum(axis=1), atol=1e-9)


def test_it_stops_where_it_is_told_to():
    a, f = matrix("indefinite"), np.ones(N)
    assert solved(a, f, max_products=7).products == 7
    nothing = solved(a, np.zeros(N))
    assert nothing.products == 0
    assert nothing.space is None
    assert not nothing.y.any()
    # An eigenvector spans an invariant space: one step, and no direction left.
    vector = np.linalg.eigh(a)[1][:, 3]
    found = solved(a, vector)
    assert found.products == 1
    np.testing.assert_allclose(a @ found.y, vector, atol=1e-12)


def test_the_nearest_that_is_left_follows():
    assert by_similarity(np.array([3.0, 9.0, 1.0, 4.0, 8.0])).tolist() == [0, 3, 2, 4, 1]
    points = np.random.default_rng(7).standard_normal((30, 2, 3))
    order = by_similarity(points)
    assert sorted(order) == list(range(30))
    for place in range(1, 30):
        here = points[order[place - 1]]
        distances = [np.linalg.norm(points[other] - here) for other in order[place:]]
        assert distances[0] == min(distances)
