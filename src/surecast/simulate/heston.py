"""Heston's model: an asset whose variance is itself random, and drawn back to a level.

    dS = growth S dt + sqrt(v) S dW,                        S(0) = start
    dv = rate (level - v) dt + volatility sqrt(v) dB,       v(0) = variance,   dW dB = correlation dt

S has the mean start e^{growth t}; v is Cox, Ingersoll and Ross's process, and the characteristic function of log S has
a closed form (Heston 1993, Rev. Financ. Stud. 6, eq. 17). log S is stepped by Euler and Maruyama with the variance at
the start of each step, so that the mean is right whatever the steps, and v with 0 in its place where a step ended below
(full truncation, Lord, Koekkoek and van Dijk 2010, Quant. Finance 10). Of order 1/2 in the strong sense while v stays
clear of 0. S and the correlation have no unit; growth, variance, rate, level and volatility in 1/s.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np

from surecast.simulate.brownian import pieces
from surecast.simulate.paths import Parameters, RandomPaths
from surecast.simulate.simulator import VariableInfo


class Heston(RandomPaths):
    """Heston's model; inputs ``start``, ``growth``, ``variance``, ``rate``, ``level``, ``volatility``, ``correlation``.

    Outputs are those of the asset's path, and ``final_variance``.
    """

    equation: ClassVar[str] = (
        "dS = growth S dt + sqrt(v) S dW, dv = rate (level - v) dt + volatility sqrt(v) dB, dW dB = correlation dt"
    )
    quantity: ClassVar[str] = "asset"
    parameters: ClassVar[dict[str, str]] = {
        "growth": "1/s",
        "variance": "1/s",
        "rate": "1/s",
        "level": "1/s",
        "volatility": "1/s",
        "correlation": "1",
    }
    nonnegative: ClassVar[tuple[str, ...]] = ("start", "variance", "rate", "level")

    def solver(self) -> str:
        """See `RandomPaths.solver`."""
        return "Euler and Maruyama for log S and v, full truncation of v"

    def variables(self) -> dict[str, VariableInfo]:
        """Those of a path, and the final variance."""
        found = super().variables()
        found["final_variance"] = {"dims": (), "units": "1/s", "long_name": "variance at the final time"}
        return found

    def card(self) -> dict[str, Any]:
        """What a reader of the dataset must know."""
        return super().card() | {"initial_condition": "S = start, v = variance at t = 0"}

    def refused(self, given: Parameters) -> np.ndarray:
        """See `RandomPaths.refused`."""
        found = super().refused(given)
        found[np.abs(given["correlation"]) > 1] = "correlation is not between -1 and 1"
        return found

    def observed(self, x: np.ndarray) -> np.ndarray:
        """The asset."""
        return np.asarray(x[:, 0])

    def also(self, x: np.ndarray) -> dict[str, np.ndarray]:
        """The variance, 0 where the last step ended below."""
        return {"final_variance": np.maximum(x[1], 0.0)}

    def walk(self, given: Parameters, seeds: np.ndarray) -> Iterator[np.ndarray]:
        """Asset and variance, (step, 2, run)."""
        step, correlation = self.time / self.steps, given["correlation"]
        rest = np.sqrt(1 - correlation**2)
        asset, variance = given["start"], given["variance"]
        yield np.stack((asset, variance))[None]
        for noise in zip(*(pieces(seeds, self.steps, self.time, component) for component in (0, 1)), strict=True):
            states = np.stack(noise, axis=1)
            for state in states:  # over which the state after it is written
                own, other = state
                positive = np.maximum(variance, 0.0)
                root = np.sqrt(positive)
                turned = correlation * own + rest * other
                np.multiply(asset, np.exp(step * (given["growth"] - 0.5 * positive) + root * own), out=own)
                np.add(variance, step * given["rate"] * (given["level"] - positive), out=other)
                other += given["volatility"] * root * turned
                asset, variance = state
            yield states
