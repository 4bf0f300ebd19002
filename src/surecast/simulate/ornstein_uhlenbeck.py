"""The process of Ornstein and Uhlenbeck: noise that is drawn back to a level.

    dX = rate (level - X) dt + volatility dW,   X(0) = start

X(t) is normal with mean level + (start - level) e^{-rate t} and variance volatility^2 (1 - e^{-2 rate t})/(2 rate)
(Uhlenbeck and Ornstein 1930, Phys. Rev. 36). X has no unit; rate in 1/s, volatility in s^(-1/2).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from surecast.simulate.paths import Parameters
from surecast.simulate.sde import StochasticDifferentialEquation

if TYPE_CHECKING:
    import numpy as np


class OrnsteinUhlenbeck(StochasticDifferentialEquation):
    """Ornstein and Uhlenbeck's process; inputs ``start``, ``rate``, ``level`` and ``volatility``."""

    equation: ClassVar[str] = "dX = rate (level - X) dt + volatility dW"
    quantity: ClassVar[str] = "state"
    parameters: ClassVar[dict[str, str]] = {"rate": "1/s", "level": "1", "volatility": "s**-0.5"}

    def drift(self, x: np.ndarray, given: Parameters) -> np.ndarray:
        """Rate (level - X)."""
        found = given["level"] - x
        found *= given["rate"]
        return found

    def volatility(self, x: np.ndarray, given: Parameters) -> np.ndarray:
        """A constant."""
        return given["volatility"]

    def slope(self, x: np.ndarray, given: Parameters) -> None:
        """0."""
        return
