"""Conduction of heat in a plate.

    u_t = D (u_xx + u_yy)   on the unit square,   u(x, y, 0) = initial,   0 <= t <= time
    u = 0 (zero) or no flow (closed) at x = 0 and x = 1, likewise at y = 0 and y = 1

u is a temperature above that of the surroundings (K), D the diffusivity (m2/s). Term (i, j) of the initial state's
series decays by exp(-D pi^2 (i^2 + j^2) t), exactly. In one dimension, periodic: `surecast.simulate.diffusion`; on an
interval: `surecast.simulate.porous_medium` with exponent 0.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from pydantic import Field

from surecast.simulate.frames import frame_times, time_coordinate
from surecast.simulate.simulator import VariableInfo
from surecast.simulate.square import Parameters, Square


class Heat(Square):
    """Conduction of heat in a plate; inputs ``initial`` (field) and ``diffusivity``.

    The error is smaller than any power of the cells' width where the initial state fulfils the conditions at the sides,
    of order 2 where it does not (a random field does not vanish there).
    """

    equation: ClassVar[str] = "u_t = D (u_xx + u_yy)"
    method: ClassVar[str] = "sine and cosine series, exact in time"
    field: ClassVar[str] = "initial"
    parameters: ClassVar[dict[str, str]] = {"diffusivity": "m2/s"}
    units: ClassVar[tuple[str, str]] = ("K", "K")

    time: float = Field(default=0.01, gt=0, allow_inf_nan=False, description="Final time, s.")
    frames: int = Field(default=0, ge=0, le=10_000, description="States kept on the way, the final one included.")

    def variables(self) -> dict[str, VariableInfo]:
        """Final state, its mean and energy; ``history`` if frames are kept."""
        found: dict[str, VariableInfo] = {
            "solution": {"dims": ("y", "x"), "units": "K", "long_name": "temperature at the final time"},
            "mean": {"dims": (), "units": "K", "long_name": "mean temperature at the final time"},
            "energy": {"dims": (), "units": "K2", "long_name": "mean of u^2 / 2 at the final time"},
            **super().variables(),
        }
        if self.frames:
            found["history"] = {"dims": ("time", "y", "x"), "units": "K", "long_name": "temperature"}
        return found

    def card(self) -> dict[str, Any]:
        """What a reader of the dataset must know."""
        return {**super().card(), "domain": f"unit square, lengths in m, 0 <= t <= {self.time:g} (s)"}

    def coordinates(self) -> dict[str, Any]:
        """Times of the frames."""
        return dict(time_coordinate(self.time, self.frames))

    def fault(self, given: Parameters) -> np.ndarray:
        """See `Square.fault`."""
        diffusivity = given["diffusivity"][:, 0, 0]
        fault = np.where(diffusivity < 0, "diffusivity is negative", "").astype(object)
        return np.where(np.isfinite(diffusivity), fault, "diffusivity is not finite")

    def solve(self, coefficients: np.ndarray, given: Parameters) -> dict[str, np.ndarray]:
        """See `Square.solve`."""
        times = frame_times(self.time, self.frames)
        series, rates = self.modes(), given["diffusivity"] * self.modes().eigenvalues(self.cells)
        history = np.stack([series.backward(coefficients * np.exp(-rates * time)) for time in times], axis=1)
        solution = history[:, -1]
        means = {"mean": solution.mean(axis=(1, 2)), "energy": 0.5 * (solution**2).mean(axis=(1, 2))}
        return {"solution": solution, "history": history, **means}
