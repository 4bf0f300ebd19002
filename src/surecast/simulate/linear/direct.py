"""Sparse LU factorisation, A = L U with a fill-reducing order of the columns, and refinement of the solution.

Li, ACM Trans. Math. Softw. 31 (2005) 302-325 (SuperLU). Residuals fall to rounding: it is the reference of the others.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from pydantic import Field

from surecast.simulate.linear.solver import Answer, LinearSolver, LinearSystem, Sequence, true_residual

REFINEMENTS = 2


class Direct(LinearSolver):
    """A factorisation for every matrix."""

    kind: Literal["direct"] = Field(default="direct", description="linear solver: direct")

    def sequence(self) -> Sequence:
        """See `LinearSolver.sequence`."""
        return _Factorised(self.tolerance)

    def words(self) -> str:
        """See `LinearSolver.words`."""
        return f"sparse LU factorisation, residuals checked to {self.tolerance:g}"


class _Factorised:
    def __init__(self, tolerance: float) -> None:
        self._tolerance = tolerance
        self._matrix: Any = None  # whose factors are at hand: stages of one time step share a matrix
        self._factors: Any = None

    def solve(self, system: LinearSystem) -> Answer:
        from scipy.sparse.linalg import splu

        nothing = np.zeros_like(system.f)
        if system.matrix is not self._matrix:
            try:
                self._matrix, self._factors = None, splu(system.matrix.tocsc())
            except (RuntimeError, ValueError):  # exactly singular, or not finite
                return Answer(nothing, 0, true_residual(system, nothing))
            self._matrix = system.matrix
        u, products = self._factors.solve(system.f), 0
        residual = true_residual(system, u)
        while residual > self._tolerance and products < REFINEMENTS:
            u = u + self._factors.solve(system.f - system.matrix @ u)
            products += 1
            residual = true_residual(system, u)
        return Answer(u, products, residual)
