"""A relaxation that is learnt while a run's systems are solved, from the number of iterations alone.

    conjugate gradients with M of SSOR, relaxation w_i of system i from a grid on [1, 2), chosen by a bandit

Khodak, Chow, Balcan and Talwalkar, "Learning to relax: setting solver parameters across a sequence of linear system
instances", ICLR 2024; see `surecast.simulate.linear.bandits`. The learner starts anew with every run, from the same
random stream, so that a run's bits are its own. For symmetric positive definite matrices.
"""

from __future__ import annotations

from typing import Literal, Self

import numpy as np
from pydantic import Field, model_validator

from surecast.simulate.conjugate_gradients import solve
from surecast.simulate.linear.bandits import Binned, TsallisINF
from surecast.simulate.linear.relaxation import ssor
from surecast.simulate.linear.solver import Answer, LinearSolver, LinearSystem, Operator, Sequence, true_residual
from surecast.study.component import refused
from surecast.study.seeds import generator

RESTARTS = 5


class LearnedRelaxation(LinearSolver):
    """Conjugate gradients preconditioned by SSOR, whose relaxation is learnt over the systems of a run."""

    kind: Literal["learned_relaxation"] = Field(
        default="learned_relaxation", description="linear solver: learned_relaxation"
    )
    low: float = Field(default=1.0, gt=0, lt=2, description="Lowest relaxation.")
    high: float = Field(default=1.9, gt=0, lt=2, description="Highest relaxation.")
    relaxations: int = Field(default=7, ge=1, le=200, description="Relaxations to choose from, evenly spaced.")
    context: list[float] = Field(
        default=[],
        max_length=50,
        description="Ascending values of the first parameter of a system (of a diffusion's step: the shift of the "
        "diagonal) between which a learner of its own works; empty: one learner.",
    )
    max_iterations: int = Field(default=5000, ge=1, le=10**6, description="Iterations before a run has failed.")

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.low > self.high:
            raise refused("low", "is above high.", "exchange the two.")
        if any(after <= before for before, after in zip(self.context, self.context[1:], strict=False)):
            raise refused("context", "does not ascend.", "sort it, each value once.")
        return self

    def sequence(self) -> Sequence:
        """See `LinearSolver.sequence`."""
        return Relaxed(self)

    def words(self) -> str:
        """See `LinearSolver.words`."""
        return (
            f"conjugate gradients with SSOR, relaxation learnt within each run among {self.relaxations} of "
            f"{self.low:g} to {self.high:g}, true residuals to {self.tolerance:g}"
        )


class Relaxed:
    """The systems of one run; `relaxations` and `iterations` list what was chosen and what it cost."""

    def __init__(self, settings: LearnedRelaxation) -> None:
        self._settings = settings
        self._grid = np.linspace(settings.low, settings.high, settings.relaxations)
        stream = generator(0, "learned_relaxation")
        arms = len(self._grid)
        self._learner = Binned(arms, settings.context, stream) if settings.context else TsallisINF(arms, stream)
        self.relaxations: list[float] = []
        self.iterations: list[int] = []

    def solve(self, system: LinearSystem) -> Answer:
        """Choose a relaxation, solve, and learn from the iterations."""
        relaxation = float(self._grid[self._learner.choose(system.parameters[0])])
        answer = relaxed(system, relaxation, self._settings.tolerance, self._settings.max_iterations)
        self._learner.learn(max(1, answer.products))
        self.relaxations.append(relaxation)
        self.iterations.append(answer.products)
        return answer


def relaxed(system: LinearSystem, relaxation: float, tolerance: float, max_iterations: int) -> Answer:
    """Conjugate gradients with SSOR of one relaxation, begun again from the true residual where it lags behind."""
    u = np.zeros_like(system.f) if system.start is None else system.start.copy()
    matrix, iterations = _Matrix(system), 0
    residual = true_residual(system, u)
    if not np.isfinite(residual) or residual <= tolerance:
        return Answer(u, iterations, residual)
    smoother = _Smoother(ssor(system.matrix, relaxation))
    for _ in range(RESTARTS):
        if not np.isfinite(residual) or residual <= tolerance or iterations >= max_iterations:
            break
        found = solve(
            matrix,
            (system.f - system.matrix @ u)[None],
            smoother,
            tolerance=min(0.9 * tolerance / residual, 0.5),
            max_iterations=max_iterations - iterations,
        )
        u = u + found.u[0]
        iterations += int(found.iterations[0])
        residual = true_residual(system, u)
    return Answer(u, iterations, residual)


class _Matrix:
    def __init__(self, system: LinearSystem) -> None:
        self._matrix = system.matrix

    def apply(self, u: np.ndarray, out: np.ndarray) -> None:
        out[0] = self._matrix @ u[0]


class _Smoother:
    def __init__(self, inverse: Operator) -> None:
        self._inverse = inverse

    def apply(self, residual: np.ndarray, out: np.ndarray) -> None:
        out[0] = self._inverse(residual[0])
