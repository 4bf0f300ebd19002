r"""Advection and diffusion on a periodic square: a substance that a flow carries and that spreads.

    u_t + div(b u) = D (u_xx + u_yy) + source   on 0 <= x, y < extent, periodic,   u(x, y, 0) = initial(x, y)
    b = (velocity_x + psi_y, velocity_y - psi_x),   0 <= t <= time

u is a concentration (kg/m3), D the diffusivity (m2/s), b a velocity (m/s) without divergence: a uniform one, and that
of the stream function psi (m2/s), with k = 2 pi waves / extent and the largest velocity A = ``strength`` (m/s) one of

    none       psi = 0                              every mode is exact in time, whatever the number of steps
    shear      psi = -A cos(k y) / k                velocity (A sin k y, 0)
    cellular   psi = A sin(k x) sin(k y) / k        velocity (A sin k x cos k y, -A cos k x sin k y)
    field      psi is an input

The mean of u changes by the source alone. Without a source d/dt mean(u^2) = -2 D mean(|grad u|^2): the variance never
grows. Maxima and minima are kept within them only as well as the points resolve u.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from pydantic import Field, model_validator

from surecast.simulate.periodic_square import PeriodicSquare
from surecast.simulate.semilinear import Nonlinearity
from surecast.simulate.simulator import VariableInfo
from surecast.simulate.spectral import Parameters
from surecast.study.component import refused

if TYPE_CHECKING:
    import xarray as xr

STATED = ("shear", "cellular")
"""Stream functions that `waves` and `strength` state."""


class AdvectionDiffusion(PeriodicSquare):
    """Advection and diffusion; inputs ``initial`` (periodic field) and every number below that is null.

    A step must not be longer than about a point's spacing over the largest velocity of psi; the uniform velocity and D
    do not count. Fronts that a flow stretches at the rate s have a width of about sqrt(D / s) and want four points.
    """

    equation: ClassVar[str] = "u_t + div(b u) = D (u_xx + u_yy) + source, b = (velocity_x + psi_y, velocity_y - psi_x)"
    units: ClassVar[tuple[str, ...]] = ("kg/m3",)
    parameters: ClassVar[dict[str, str]] = {
        "diffusivity": "m2/s", "velocity_x": "m/s", "velocity_y": "m/s", "strength": "m/s",
    }  # fmt: skip

    diffusivity: float | None = Field(
        default=None, ge=0, allow_inf_nan=False, description="Diffusivity D, m2/s; null for an input."
    )
    velocity_x: float | None = Field(
        default=0.0, allow_inf_nan=False, description="Uniform velocity along x, m/s; null for an input."
    )
    velocity_y: float | None = Field(
        default=0.0, allow_inf_nan=False, description="Uniform velocity along y, m/s; null for an input."
    )
    stream_function: Literal["none", "shear", "cellular", "field"] = Field(
        default="none", description="Flow beside the uniform one; field for an input that is a field, m2/s."
    )
    strength: float | None = Field(
        default=None, allow_inf_nan=False, description="Largest velocity of shear or cells, m/s; null for an input."
    )
    waves: int = Field(default=1, ge=1, description="Waves of shear or cells over a side.")
    with_source: bool = Field(default=False, description="Whether there is an input source, a field, kg/m3/s.")

    @model_validator(mode="after")
    def _stated(self) -> AdvectionDiffusion:
        if self.stream_function in STATED:
            if self.waves > self._highest():
                raise refused("waves", f"the grid holds {self._highest()} waves at most.", "use more points.")
        elif self.strength is not None or self.waves != 1:
            name = "waves" if self.strength is None else "strength"
            raise refused(name, "is that of shear or cells.", "leave it out, or write `stream_function: cellular`.")
        return self

    def input_names(self) -> tuple[str, ...]:
        """``initial``, ``stream_function`` and ``source`` where they are fields, then what is null."""
        fields = ["stream_function"] if self.stream_function == "field" else []
        fields += ["source"] if self.with_source else []
        absent = () if self.stream_function in STATED else ("strength",)
        numbers = [name for name in self.parameters if getattr(self, name) is None and name not in absent]
        return ("initial", *fields, *numbers)

    def input_units(self) -> dict[str, str]:
        """Of the numbers."""
        return {name: unit for name, unit in self.parameters.items() if name in self.input_names()}

    def grids(self) -> dict[str, dict[str, np.ndarray]]:
        """All fields are wanted at the points."""
        names = [name for name in self.input_names() if name not in self.parameters]
        return {name: dict.fromkeys(self.dims, self._axis()) for name in names}

    def variables(self) -> dict[str, VariableInfo]:
        """Final concentration, its mean and variance; ``history`` if frames are kept."""

        def info(dims: tuple[str, ...], units: str, long_name: str) -> VariableInfo:
            return {"dims": dims, "units": units, "long_name": long_name}

        found = {
            "concentration": info(self.dims, "kg/m3", "concentration at the final time"),
            "mean": info((), "kg/m3", "mean concentration at the final time"),
            "variance": info((), "kg2/m6", "variance over the square at the final time"),
            "spectral_tail": info((), "1", "share of the variance in the upper tenth of the modes"),
        }
        if self.frames:
            found["history"] = info(("time", *self.dims), "kg/m3", "concentration")
        return found

    def card(self) -> dict[str, Any]:
        """What a reader of the dataset must know."""
        numbers = {name: value for name in self.parameters if (value := getattr(self, name)) is not None}
        psi = {
            "none": "psi = 0",
            "shear": f"psi = -strength cos(k y) / k, k = 2 pi {self.waves} / extent",
            "cellular": f"psi = strength sin(k x) sin(k y) / k, k = 2 pi {self.waves} / extent",
            "field": "psi = stream_function, in m2/s",
        }
        return super().card() | {
            "initial_condition": "u = initial at t = 0, in kg/m3",
            "flow": psi[self.stream_function],
            "source": "source, in kg/m3/s" if self.with_source else "0",
            "parameters": {name: f"{value:g} {self.parameters[name]}" for name, value in numbers.items()},
        }

    def run(self, inputs: xr.Dataset) -> xr.Dataset:
        """Simulate every run; see `Simulator.run`."""
        raw = super().run(inputs)
        if "diffusivity" in self.input_names():
            raw["failure"].values[inputs["diffusivity"].values < 0] = "diffusivity is negative"
        return raw

    def linear(self, k: np.ndarray, given: Parameters) -> np.ndarray:
        """-D |k|^2 - i k . velocity."""
        decay = -self._number("diffusivity", given) * np.abs(k) ** 2
        if self.velocity_x == 0 and self.velocity_y == 0:
            return np.asarray(decay)
        return np.asarray(
            decay - 1j * (k.real * self._number("velocity_x", given) + k.imag * self._number("velocity_y", given))
        )

    def flow(self, modes: np.ndarray, given: Parameters) -> Iterator[np.ndarray]:
        """See `Spectral.flow`; steps of any length are exact where psi = 0."""
        if self.stream_function == "none" and self.steps != max(1, self.frames):
            return self.model_copy(update={"steps": max(1, self.frames)}).flow(modes, given)
        return super().flow(modes, given)

    def nonlinear(self, k: np.ndarray, given: Parameters) -> Nonlinearity:
        """-div((psi_y, -psi_x) u) + source."""
        source = self.modes(given["source"]) if self.with_source else 0.0
        if self.stream_function == "none":
            return lambda modes, out: np.copyto(out, source)
        psi = self.modes(self._stream_function(given))
        gradient = np.stack([1j * k.real, 1j * k.imag])[:, None].astype(psi.dtype)
        velocity = self.values(np.concatenate([gradient[1:], -gradient[:1]]) * psi)

        def transport(modes: np.ndarray, out: np.ndarray) -> None:
            flux = self.modes(velocity * self.values(modes))
            flux *= gradient
            np.add(flux[0], flux[1], out=out)
            np.subtract(source, out, out=out)

        return transport

    def measured(self, history: np.ndarray, modes: np.ndarray) -> dict[str, np.ndarray]:
        """See `Spectral.measured`."""
        squares = self.squares(modes)
        squares[:, 0, 0] = 0
        return {
            "concentration": history[:, -1],
            "mean": modes[:, 0, 0].real / self.points**2,
            "variance": squares.sum(axis=(1, 2)),
            "spectral_tail": self.tail(modes),
            "history": history,
        }

    def _number(self, name: str, given: Parameters) -> np.ndarray:
        """A setting, or the input in its place."""
        value = getattr(self, name)
        return given[name] if value is None else np.full((1, 1, 1), value)

    def _stream_function(self, given: Parameters) -> np.ndarray:
        """psi at the points, (run, y, x)."""
        if self.stream_function == "field":
            return given["stream_function"]
        k = 2 * np.pi * self.waves / self.extent
        x, y = self._axis(), self._axis()[:, None]
        shape = -np.cos(k * y + 0 * x) if self.stream_function == "shear" else np.sin(k * x) * np.sin(k * y)
        return np.asarray(self._number("strength", given) * shape / k)

    def _ratios(self) -> list[int]:
        """Those to coarser grids that hold the flow."""
        return [ratio for ratio in super()._ratios() if (self.points // ratio - 1) // 3 >= self.waves]
