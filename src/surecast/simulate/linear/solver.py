"""What every solver of a run's linear systems is: settings, and a sequence that solves one system after the other.

    A_i u_i = f_i,   i = 1 .. systems of a run,   norm(f_i - A_i u_i) <= tolerance norm(f_i)

The residual is always taken anew from the solution that is handed out, never from a recurrence.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple, Protocol

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

if TYPE_CHECKING:
    import scipy.sparse

Operator = Callable[[np.ndarray], np.ndarray]
"""A linear map of vectors (n,)."""


class LinearSystem(NamedTuple):
    """One system of a run.

    Attributes
    ----------
    matrix : sparse array, shape (n, n)
        Rows compressed; real or complex.
    f : ndarray, shape (n,)
        Right-hand side.
    parameters : tuple of float
        What tells the systems of a run apart: near parameters, similar matrices.
    inverse : callable, optional
        An approximation of the inverse that the simulator knows.
    start : ndarray, shape (n,), optional
        A first guess.
    """

    matrix: scipy.sparse.csr_array
    f: np.ndarray
    parameters: tuple[float, ...]
    inverse: Operator | None = None
    start: np.ndarray | None = None


class Answer(NamedTuple):
    """Solution (n,), what it took (products with the matrix; sweeps count as such) and its true relative residual."""

    u: np.ndarray
    products: int
    residual: float


class Sequence(Protocol):
    """Solves the systems of one run in the order in which it is given them, and may learn on the way."""

    def solve(self, system: LinearSystem) -> Answer:
        """Solve one system; whether it met the tolerance is for `LinearSolver.failure` to say."""


class LinearSolver(BaseModel):
    """Base of the settings of a solver."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    tolerance: float = Field(
        default=1e-10, gt=1e-14, le=1e-2, description="Largest true residual of a system, relative to its right side."
    )

    @abstractmethod
    def sequence(self) -> Sequence:
        """A solver that knows nothing yet: one for each run."""

    @abstractmethod
    def words(self) -> str:
        """What it is, for the card of a simulator."""

    def code_targets(self) -> list[str]:
        """Code that decides its results and that no import shows, ``module:name``."""
        return []

    def failure(self, answer: Answer) -> str:
        """Why a run has failed; empty where the residual meets the tolerance."""
        if answer.residual <= self.tolerance:
            return ""
        return (
            f"the linear solver stopped at relative residual {answer.residual:.1e} after {answer.products} products, "
            f"above its tolerance {self.tolerance:g}"
        )


def true_residual(system: LinearSystem, u: np.ndarray) -> float:
    """norm(f - A u) / norm(f); infinite where it is no number, 0 where both are 0."""
    with np.errstate(all="ignore"):
        size, length = np.linalg.norm(system.f), np.linalg.norm(system.f - system.matrix @ u)
    if size == 0.0 and length == 0.0:
        return 0.0
    return float(length / size) if np.isfinite(length) and size > 0 and np.isfinite(size) else np.inf
