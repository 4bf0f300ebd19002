"""Langevin's overdamped motion in a double well: rare jumps between two states.

    dX = rate (X - X^3) dt + sqrt(2 rate temperature) dW,   X(0) = start

The potential is (X^2 - 1)^2/4; whatever the start, X(t) comes to have the density exp(-(x^2 - 1)^2/(4 temperature))/Z,
and jumps at about Kramers' rate, rate sqrt(2)/(2 pi) exp(-1/(4 temperature)) (Kramers 1940, Physica 7). X and the
temperature have no unit; rate in 1/s.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from surecast.simulate.paths import Parameters
from surecast.simulate.sde import StochasticDifferentialEquation


class DoubleWell(StochasticDifferentialEquation):
    """Motion in a double well; inputs ``start``, ``rate`` and ``temperature``."""

    equation: ClassVar[str] = "dX = rate (X - X^3) dt + sqrt(2 rate temperature) dW"
    quantity: ClassVar[str] = "position"
    parameters: ClassVar[dict[str, str]] = {"rate": "1/s", "temperature": "1"}
    nonnegative: ClassVar[tuple[str, ...]] = ("rate", "temperature")

    def drift(self, x: np.ndarray, given: Parameters) -> np.ndarray:
        """Less the slope of the potential, times the rate."""
        found = x * x
        np.subtract(1.0, found, out=found)
        found *= x
        found *= given["rate"]
        return found

    def volatility(self, x: np.ndarray, given: Parameters) -> np.ndarray:
        """A constant."""
        return np.asarray(np.sqrt(2 * given["rate"] * given["temperature"]))

    def slope(self, x: np.ndarray, given: Parameters) -> None:
        """0."""
        return
