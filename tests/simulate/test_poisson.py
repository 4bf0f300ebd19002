"""The fast Poisson solver against the matrix it inverts."""

import numpy as np
import pytest
import scipy.sparse as sparse

from surecast.simulate.finite_volumes import FivePoint, transmissibilities
from surecast.simulate.poisson import PoissonPreconditioner


def laplacian(cells, closed=True):
    """Five-point Laplacian: Dirichlet half a cell away in x, in y too or closed; y is the slow index."""
    ones, end = np.ones(cells - 1), 1 if closed else 3
    x = sparse.diags([-ones, np.r_[3, 2 * np.ones(cells - 2), 3], -ones], [-1, 0, 1])
    y = sparse.diags([-ones, np.r_[end, 2 * np.ones(cells - 2), end], -ones], [-1, 0, 1])
    return sparse.kron(sparse.eye(cells), x) + sparse.kron(y, sparse.eye(cells))


@pytest.mark.parametrize("closed", [True, False])
@pytest.mark.parametrize(("precision", "error"), [(np.float64, 1e-12), (np.float32, 1e-4)])
def test_inverts_the_laplacian(precision, error, closed):
    u = np.random.default_rng(0).standard_normal((3, 20, 20))
    r = (laplacian(20, closed) @ u.reshape(3, -1).T).T.reshape(u.shape)
    out = np.empty_like(u)
    PoissonPreconditioner(20, precision, closed=closed).apply(r, out)
    np.testing.assert_allclose(out, u, rtol=0, atol=error)


@pytest.mark.parametrize("closed", [True, False])
def test_the_operators_of_constant_conductivity_are_that_laplacian(closed):
    u = np.random.default_rng(0).standard_normal((2, 9, 9))
    log_k = np.full((2, 9, 9), 0.7)
    out = np.empty_like(u)
    k = np.exp(log_k)
    faces = transmissibilities(k, closed=closed)
    expected = (laplacian(9, closed) @ u.reshape(2, -1).T).T.reshape(u.shape)
    FivePoint.scaled(*faces, log_k, k).apply(u, out)
    np.testing.assert_allclose(out, expected, rtol=0, atol=1e-13)
    FivePoint.plain(*faces).apply(u, out)
    np.testing.assert_allclose(out, np.exp(0.7) * expected, rtol=0, atol=1e-13)
