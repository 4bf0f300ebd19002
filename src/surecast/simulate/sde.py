r"""Stochastic differential equations of one variable, stepped on equal steps.

    dX = a(X) dt + b(X) dW,   X(0) = start,   0 <= t <= time

`euler_maruyama` adds a dt + b dW each step, `milstein` b b' (dW^2 - dt)/2 too: orders 1/2 and 1 in the strong sense, 1
in the weak sense (Kloeden and Platen 1992, sections 10.2, 10.3 and 14.1); where b is constant the two are the same, of
order 1. A run's noise comes from its `seed` alone, and is the same path whatever the number of steps that halve one
another (see `surecast.simulate.brownian`).
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from surecast.simulate.brownian import pieces
from surecast.simulate.paths import Parameters, RandomPaths

if TYPE_CHECKING:
    import numpy as np


class StochasticDifferentialEquation(RandomPaths):
    """Base of the equations; a subclass implements `drift`, `volatility` and `slope`."""

    scheme: Literal["euler_maruyama", "milstein"] = Field(
        default="milstein", description="Scheme: of strong order 1/2 or 1."
    )

    @abstractmethod
    def drift(self, x: np.ndarray, given: Parameters) -> np.ndarray:
        """a(X), (run,), a new array."""

    @abstractmethod
    def volatility(self, x: np.ndarray, given: Parameters) -> np.ndarray:
        """b(X), (run,)."""

    @abstractmethod
    def slope(self, x: np.ndarray, given: Parameters) -> np.ndarray | None:
        """b(X) b'(X), (run,); None where it is 0."""

    def solver(self) -> str:
        """See `RandomPaths.solver`."""
        return {"euler_maruyama": "Euler and Maruyama", "milstein": "Milstein"}[self.scheme]

    def walk(self, given: Parameters, seeds: np.ndarray) -> Iterator[np.ndarray]:
        """See `RandomPaths.walk`."""
        step = self.time / self.steps
        x = given["start"]
        yield x[None]
        additive = self.slope(x, given) is None
        for piece in pieces(seeds, self.steps, self.time):
            if additive:
                piece *= self.volatility(x, given)
            for jump in piece:  # over which the state after it is written
                change = self.drift(x, given)
                change *= step
                if not additive:
                    slope = self.slope(x, given) if self.scheme == "milstein" else None
                    if slope is not None:
                        change += 0.5 * slope * (jump * jump - step)
                    jump *= self.volatility(x, given)
                jump += change
                jump += x
                x = jump
            x = x.copy()  # the next piece is written over this one
            yield piece
