"""The process of Cox, Ingersoll and Ross: a positive state that is drawn back to a level.

    dX = rate (level - X) dt + volatility sqrt(X) dW,   X(0) = start >= 0

Its mean is level + (start - level) e^{-rate t}, its variance with e = e^{-rate t}

    start volatility^2 (e - e^2)/rate + level volatility^2 (1 - e)^2/(2 rate)

(Cox, Ingersoll and Ross 1985, Econometrica 53). A step may end below 0: drift and volatility then take 0 for X, as
what is reported does (full truncation, Lord, Koekkoek and van Dijk 2010, Quant. Finance 10). X has no unit; rate in
1/s, volatility in s^(-1/2).
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from surecast.simulate.paths import Parameters
from surecast.simulate.sde import StochasticDifferentialEquation


class CoxIngersollRoss(StochasticDifferentialEquation):
    """Cox, Ingersoll and Ross's process; inputs ``start``, ``rate``, ``level`` and ``volatility``."""

    equation: ClassVar[str] = "dX = rate (level - X) dt + volatility sqrt(X) dW"
    quantity: ClassVar[str] = "state"
    parameters: ClassVar[dict[str, str]] = {"rate": "1/s", "level": "1", "volatility": "s**-0.5"}
    nonnegative: ClassVar[tuple[str, ...]] = ("start", "rate", "level")

    def observed(self, x: np.ndarray) -> np.ndarray:
        """X, or 0 where a step ended below."""
        return np.maximum(x, 0.0)

    def drift(self, x: np.ndarray, given: Parameters) -> np.ndarray:
        """Rate (level - X)."""
        found = np.maximum(x, 0.0)
        np.subtract(given["level"], found, out=found)
        found *= given["rate"]
        return found

    def volatility(self, x: np.ndarray, given: Parameters) -> np.ndarray:
        """Volatility sqrt(X)."""
        found = np.maximum(x, 0.0)
        np.sqrt(found, out=found)
        found *= given["volatility"]
        return found

    def slope(self, x: np.ndarray, given: Parameters) -> np.ndarray:
        """volatility^2/2, and 0 where X is."""
        return np.asarray(0.5 * given["volatility"] ** 2 * (x > 0))
