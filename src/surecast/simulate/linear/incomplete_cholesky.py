r"""Incomplete Cholesky factorisation without fill: A ~ C C^T, C_ij = 0 wherever A_ij = 0.

Meijerink and van der Vorst, Math. Comp. 31 (1977) 148-162, ICCG(0); it exists for every symmetric M-matrix.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from surecast.study.errors import SimulationError

if TYPE_CHECKING:
    import scipy.sparse

    from surecast.simulate.linear.solver import Operator


def incomplete_cholesky(matrix: scipy.sparse.csr_array) -> Operator:
    """The map r -> (C C^T)^-1 r.

    Raises
    ------
    SimulationError
        If a pivot is not positive: A is no M-matrix.
    """
    from scipy.sparse.linalg import splu

    factor = _factor(matrix)
    lower = splu(factor, permc_spec="NATURAL", diag_pivot_thresh=0.0)

    def inverse(r: np.ndarray) -> np.ndarray:
        return np.asarray(lower.solve(lower.solve(r), trans="T"))

    return inverse


def _factor(matrix: scipy.sparse.csr_array) -> scipy.sparse.csc_array:
    """C by rows: c_ij = (a_ij - sum over k < j of c_ik c_jk) / c_jj on the entries of A."""
    import scipy.sparse as sparse

    lower = sparse.tril(matrix, format="csr")
    lower.sort_indices()
    starts, columns, values = lower.indptr.tolist(), lower.indices.tolist(), lower.data.tolist()
    rows: list[dict[int, float]] = []
    for row in range(matrix.shape[0]):
        entries: dict[int, float] = {}
        for place in range(starts[row], starts[row + 1]):
            column, left = columns[place], values[place]
            other = entries if column == row else rows[column]
            left -= sum(value * other[k] for k, value in entries.items() if k != row and k in other)
            if column == row:
                if not left > 0:
                    raise SimulationError(
                        f"row {row} of an incomplete factorisation has the pivot {left:.3g}.",
                        "take another preconditioner: the matrix is no M-matrix.",
                    )
                entries[row] = left**0.5
            else:
                entries[column] = left / other[column]
        rows.append(entries)
    data = [value for entries in rows for value in entries.values()]
    return sparse.csr_array((data, lower.indices, lower.indptr), shape=matrix.shape).tocsc()
