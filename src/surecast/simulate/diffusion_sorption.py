r"""Diffusion of a substance in the water of a soil to whose grains it sticks, by Freundlich's isotherm.

    R(u) u_t = D u_xx   on 0 <= x <= extent,   u(x, 0) = initial,   0 <= t <= time
    R(u) = 1 + a n u^(n - 1),   a = (1 - porosity) / porosity * density * coefficient
    u(0, t) = left,   -D u_x(extent, t) = outflow u(extent, t)

u is the concentration relative to that of the source (1), D the effective diffusivity (m2/day), R the retardation, n
Freundlich's exponent; what arrives at x = extent is carried off at the speed `outflow` (m/day). As a conservation law,

    (u + a u^n)_t = D u_xx,

it needs no bound on R, which is infinite at u = 0 where n < 1: there u is a power of the unknown z, u = z^(1/n), of
which both sides have finite derivatives (Brenner and Cances, SIAM J. Numer. Anal. 55 (2017) 1760). From u = 0 there is
then a front of finite speed; with u = 0 ahead a wave of any speed c is

    u = (a (exp((1 - n) c (c t - x)_+ / D) - 1))^(1/(1 - n)).

The defaults are those of PDEBench (Takamoto et al., NeurIPS 2022), whose input is the initial value, uniform from 0 to
0.2. Its repository carries the substance off, as here; the sign in its paper would feed it in. It has u + 1e-6 in place
of u in R, and 1024 cells.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from surecast.simulate.interval import Interval
from surecast.simulate.nonlinear_diffusion import End, Medium
from surecast.simulate.parametrised import Number, Parameters


class DiffusionSorption(Interval):
    """Diffusion and sorption; input ``initial``, and what else is null.

    ``mass`` counts what is dissolved and what sticks to the grains, per volume of pores.
    """

    equation: ClassVar[str] = "(u + a u^n)_t = D u_xx, a = (1 - porosity) / porosity * density * coefficient"
    quantity: ClassVar[str] = "relative concentration"
    clock: ClassVar[str] = "day"
    parameters: ClassVar[dict[str, str]] = {
        "diffusivity": "m2/day", "porosity": "1", "density": "kg/m3", "coefficient": "m3/kg", "exponent": "1",
        "outflow": "m/day",
    }  # fmt: skip
    nonnegative: ClassVar[tuple[str, ...]] = ("initial", "left", "right", "density", "coefficient", "outflow")
    positive: ClassVar[tuple[str, ...]] = ("diffusivity", "porosity", "exponent")

    time: float = Field(default=500.0, gt=0, allow_inf_nan=False, description="Final time, days.")
    initial: Number | Literal["field"] | None = Field(
        default=None, description="u at time 0: a number; null for an input; field for an input that is a field of x."
    )
    left: Number | Literal["closed"] | None = Field(
        default=1.0, description="At x = 0: u, null for an input, or closed (no flow)."
    )
    right: Number | Literal["closed", "carried_off"] | None = Field(
        default="carried_off",
        description="At x = extent: u, null for an input, closed (no flow) or carried_off (at the speed outflow).",
    )
    diffusivity: Number | None = Field(default=5e-4, description="Effective diffusivity, m2/day; null for an input.")
    porosity: Number | None = Field(default=0.29, description="Share of pores in the volume; null for an input.")
    density: Number | None = Field(default=2880.0, description="Density of the grains, kg/m3; null for an input.")
    coefficient: Number | None = Field(
        default=3.5e-4, description="Freundlich's coefficient, m3/kg, at u = 1; null for an input."
    )
    exponent: Number | None = Field(default=0.874, description="Freundlich's exponent n; null for an input.")
    outflow: Number | None = Field(
        default=1.0, description="Speed at which what arrives at the right is carried off, m/day; null for an input."
    )
    front_level: float = Field(
        default=0.5, gt=0, allow_inf_nan=False, description="Value of u whose outermost position is the front."
    )

    def medium(self, given: Parameters) -> Medium:
        """s = u + a u^n, Phi = D u."""
        pores = given["porosity"]
        sorption = (1 - pores) / pores * given["density"] * given["coefficient"]
        return _Freundlich(sorption, given["exponent"], given["diffusivity"])

    def own_end(self, kind: str, time: float, medium: Medium, given: Parameters) -> End:
        """The substance is carried off."""
        return End.carried_off(given["outflow"][:, 0], given["diffusivity"][:, 0], self.spacing)

    def own_words(self, kind: str) -> str:
        """The substance is carried off."""
        return "-D u_x = outflow u"

    def level(self, given: Parameters) -> np.ndarray:
        """`front_level`."""
        return np.full_like(given["exponent"], self.front_level)

    def fault(self, name: str, values: np.ndarray) -> np.ndarray:
        """See `Parametrised.fault`; a porosity is a share."""
        found = super().fault(name, values)
        if name == "porosity":
            found[(found == "") & (values > 1).any(axis=1)] = "porosity is above 1"
        return found


@dataclass(frozen=True)
class _Freundlich(Medium):
    """a, n and D, (run, 1): with u = z^p and p = max(1, 1/n) no derivative by z is infinite."""

    sorption: np.ndarray
    exponent: np.ndarray
    diffusivity: np.ndarray

    @property
    def power(self) -> np.ndarray:
        """p; 1 where nothing sticks."""
        return np.where(self.sorption > 0, np.maximum(1.0, 1 / self.exponent), 1.0)

    @property
    def sticking(self) -> np.ndarray:
        """Power of z in u^n; 1 where nothing sticks."""
        return np.where(self.sorption > 0, np.maximum(1.0, self.exponent), 1.0)

    def unknown(self, u: np.ndarray) -> np.ndarray:
        """z of u."""
        return np.sign(u) * np.abs(u) ** (1 / self.power)

    def value(self, z: np.ndarray) -> np.ndarray:
        """u of z."""
        return z * np.abs(z) ** (self.power - 1)

    def storage(self, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """u + a u^n."""
        size, first, second = np.abs(z), self.power, self.sticking
        dissolved, stuck = size ** (first - 1), self.sorption * size ** (second - 1)
        return z * (dissolved + stuck), first * dissolved + second * stuck

    def potential(self, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """D u."""
        slope = self.diffusivity * np.abs(z) ** (self.power - 1)
        return z * slope, self.power * slope
