"""Krylov subspace recycling: systems in order of similarity, each starting from the space that the one before left.

Wang et al., "Accelerating data generation for neural operators via Krylov subspace recycling", ICLR 2024, carries the
space from run to run of a data set. Here it is carried between the systems of one run only: across runs the last
digits of a run would depend on which runs were made before it. The algorithm is `surecast.simulate.linear.gcro_dr`.
"""

from __future__ import annotations

from typing import Literal, Self

import numpy as np
from pydantic import Field, model_validator

from surecast.simulate.linear.gcro_dr import Operator, gcro_dr
from surecast.simulate.linear.solver import Answer, LinearSolver, LinearSystem, Sequence, true_residual
from surecast.study.component import refused

RESTARTS = 10


class KrylovRecycling(LinearSolver):
    """GCRO-DR with a space that is carried from one system of a run to the next."""

    kind: Literal["krylov_recycling"] = Field(default="krylov_recycling", description="linear solver: krylov_recycling")
    subspace: int = Field(default=40, ge=2, le=500, description="Largest dimension of the space of one cycle.")
    recycled: int = Field(
        default=20, ge=0, le=200, description="Dimension of what is kept of it; 0: GMRES, which keeps nothing."
    )
    carry: bool = Field(default=True, description="Whether the next system starts from the space of the one before.")
    max_products: int = Field(
        default=20_000, ge=1, le=10**7, description="Products with the matrix before a run has failed."
    )

    @model_validator(mode="after")
    def _smaller(self) -> Self:
        if self.recycled >= self.subspace:
            raise refused("recycled", "is not below subspace, so that a cycle could add nothing.", "lower it.")
        return self

    def sequence(self) -> Sequence:
        """See `LinearSolver.sequence`."""
        return Recycled(self)

    def words(self) -> str:
        """See `LinearSolver.words`."""
        carried = "carried between the systems of a run, never between runs" if self.carry else "of each system alone"
        kept = f"GCRO-DR({self.subspace}, {self.recycled}), space {carried}" if self.recycled else "GMRES"
        return f"{kept}, true residuals to {self.tolerance:g}"


class Recycled:
    """The systems of one run; `space` (n, k) is what the last one left for the next, None where it would not pay."""

    def __init__(self, settings: KrylovRecycling) -> None:
        self._settings = settings
        self.space: np.ndarray | None = None

    def solve(self, system: LinearSystem) -> Answer:
        """Solve to the tolerance, preconditioned from the right where the simulator knows an inverse.

        Where the true residual lags behind that of the recurrence, it starts again from the true one.
        """
        settings = self._settings
        f = np.asarray(system.f, dtype=np.result_type(system.f.dtype, system.matrix.dtype))
        inverse: Operator = system.inverse or _same
        u = np.zeros_like(f) if system.start is None else np.array(system.start, dtype=f.dtype)
        products = 0
        space = self.space if settings.carry else None
        carried = 0 if space is None else space.shape[1]
        residual = true_residual(system, u)
        for _ in range(RESTARTS):
            if not np.isfinite(residual) or residual <= settings.tolerance or products >= settings.max_products:
                break
            with np.errstate(all="ignore"):  # what overflows shows in the residual
                solved = gcro_dr(
                    lambda v: system.matrix @ inverse(v),
                    f - system.matrix @ u,
                    0.9 * settings.tolerance * float(np.linalg.norm(f)),
                    subspace=settings.subspace,
                    recycled=settings.recycled,
                    max_products=settings.max_products - products,
                    space=space,
                )
                u = u + inverse(solved.y)
            products, space = products + solved.products, solved.space
            residual = true_residual(system, u)
        # To take a space over costs as many products as it has vectors: where that is more than the solve itself took,
        # there is nothing to save.
        pays = space is not None and products - carried > space.shape[1] and bool(np.isfinite(space).all())
        self.space = space if pays else None
        return Answer(u, products, residual)


def _same(v: np.ndarray) -> np.ndarray:
    return v
