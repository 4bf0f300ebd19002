"""Conjugate gradients against dense solutions, system by system."""

import numpy as np
import pytest

from surecast.simulate.conjugate_gradients import solve


class Dense:
    """Dense matrices, one per system."""

    def __init__(self, matrices):
        self.matrices = matrices

    def apply(self, u, out):
        out[...] = np.einsum("bij,bj->bi", self.matrices, u)


class Jacobi:
    """Division by the diagonal."""

    def __init__(self, matrices):
        self.diagonal = np.einsum("bii->bi", matrices)

    def apply(self, residual, out):
        np.divide(residual, self.diagonal, out=out)


@pytest.fixture
def systems():
    rng = np.random.default_rng(1)
    factor = rng.standard_normal((5, 12, 12))
    matrices = np.einsum("bij,bkj->bik", factor, factor) + np.eye(12) * rng.uniform(1, 50, (5, 1, 12))
    return matrices, rng.standard_normal((5, 12))


def test_solves_each_system(systems):
    matrices, f = systems
    solution = solve(Dense(matrices), f, Jacobi(matrices), tolerance=1e-12)
    np.testing.assert_allclose(solution.u, np.linalg.solve(matrices, f[..., None])[..., 0], rtol=0, atol=1e-10)
    assert solution.converged.all()
    residual = np.linalg.norm(f - np.einsum("bij,bj->bi", matrices, solution.u), axis=1) / np.linalg.norm(f, axis=1)
    assert (residual < 1e-11).all()


def test_ends_within_the_dimension(systems):
    matrices, f = systems
    # In exact arithmetic n steps suffice; rounding costs a few more.
    assert solve(Dense(matrices), f, Jacobi(matrices), tolerance=1e-10).iterations.max() <= 16


def test_a_converged_system_no_longer_moves(systems):
    matrices, f = systems
    matrices = matrices.copy()
    matrices[0] = np.eye(12)  # converges in one step, the others go on
    together = solve(Dense(matrices), f, Jacobi(matrices))
    alone = solve(Dense(matrices[:1]), f[:1], Jacobi(matrices[:1]))
    assert together.iterations[0] == 1 < together.iterations[1:].min()
    assert together.u[0].tobytes() == alone.u[0].tobytes()


def test_a_broken_system_harms_no_other(systems):
    matrices, f = systems
    whole = solve(Dense(matrices), f, Jacobi(matrices))
    broken = matrices.copy()
    broken[2] = np.nan
    solution = solve(Dense(broken), f, Jacobi(broken))
    assert solution.converged.tolist() == [True, True, False, True, True]
    assert solution.u[[0, 1, 3, 4]].tobytes() == whole.u[[0, 1, 3, 4]].tobytes()


def test_zero_right_hand_side(systems):
    matrices, f = systems
    solution = solve(Dense(matrices), np.zeros_like(f), Jacobi(matrices))
    assert solution.converged.all()
    assert not solution.u.any()
    assert not solution.iterations.any()


def test_gives_up_after_max_iterations(systems):
    matrices, f = systems
    solution = solve(Dense(matrices), f, Jacobi(matrices), max_iterations=2)
    assert not solution.converged.any()
    assert (solution.iterations == 2).all()
    assert (solution.residual > 1e-10).all()
