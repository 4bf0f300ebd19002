r"""Gray and Scott's reaction: spots, stripes and waves of two species on a periodic square.

    u_t = D_u (u_xx + u_yy) - u v^2 + F (1 - u)
    v_t = D_v (v_xx + v_yy) + u v^2 - (F + k) v   on 0 <= x, y < extent, periodic,   0 <= t <= time
    u(x, y, 0) = 1 - initial(x, y),   v(x, y, 0) = initial(x, y) / 2

u is the substance that is fed at the rate F (1/s), v the one that feeds on it and is removed at the rate F + k; both
are concentrations relative to that of the feed (1). Nothing has happened where `initial` is 0; Pearson (Science 261
(1993) 189) starts patterns from patches of 1/2. Uniform states at rest are u = 1, v = 0 and those with u v = F + k,
v = F (1 - u) / (F + k).
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from pydantic import Field

from surecast.simulate.semilinear import Nonlinearity
from surecast.simulate.spectral import Parameters
from surecast.simulate.two_species import TwoSpecies


class GrayScott(TwoSpecies):
    """Gray and Scott's reaction; inputs ``initial`` (periodic field, not below 0), ``feed`` and ``kill``.

    Diffusivities and side are Pearson's unless stated. Fronts have a width of about 0.05 m and want four points or
    more; steps of 1 s resolve the reaction. Patterns need feeds of 0.01 to 0.07 and kills of 0.04 to 0.07.
    """

    equation: ClassVar[str] = "u_t = D_u (u_xx + u_yy) - u v^2 + F (1 - u), v_t = D_v (v_xx + v_yy) + u v^2 - (F + k) v"
    parameters: ClassVar[dict[str, str]] = {"feed": "1/s", "kill": "1/s"}
    watched: ClassVar[str] = "v"

    extent: float = Field(default=2.5, gt=0, allow_inf_nan=False, description="Length of a side, m.")
    time: float = Field(default=1000.0, gt=0, allow_inf_nan=False, description="Final time, s.")
    diffusivity_u: float = Field(default=2e-5, ge=0, allow_inf_nan=False, description="Diffusivity of u, m2/s.")
    diffusivity_v: float = Field(default=1e-5, ge=0, allow_inf_nan=False, description="Diffusivity of v, m2/s.")

    def card(self) -> dict[str, Any]:
        """What a reader of the dataset must know."""
        return super().card() | {"initial_condition": "u = 1 - initial, v = initial / 2 at t = 0"}

    def start(self, initial: np.ndarray, given: Parameters) -> np.ndarray:
        """Modes (run, species, y, x) at time 0."""
        return self.modes(np.stack([1 - initial, 0.5 * initial], axis=1))

    def linear(self, k: np.ndarray, given: Parameters) -> np.ndarray:
        """-D_u |k|^2 - F and -D_v |k|^2 - F - k."""
        squared = np.abs(k) ** 2
        lost = (given["feed"], given["feed"] + given["kill"])
        return np.stack([-self.diffusivity_u * squared - lost[0], -self.diffusivity_v * squared - lost[1]], axis=1)

    def nonlinear(self, k: np.ndarray, given: Parameters) -> Nonlinearity:
        """F - u v^2 and u v^2."""
        feed = given["feed"][:, 0, 0] * self.points**2

        def reaction(modes: np.ndarray, out: np.ndarray) -> None:
            fields = self.values(modes)
            u, v = fields[:, 0], fields[:, 1]
            u *= v
            u *= v
            out[:, 1] = self.modes(u)
            np.negative(out[:, 1], out=out[:, 0])
            out[:, 0, 0, 0] += feed

        return reaction
