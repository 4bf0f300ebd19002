r"""The Brusselator: a reaction that oscillates and forms patterns, of two species on a periodic square.

    u_t = D_u (u_xx + u_yy) + a - (b + 1) u + u^2 v
    v_t = D_v (v_xx + v_yy) + b u - u^2 v   on 0 <= x, y < extent, periodic,   0 <= t <= time
    u(x, y, 0) = a + initial(x, y),   v(x, y, 0) = b / a

u and v are concentrations, a and b those of the two substances that they are made from, which are kept up; all are
relative to one scale (1), and the rates of the four reactions are 1/s. The uniform state at rest is u = a, v = b / a,
and `initial` says how far u is off it. Small waves of wave number k grow and decay by the eigenvalues of

    J - k^2 diag(D_u, D_v),   J = ((b - 1, a^2), (-b, -a^2)):

the uniform one grows into an oscillation for b > 1 + a^2 (Hopf), those of k^2 = a / sqrt(D_u D_v) into a pattern at
rest for b > (1 + a sqrt(D_u / D_v))^2 (Turing). Prigogine and Lefever, J. Chem. Phys. 48 (1968) 1695-1700.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from pydantic import Field

from surecast.simulate.semilinear import Nonlinearity
from surecast.simulate.simulator import VariableInfo
from surecast.simulate.spectral import Parameters
from surecast.simulate.two_species import TwoSpecies

if TYPE_CHECKING:
    import xarray as xr


class Brusselator(TwoSpecies):
    """The Brusselator; inputs ``initial`` (periodic field), ``a`` and ``b``, neither of them 0 or below.

    With the diffusivities that are preset and a = 2 patterns grow for b above 2.91, and oscillations above 5. Their
    waves of 7.5 m want ten points; steps of 0.05 s resolve the reaction there, but not the bursts of an oscillation.
    """

    equation: ClassVar[str] = "u_t = D_u (u_xx + u_yy) + a - (b + 1) u + u^2 v, v_t = D_v (v_xx + v_yy) + b u - u^2 v"
    parameters: ClassVar[dict[str, str]] = {"a": "1", "b": "1"}
    watched: ClassVar[str] = "u"

    extent: float = Field(default=50.0, gt=0, allow_inf_nan=False, description="Length of a side, m.")
    time: float = Field(default=50.0, gt=0, allow_inf_nan=False, description="Final time, s.")
    diffusivity_u: float = Field(default=1.0, ge=0, allow_inf_nan=False, description="Diffusivity of u, m2/s.")
    diffusivity_v: float = Field(default=8.0, ge=0, allow_inf_nan=False, description="Diffusivity of v, m2/s.")

    def variables(self) -> dict[str, VariableInfo]:
        """Beside those of every reaction the variance of u."""
        text = "variance of u over the square at the final time"
        return {**super().variables(), "variance_u": {"dims": (), "units": "1", "long_name": text}}

    def card(self) -> dict[str, Any]:
        """What a reader of the dataset must know."""
        return super().card() | {
            "initial_condition": "u = a + initial, v = b / a at t = 0",
            "rates": "1/s, of all reactions",
        }

    def run(self, inputs: xr.Dataset) -> xr.Dataset:
        """Simulate every run; see `Simulator.run`."""
        raw = super().run(inputs)
        raw["failure"].values[inputs["b"].values < 0] = "b is negative"
        raw["failure"].values[inputs["a"].values <= 0] = "a is not above 0"
        return raw

    def start(self, initial: np.ndarray, given: Parameters) -> np.ndarray:
        """Modes (run, species, y, x) at time 0."""
        rest = np.broadcast_to(given["b"] / given["a"], initial.shape)
        return self.modes(np.stack([given["a"] + initial, rest], axis=1))

    def linear(self, k: np.ndarray, given: Parameters) -> np.ndarray:
        """-D_u |k|^2 - b - 1 and -D_v |k|^2."""
        lost, squared = given["b"] + 1, np.abs(k) ** 2
        return np.stack([-self.diffusivity_u * squared - lost, -self.diffusivity_v * squared + 0 * lost], axis=1)

    def nonlinear(self, k: np.ndarray, given: Parameters) -> Nonlinearity:
        """a + u^2 v and b u - u^2 v."""
        supplied = given["a"][:, 0, 0] * self.points**2
        b = given["b"].astype(self._real())

        def reaction(modes: np.ndarray, out: np.ndarray) -> None:
            fields = self.values(modes)
            u, v = fields[:, 0], fields[:, 1]
            v *= u
            v *= u
            out[:, 0] = self.modes(v)
            np.multiply(b, modes[:, 0], out=out[:, 1])
            out[:, 1] -= out[:, 0]
            out[:, 0, 0, 0] += supplied

        return reaction

    def measured(self, history: np.ndarray, modes: np.ndarray) -> dict[str, np.ndarray]:
        """See `Spectral.measured`."""
        squares = self.squares(modes[:, 0])
        squares[:, 0, 0] = 0
        return {**super().measured(history, modes), "variance_u": squares.sum(axis=(1, 2))}
