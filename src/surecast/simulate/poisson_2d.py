"""A potential between sides, or a loaded membrane: the Poisson equation on the unit square.

    -Laplace u = f   on the unit square
    u = 0 (zero) or no flow (closed) at x = 0 and x = 1, likewise at y = 0 and y = 1

u is a potential (1), f the source (1/m2). Term (i, j) of the source's series is divided by pi^2 (i^2 + j^2). With a
conductivity that varies: `surecast.simulate.groundwater`.
"""

from __future__ import annotations

from typing import ClassVar, Self

import numpy as np
from pydantic import model_validator

from surecast.simulate.elliptic import Elliptic
from surecast.simulate.square import Parameters
from surecast.study.component import refused


class Poisson2D(Elliptic):
    """Poisson equation; input ``source`` (field). One pair of sides at least is zero: else u has a free constant."""

    equation: ClassVar[str] = "-Laplace u = f"
    quantity: ClassVar[str] = "potential"

    @model_validator(mode="after")
    def _one_solution(self) -> Self:
        if self.x_sides == "closed" and self.y_sides == "closed":
            raise refused("y_sides", "all sides are closed: u is known up to a constant.", "set one pair to zero.")
        return self

    def shift(self, given: Parameters) -> np.ndarray:
        """0."""
        return np.zeros((1, 1, 1))

    def fault(self, given: Parameters) -> np.ndarray:
        """See `Square.fault`."""
        return np.array("", dtype=object)
