r"""Successive over-relaxation of A = D + L + L^T, as an iteration and as a preconditioner.

    u <- u + (D/w + L)^-1 (f - A u)                                        0 < w < 2  (SOR)
    M = w/(2 - w) (D/w + L) D^-1 (D/w + L)^T                               (symmetric, SSOR)

Young, Iterative Solution of Large Linear Systems, 1971, chapters 4 and 15. For A consistently ordered, with the
spectral radius b of Jacobi's iteration, SOR is fastest at w = 2 / (1 + (1 - b^2)^1/2) (Young, section 6.2).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import scipy.sparse

    from surecast.simulate.linear.solver import Operator


def fastest(jacobi_radius: float) -> float:
    """Relaxation at which SOR is fastest, for the spectral radius b < 1 of Jacobi's iteration."""
    return float(2.0 / (1.0 + np.sqrt(1.0 - jacobi_radius**2)))


def sor(
    matrix: scipy.sparse.csr_array, f: np.ndarray, relaxation: float, tolerance: float, max_sweeps: int
) -> tuple[np.ndarray, int]:
    """Solution from a zero start and the sweeps to norm(f - A u) <= tolerance norm(f); `max_sweeps` if not reached."""
    lower = _lower(matrix, relaxation)
    u, r = np.zeros_like(f), f.copy()
    target = tolerance * float(np.sqrt(f @ f))
    sweeps = 0
    while sweeps < max_sweeps and np.sqrt(r @ r) > target:
        u += lower.solve(r)
        r = f - matrix @ u
        sweeps += 1
    return u, sweeps


def ssor(matrix: scipy.sparse.csr_array, relaxation: float) -> Operator:
    """The map r -> M^-1 r."""
    lower = _lower(matrix, relaxation)
    diagonal = (2.0 - relaxation) / relaxation * matrix.diagonal()

    def inverse(r: np.ndarray) -> np.ndarray:
        return np.asarray(lower.solve(diagonal * lower.solve(r), trans="T"))

    return inverse


def _lower(matrix: scipy.sparse.csr_array, relaxation: float) -> scipy.sparse.linalg.SuperLU:
    """D/w + L, ready for solving: kept in its own order and without pivots its factor is itself."""
    import scipy.sparse as sparse
    from scipy.sparse.linalg import splu

    strict = sparse.tril(matrix, k=-1, format="csc")
    diagonal = sparse.diags_array(matrix.diagonal() / relaxation, format="csc")
    return splu((strict + diagonal).tocsc(), permc_spec="NATURAL", diag_pivot_thresh=0.0)
