r"""Conjugate directions from a learnt map of residuals to directions, which need be neither linear nor symmetric.

    q = g(r / norm(r)),   p = q - sum over the last two p_i of (q . A p_i)/(p_i . A p_i) p_i
    a = (p . r)/(p . A p),   u <- u + a p,   r <- r - a A p

Kaneda, Akar, Chen, Kala, Hyde and Teran, "A deep conjugate direction method for iteratively solving linear systems",
ICML 2023. However good or bad g is, every step lowers the energy norm of the error, and the answer is the system's to
the tolerance: where g gives no direction of descent, or 25 of its directions in a row do not halve the residual, the
residual itself takes its place from there on, which makes it conjugate gradients. For symmetric positive definite
matrices.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Literal, Self

import numpy as np
from pydantic import Field, PrivateAttr, ValidationInfo, model_validator

from surecast.simulate.conjugate_gradients import Preconditioner
from surecast.simulate.linear.solver import Answer, LinearSolver, LinearSystem, Operator, Sequence, true_residual
from surecast.study import digest, kinds
from surecast.study.component import refused

KEPT = 2
PATIENCE = 25
RESTARTS = 5
LEARNT = "surecast.train.preconditioners.multilevel:read_preconditioner"
"""What reads a file of weights; by its name, as training stands above simulation."""


class ConjugateDirections(LinearSolver):
    """Deep conjugate directions: a trained network proposes, the line search and the true residual decide."""

    kind: Literal["conjugate_directions"] = Field(
        default="conjugate_directions", description="linear solver: conjugate_directions"
    )
    network: str = Field(
        description="File of weights, relative to the study file; `surecast preconditioner --output FILE` makes one."
    )
    max_iterations: int = Field(default=2000, ge=1, le=10**6, description="Iterations before a run has failed.")

    _path: Path = PrivateAttr(default=Path())
    _digest: str = PrivateAttr(default="")

    @model_validator(mode="after")
    def _there(self, info: ValidationInfo) -> Self:
        self._path = Path((info.context or {}).get("folder") or "").resolve() / self.network
        if not self._path.is_file():
            raise refused("network", "there is no such file.", "make it: surecast preconditioner --output FILE.")
        self._digest = digest.of_file(self._path)
        return self

    def file_digest(self) -> str:
        """Digest of the weights, for the identity of runs."""
        return self._digest

    def code_targets(self) -> list[str]:
        """See `LinearSolver.code_targets`."""
        return [LEARNT]

    def sequence(self) -> Sequence:
        """See `LinearSolver.sequence`."""
        read: Callable[[Path], Preconditioner] = kinds.resolve_target(LEARNT)
        return Directed(read(self._path), self.tolerance, self.max_iterations)

    def words(self) -> str:
        """See `LinearSolver.words`."""
        return f"conjugate directions proposed by the network {self.network}, true residuals to {self.tolerance:g}"


class Directed:
    """The systems of one run; nothing is learnt from one to the next."""

    def __init__(self, preconditioner: Preconditioner, tolerance: float, max_iterations: int) -> None:
        self._preconditioner = preconditioner
        self._tolerance, self._most = tolerance, max_iterations

    def solve(self, system: LinearSystem) -> Answer:
        """Iterate on the square of cells; cells that the matrix decouples the network never sees."""
        cells = round(len(system.f) ** 0.5)
        free = np.diff(system.matrix.indptr) > 1

        def propose(r: np.ndarray) -> np.ndarray:
            square = np.where(free, r, 0.0).reshape(1, cells, cells)
            out = np.empty_like(square)
            self._preconditioner.apply(square, out)
            return np.where(free, out.reshape(-1), r / system.matrix.diagonal())

        return conjugate_directions(system, propose, self._tolerance, self._most)


Direction = tuple[np.ndarray, np.ndarray, float]
"""p, A p and p . A p."""


def conjugate_directions(system: LinearSystem, propose: Operator, tolerance: float, max_iterations: int) -> Answer:
    """Iterate to the tolerance; `propose` maps a residual of length 1 (n,) to a direction (n,).

    Products are counted as iterations; those that take the true residual, one for each restart, are not.
    """
    u = np.zeros_like(system.f) if system.start is None else system.start.copy()
    size, iterations = float(np.linalg.norm(system.f)), 0
    residual = true_residual(system, u)
    stalled = False
    for _ in range(RESTARTS):
        if not np.isfinite(residual) or residual <= tolerance or iterations >= max_iterations:
            break
        r = system.f - system.matrix @ u
        last: list[Direction] = []
        lengths = [float(np.linalg.norm(r))]
        while (length := lengths[-1]) > 0.9 * tolerance * size and iterations < max_iterations:
            if not stalled and len(lengths) > PATIENCE and length > 0.5 * lengths[-1 - PATIENCE]:
                stalled, last = True, []
            p, image, energy = _direction(system, r / length if stalled else propose(r / length), last)
            if not (energy > 0 and abs(float(p @ r)) > 1e-12 * length * float(np.linalg.norm(p))):
                stalled, last = True, []
                p, image, energy = _direction(system, r / length, last)
                if not energy > 0:  # the matrix is not positive definite, or not finite
                    return Answer(u, iterations, true_residual(system, u))
            step = float(p @ r) / energy
            u = u + step * p
            r = r - step * image
            last = [*last[1 - KEPT :], (p, image, energy)]
            lengths.append(float(np.linalg.norm(r)))
            iterations += 1
        residual = true_residual(system, u)
    return Answer(u, iterations, residual)


def _direction(system: LinearSystem, q: np.ndarray, last: list[Direction]) -> Direction:
    for p, image, energy in last:
        q = q - (float(q @ image) / energy) * p
    image = system.matrix @ q
    return q, image, float(q @ image)
