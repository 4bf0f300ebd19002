"""Geometric Brownian motion: growth at a rate with noise in proportion.

    dX = growth X dt + volatility X dW,   X(0) = start

X(t) = start exp((growth - volatility^2/2) t + volatility W(t)), log-normal with mean start e^{growth t} and second
moment start^2 e^{(2 growth + volatility^2) t}. X has no unit; growth in 1/s, volatility in s^(-1/2).
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from surecast.simulate.paths import Parameters
from surecast.simulate.sde import StochasticDifferentialEquation


class GeometricBrownianMotion(StochasticDifferentialEquation):
    """Geometric Brownian motion; inputs ``start``, ``growth`` and ``volatility``."""

    equation: ClassVar[str] = "dX = growth X dt + volatility X dW"
    quantity: ClassVar[str] = "value"
    parameters: ClassVar[dict[str, str]] = {"growth": "1/s", "volatility": "s**-0.5"}

    def drift(self, x: np.ndarray, given: Parameters) -> np.ndarray:
        """Growth times X."""
        return np.asarray(given["growth"] * x)

    def volatility(self, x: np.ndarray, given: Parameters) -> np.ndarray:
        """Volatility times X."""
        return np.asarray(given["volatility"] * x)

    def slope(self, x: np.ndarray, given: Parameters) -> np.ndarray:
        """volatility^2 X."""
        return np.asarray(given["volatility"] ** 2 * x)
