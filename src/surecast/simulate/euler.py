r"""Compressible flow without friction: Euler's equations of an ideal gas.

    rho_t + (rho u)_x + (rho v)_y = 0
    (rho u)_t + (rho u^2 + p)_x + (rho u v)_y = 0
    (rho v)_t + (rho u v)_x + (rho v^2 + p)_y = 0
    E_t + (u (E + p))_x + (v (E + p))_y = 0,   E = p / (g - 1) + rho (u^2 + v^2) / 2
    on 0 <= x, y <= extent,   0 <= t <= time

rho is the density (kg/m3), (u, v) the velocity (m/s), p the pressure (Pa), g the adiabatic index. At first

    shock_tube  density_left, velocity_left, pressure_left where x < position, and those of the right beyond
    vortex      Yee, Sandham and Djomehri's (J. Comput. Phys. 150 (1999) 199), in the middle of a uniform flow
    field       a gas at rest, of one entropy: p = pressure e^f, rho = density e^(f / g), f the input `initial`

The vortex is carried along unchanged: with s the `strength`, X and Y the distances from its centre in tenths of the
extent, R^2 = X^2 + Y^2, and T = p / rho,

    (u, v) = (velocity_x, velocity_y) + s / (2 pi) e^((1 - R^2) / 2) (-Y, X),
    T = 1 - (g - 1) s^2 / (8 g pi^2) e^(1 - R^2),   rho = T^(1 / (g - 1)).

Shock tubes are solved exactly in `surecast.simulate.riemann`; the defaults are Sod's (J. Comput. Phys. 27 (1978) 1).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from surecast.simulate.conservation_law import ConservationLaw
from surecast.simulate.godunov import Law
from surecast.simulate.hllc import IdealGas
from surecast.simulate.parametrised import Number
from surecast.study.component import refused

if TYPE_CHECKING:
    import xarray as xr

SIDES = {"density": "kg/m3", "velocity": "m/s", "pressure": "Pa"}


class Euler(ConservationLaw):
    """Compressible flow; inputs are fields, and what is null (``pressure_left`` or ``strength`` unless said otherwise).

    Smooth flow converges with order 2, with shocks order 1, at contacts somewhat less. The front is where the pressure
    has gone by `front_share` from that of the right to that of the left: a shock, or the head of a rarefaction.
    ``gauge_pressure`` is the largest pressure at the gauge. A run whose density or pressure is not positive fails.
    """

    equation: ClassVar[str] = (
        "rho_t + (rho u)_x + (rho v)_y = 0, (rho u)_t + (rho u^2 + p)_x + (rho u v)_y = 0, "
        "(rho v)_t + (rho u v)_x + (rho v^2 + p)_y = 0, E_t + (u (E + p))_x + (v (E + p))_y = 0"
    )
    method: ClassVar[str] = (
        "finite volumes, linear in a cell (monotonised central limiter), HLLC fluxes (Batten and others 1997), "
        "Heun's method"
    )
    quantities: ClassVar[dict[str, tuple[str, str]]] = {
        "density": ("kg/m3", "density"),
        "velocity_x": ("m/s", "velocity in x"),
        "velocity_y": ("m/s", "velocity in y"),
        "pressure": ("Pa", "pressure"),
    }
    means: ClassVar[dict[str, tuple[str, str]]] = {
        "mean_density": ("kg/m3", "mean density"),
        "mean_energy": ("J/m3", "mean energy per volume, of heat and of motion"),
    }
    gauged: ClassVar[tuple[str, str, str]] = ("gauge_pressure", "Pa", "pressure")
    chosen: ClassVar[dict[str, dict[str, str]]] = {
        "shock_tube": {
            **{f"{name}_{side}": unit for side in ("left", "right") for name, unit in SIDES.items()},
            "position": "m",
        },
        "vortex": {"strength": "1", "velocity_x": "m/s", "velocity_y": "m/s"},
        "field": {"density": "kg/m3", "pressure": "Pa"},
    }
    choices: ClassVar[dict[str, str]] = {"initial": "initial"}
    fronts: ClassVar[tuple[str, ...]] = ("shock_tube",)
    positive: ClassVar[tuple[str, ...]] = (
        "density_left", "pressure_left", "density_right", "pressure_right", "density", "pressure"
    )  # fmt: skip

    initial: Literal["shock_tube", "vortex", "field"] = Field(
        default="shock_tube", description="State at time 0: shock_tube, vortex, or field for an input that is a field."
    )
    adiabatic_index: float = Field(default=1.4, gt=1, le=3, description="Adiabatic index g, ratio of specific heats.")
    time: float = Field(default=0.2, gt=0, allow_inf_nan=False, description="Final time, s.")
    density_left: Number | None = Field(default=1.0, description="Density at the left, kg/m3; null for an input.")
    velocity_left: Number | None = Field(default=0.0, description="Velocity at the left, m/s; null for an input.")
    pressure_left: Number | None = Field(default=None, description="Pressure at the left, Pa; null for an input.")
    density_right: Number | None = Field(default=0.125, description="Density at the right, kg/m3; null for an input.")
    velocity_right: Number | None = Field(default=0.0, description="Velocity at the right, m/s; null for an input.")
    pressure_right: Number | None = Field(default=0.1, description="Pressure at the right, Pa; null for an input.")
    position: Number | None = Field(default=0.5, description="x of the membrane, m; null for an input.")
    strength: Number | None = Field(default=None, description="Strength of the vortex (5 is usual); null for an input.")
    velocity_x: Number | None = Field(default=1.0, description="Velocity that carries the vortex in x, m/s, or null.")
    velocity_y: Number | None = Field(default=1.0, description="Velocity that carries the vortex in y, m/s, or null.")
    density: Number | None = Field(default=1.0, description="Density where the field is 0, kg/m3; null for an input.")
    pressure: Number | None = Field(default=1.0, description="Pressure where the field is 0, Pa; null for an input.")

    @model_validator(mode="after")
    def _turning(self) -> Self:
        if self.initial == "vortex" and self.dimensions == 1:
            raise refused("dimensions", "is too few for a vortex.", "write `dimensions: 2`.")
        return self

    def restrict(self, fields: xr.Dataset) -> xr.Dataset:
        """See `ConservationLaw.restrict`: mass, momentum and energy are kept."""
        gas = IdealGas(self.adiabatic_index)
        groups = [[prefix + name for name in self.kept()] for prefix in ("", "history_")[: 2 if self.frames else 1]]

        def changed(raw: xr.Dataset, by: Callable[[np.ndarray], np.ndarray]) -> xr.Dataset:
            for names in groups:
                values = by(np.stack([raw[name].values for name in names]))
                raw = raw.assign({name: raw[name].copy(data=one) for name, one in zip(names, values, strict=True)})
            return raw

        return changed(super().restrict(changed(fields, gas.conserved)), gas.primitives)

    def start(self, given: dict[str, np.ndarray]) -> tuple[Law, np.ndarray]:
        """See `ConservationLaw.start`."""
        gas = IdealGas(self.adiabatic_index)
        state = {"shock_tube": self._tube, "vortex": self._vortex, "field": self._sound}[self.initial](gas, given)
        return gas, self.grid().padded(state)

    def start_words(self) -> str:
        """See `ConservationLaw.start_words`."""
        return {
            "shock_tube": "density_left, velocity_left, pressure_left where x < position, those of the right beyond",
            "vortex": "an isentropic vortex of a strength in the middle of a flow (velocity_x, velocity_y)",
            "field": "at rest, p = pressure e^f, rho = density e^(f / g), f = initial",
        }[self.initial]

    def outputs(self, w: np.ndarray) -> dict[str, np.ndarray]:
        """See `ConservationLaw.outputs`."""
        return dict(zip(self.kept(), w, strict=True))

    def averages(self, w: np.ndarray) -> dict[str, np.ndarray]:
        """See `ConservationLaw.averages`."""
        return {"mean_density": w[0], "mean_energy": IdealGas(self.adiabatic_index).conserved(w)[-1]}

    def rise(self, w: np.ndarray, given: dict[str, np.ndarray]) -> np.ndarray:
        """See `ConservationLaw.rise`: of the pressure."""
        left, right = self.column(given, "pressure_left"), self.column(given, "pressure_right")
        return np.asarray((w[-1] - right) / (left - right))

    def _tube(self, gas: IdealGas, given: dict[str, np.ndarray]) -> np.ndarray:
        share = self.share_before(self.column(given, "position"))
        ends = []
        for side in ("left", "right"):
            density, velocity, pressure = (self.column(given, f"{name}_{side}") for name in SIDES)
            across = [np.zeros_like(velocity)] * (self.dimensions - 1)
            ends.append(gas.conserved(np.stack([density, velocity, *across, pressure])))
        return share * ends[0] + (1 - share) * ends[1]

    def _vortex(self, gas: IdealGas, given: dict[str, np.ndarray]) -> np.ndarray:
        x, y = (10 / self.extent * place for place in self.places())
        strength, index = self.column(given, "strength"), self.adiabatic_index
        swirl = strength / (2 * np.pi) * np.exp(0.5 * (1 - x**2 - y**2))
        heat = 1 - (index - 1) / (2 * index) * swirl**2
        density = heat ** (1 / (index - 1))
        u, v = self.column(given, "velocity_x") - swirl * y, self.column(given, "velocity_y") + swirl * x
        return gas.conserved(np.stack([density, u, v, density * heat]))

    def _sound(self, gas: IdealGas, given: dict[str, np.ndarray]) -> np.ndarray:
        field = given["initial"]
        density = self.column(given, "density") * np.exp(field / self.adiabatic_index)
        rest = [np.zeros_like(field)] * self.dimensions
        return gas.conserved(np.stack([density, *rest, self.column(given, "pressure") * np.exp(field)]))
