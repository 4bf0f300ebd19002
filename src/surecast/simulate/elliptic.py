"""What the Poisson and the Helmholtz equation on the unit square share.

-Laplace u - shift u = source
"""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

import numpy as np

from surecast.simulate.simulator import VariableInfo
from surecast.simulate.square import Parameters, Square


class Elliptic(Square):
    """Base of the two; input ``source`` (field). A subclass states what u is and implements `shift` and `fault`.

    The error is smaller than any power of the cells' width where the source fulfils the conditions at the sides, of
    order 2 where it does not (a random field does not vanish there).
    """

    method: ClassVar[str] = "sine and cosine series"
    field: ClassVar[str] = "source"
    units: ClassVar[tuple[str, str]] = ("1/m2", "1")
    quantity: ClassVar[str]
    """What u is."""

    @abstractmethod
    def shift(self, given: Parameters) -> np.ndarray:
        """What -Laplace is shifted by, (run, 1, 1)."""

    def variables(self) -> dict[str, VariableInfo]:
        """The solution, its mean and energy."""
        return {
            "solution": {"dims": ("y", "x"), "units": "1", "long_name": self.quantity},
            "mean": {"dims": (), "units": "1", "long_name": f"mean {self.quantity}"},
            "energy": {"dims": (), "units": "1/m2", "long_name": "mean of |grad u|^2 / 2"},
            **super().variables(),
        }

    def solve(self, coefficients: np.ndarray, given: Parameters) -> dict[str, np.ndarray]:
        """See `Square.solve`."""
        series = self.modes()
        eigenvalues = series.eigenvalues(self.cells)
        found = coefficients / (eigenvalues - self.shift(given))
        solution = series.backward(found)
        energy = 0.5 * (found**2 * (eigenvalues * series.mean_squares(self.cells))).sum(axis=(1, 2))
        return {"solution": solution, "mean": solution.mean(axis=(1, 2)), "energy": energy}
