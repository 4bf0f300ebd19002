"""The fast Poisson solver against the matrix it inverts."""

import numpy as np
import pytest
import scipy.sparse as sparse

from surecast.simulate.finite_volumes import ScaledOperator
from surecast.simulate.poisson import PoissonPreconditioner


def laplacian(cells):
    """Five-point Laplacian: Dirichlet half a cell away in x, no flow in y; y is the slow index."""
    ones = np.ones(cells - 1)
    x = sparse.diags([-ones, np.r_[3, 2 * np.ones(cells - 2), 3], -ones], [-1, 0, 1])
    y = sparse.diags([-ones, np.r_[1, 2 * np.ones(cells - 2), 1], -ones], [-1, 0, 1])
    return sparse.kron(sparse.eye(cells), x) + sparse.kron(y, sparse.eye(cells))


@pytest.mark.parametrize(("precision", "error"), [(np.float64, 1e-12), (np.float32, 1e-4)])
def test_inverts_the_laplacian(precision, error):
    u = np.random.default_rng(0).standard_normal((3, 20, 20))
    r = (laplacian(20) @ u.reshape(3, -1).T).T.reshape(u.shape)
    out = np.empty_like(u)
    PoissonPreconditioner(20, precision).apply(r, out)
    np.testing.assert_allclose(out, u, rtol=0, atol=error)


def test_the_operator_of_constant_conductivity_is_that_laplacian():
    u = np.random.default_rng(0).standard_normal((2, 9, 9))
    log_k = np.full((2, 9, 9), 0.7)
    out = np.empty_like(u)
    ScaledOperator.of(log_k, np.exp(log_k)).apply(u, out)
    np.testing.assert_allclose(out, (laplacian(9) @ u.reshape(2, -1).T).T.reshape(u.shape), rtol=0, atol=1e-13)
