"""Ornstein and Uhlenbeck's process with a memory: driven by fractional Brownian motion.

    dX = rate (level - X) dt + volatility dB(t / 1 s),   X(0) = start,   E (B(s) - B(t))^2 = |s - t|^2H,   H = hurst

X(t) is normal with mean level + (start - level) e^{-rate t} and variance

    volatility^2 H int_0^t s^(2H-1) (e^{-rate s} + e^{-rate (2 t - s)}) ds

(Cheridito, Kawaguchi and Maejima 2003, Electron. J. Probab. 8; by parts from their integral). Increments of B are
positively correlated for H > 1/2, negatively for H < 1/2, independent for H = 1/2, which is Ornstein and Uhlenbeck's
process. They are drawn exactly, see `surecast.simulate.fractional_brownian`; the steps are Euler's, of order
min(1, H + 1/2) in the strong sense. X, volatility and hurst have no unit; rate in 1/s.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import numpy as np

from surecast.simulate.fractional_brownian import fractional_increments
from surecast.simulate.paths import Parameters, RandomPaths


class FractionalOrnsteinUhlenbeck(RandomPaths):
    """Fractional Ornstein-Uhlenbeck process; inputs ``start``, ``rate``, ``level``, ``volatility`` and ``hurst``."""

    equation: ClassVar[str] = "dX = rate (level - X) dt + volatility dB, B fractional Brownian motion of index hurst"
    quantity: ClassVar[str] = "state"
    parameters: ClassVar[dict[str, str]] = {"rate": "1/s", "level": "1", "volatility": "1", "hurst": "1"}

    def solver(self) -> str:
        """See `RandomPaths.solver`."""
        return "Euler, with exact fractional Gaussian noise"

    def refused(self, given: Parameters) -> np.ndarray:
        """See `RandomPaths.refused`."""
        found = super().refused(given)
        found[~((given["hurst"] > 0) & (given["hurst"] < 1))] = "hurst is not between 0 and 1"
        return found

    def walk(self, given: Parameters, seeds: np.ndarray) -> Iterator[np.ndarray]:
        """See `RandomPaths.walk`."""
        noise = fractional_increments(seeds, self.steps, self.time, given["hurst"])
        step = self.time / self.steps
        x = given["start"]
        yield x[None]
        for jump in noise:  # over which the state after it is written
            change = given["level"] - x
            change *= given["rate"]
            change *= step
            jump *= given["volatility"]
            jump += change
            jump += x
            x = jump
        yield noise
