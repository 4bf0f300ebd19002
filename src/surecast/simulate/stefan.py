r"""Stefan's problem as nonlinear diffusion: a front between a conducting and a resting (or slower) phase.

    u_t = (k(u) u_x)_x   on 0 <= x <= extent,   u(x, 0) = initial,   0 <= t <= time
    k(u) = k_max for u > u*,   k_min for u <= u*

u is an enthalpy relative to a reference (1), u* the threshold of the phases, k a diffusivity (m2/s). With k_min = 0
u jumps at the front from u* to what was there before, and the front moves by the balance of heat. From u = 0, with
u = 1 held at x = 0, it stands at x = 2 z sqrt(k_max t), behind it u = 1 - (1 - u*) erf(x / 2 sqrt(k_max t)) / erf(z),
where z solves

    (1 - u*) exp(-z^2) / (sqrt(pi) erf(z)) = u* z,   or with r = sqrt(k_max / k_min)
    (1 - u*) exp(-z^2) / erf(z) = u* exp(-(r z)^2) / (r erfc(r z))

(Crank, Free and Moving Boundary Problems, 1984, chapter 3). The defaults are those of the benchmark of Hansen,
Maddix, Alizadeh, Gupta and Mahoney, Learning Physical Models that Can Respect Conservation Laws (ICML 2023): u = 0 at
first, 1 at the left, 0 at the right, k_max = 1, k_min = 0, and u* from 0.55 to 0.7 an input.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from surecast.simulate.fronts import crossing, filled
from surecast.simulate.interval import Interval
from surecast.simulate.nonlinear_diffusion import Medium
from surecast.simulate.parametrised import Number, Parameters


class Stefan(Interval):
    """Stefan's problem; input ``threshold``, and what else is null: ``initial``, the diffusivities, the ends.

    The error of the amount is of order 2, that of u at the front of order 1: a cell there fills up to u* before the
    next one does.
    """

    equation: ClassVar[str] = "u_t = (k(u) u_x)_x, k = k_max above u*, k_min below"
    quantity: ClassVar[str] = "relative enthalpy"
    parameters: ClassVar[dict[str, str]] = {"threshold": "1", "diffusivity": "m2/s", "diffusivity_below": "m2/s"}
    nonnegative: ClassVar[tuple[str, ...]] = ("diffusivity_below",)
    positive: ClassVar[tuple[str, ...]] = ("diffusivity",)

    time: float = Field(default=0.1, gt=0, allow_inf_nan=False, description="Final time, s.")
    threshold: Number | None = Field(default=None, description="Threshold u* of the phases; null for an input.")
    diffusivity: Number | None = Field(default=1.0, description="Diffusivity above it, m2/s; null for an input.")
    diffusivity_below: Number | None = Field(default=0.0, description="Diffusivity below it, m2/s; null for an input.")
    left: Number | Literal["closed"] | None = Field(
        default=1.0, description="At x = 0: u, null for an input, or closed (no flow)."
    )
    right: Number | Literal["closed"] | None = Field(
        default=0.0, description="At x = extent: u, null for an input, or closed (no flow)."
    )

    def medium(self, given: Parameters) -> Medium:
        """s = u, Phi = k_max (u - u*)_+ + k_min min(u, u*)."""
        return _Phases(given["threshold"], given["diffusivity"], given["diffusivity_below"])

    def level(self, given: Parameters) -> np.ndarray:
        """u*."""
        return given["threshold"]

    def front(self, u: np.ndarray, given: Parameters) -> np.ndarray:
        """See `Interval.front`; where nothing conducts below the threshold, cells are filled one after the other."""
        level, resting = self.level(given), given["diffusivity_below"][:, 0] == 0
        return np.where(resting, filled(u, level, self.spacing), crossing(u, level, self.spacing))


@dataclass(frozen=True)
class _Phases(Medium):
    """u*, k_max and k_min, (run, 1)."""

    threshold: np.ndarray
    above: np.ndarray
    below: np.ndarray

    def storage(self, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """u."""
        return z, np.ones_like(z)

    def potential(self, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """k_max (u - u*)_+ + k_min min(u, u*)."""
        over = z - self.threshold
        value = self.above * np.maximum(over, 0) + self.below * (self.threshold + np.minimum(over, 0))
        return value, np.where(over > 0, self.above, self.below)
