"""Waves of one frequency in a square cavity: the Helmholtz equation.

    -Laplace u - k^2 u = f   on the unit square
    u = 0 (zero) or no flow (closed) at x = 0 and x = 1, likewise at y = 0 and y = 1

u is an amplitude (1), k the wave number (1/m), f the source (1/m2). Term (i, j) of the source's series is divided by
pi^2 (i^2 + j^2) - k^2. Where that is nearly 0 the cavity resonates: the amplitude is as large as the rounding of k lets
it be, and the run fails. With k = 0 this is `surecast.simulate.poisson_2d`.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from pydantic import Field

from surecast.simulate.elliptic import Elliptic
from surecast.simulate.square import Parameters


class Helmholtz(Elliptic):
    """Helmholtz equation; inputs ``source`` (field) and ``wave_number``.

    A wave wants ten cells or more on its length 2 pi / k.
    """

    equation: ClassVar[str] = "-Laplace u - k^2 u = f"
    quantity: ClassVar[str] = "amplitude"
    parameters: ClassVar[dict[str, str]] = {"wave_number": "1/m"}

    resonance: float = Field(
        default=1e-3,
        gt=0,
        lt=1,
        description="Distance of k^2 from an eigenvalue, relative to it, below which a run fails.",
    )

    def shift(self, given: Parameters) -> np.ndarray:
        """k^2."""
        return given["wave_number"] ** 2

    def fault(self, given: Parameters) -> np.ndarray:
        """See `Square.fault`; resonance is one, on any grid alike."""
        numbers = given["wave_number"][:, 0, 0]
        return np.array([self._fault(float(number)) for number in numbers], dtype=object)

    def _fault(self, number: float) -> str:
        if not np.isfinite(number):
            return "wave_number is not finite"
        if number < 0:
            return "wave_number is negative"
        if number > np.pi * self.cells:
            return f"wave_number = {number:g}: waves are shorter than two of the {self.cells} cells along a side"
        # The nearest eigenvalue is below twice k^2, whether the grid has it or not.
        eigenvalues = self.modes().eigenvalues(int(np.sqrt(2.0) * number / np.pi) + 2)
        distances = np.abs(number**2 - eigenvalues) / np.where(eigenvalues > 0, eigenvalues, 1.0)
        row, column = np.unravel_index(np.argmin(distances), distances.shape)
        if distances[row, column] >= self.resonance:
            return ""
        own = np.sqrt(eigenvalues[row, column])
        return f"wave_number = {number:g} is in resonance with a mode of the square, whose own is {own:.6g}"
