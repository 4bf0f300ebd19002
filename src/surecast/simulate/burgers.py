"""One-dimensional viscous Burgers equation.

    u_t + 1/2 (u^2)_x = nu u_xx   on 0 <= x < 1, periodic,   u(x, 0) = initial(x),   0 <= t <= time

u is a velocity (m/s), nu the viscosity (m2/s). Fourier modes up to a third of the points (2/3 rule: the
product is free of aliasing; Orszag, J. Atmos. Sci. 28 (1971) 1074), in time ETDRK4
(`surecast.simulate.exponential`), order 4. The mean of u is conserved to the last bit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import scipy.fft
from pydantic import Field, model_validator

from surecast.simulate.exponential import ETDRK4
from surecast.simulate.simulator import Simulator, VariableInfo
from surecast.study.errors import SimulationError

if TYPE_CHECKING:
    import xarray as xr

BATCH = 32  # runs advanced at once; their states stay in the cache


class Burgers(Simulator):
    """Viscous Burgers equation; inputs ``initial`` (periodic field) and ``viscosity``.

    Fails (as a recorded run) where it becomes unstable, which shows as values that are not finite: steps
    longer than about 1 / (points max |u|). Fronts have a width of about 4 nu / (jump of u) and want
    five points or more; ``spectral_tail`` says how well they are resolved. 256 points and 100 steps give a
    relative error of about 1e-7, below 5e-6, for nu from 0.01 to 0.05 and |u| about 1.
    """

    diagnostics: ClassVar[tuple[str, ...]] = ("spectral_tail",)

    points: int = Field(default=256, ge=8, le=65536, multiple_of=2, description="Points, and cells between them.")
    time: float = Field(default=1.0, gt=0, allow_inf_nan=False, description="Final time, s.")
    steps: int = Field(default=200, ge=1, le=10_000_000, description="Time steps to the final time.")
    frames: int = Field(default=0, ge=0, le=10_000, description="States kept on the way, the final one included.")

    @model_validator(mode="after")
    def _whole_frames(self) -> Burgers:
        if self.frames and self.steps % self.frames:
            raise ValueError(f"steps = {self.steps} is no multiple of frames = {self.frames}")
        return self

    def input_names(self) -> tuple[str, ...]:
        """``initial``, ``viscosity``."""
        return ("initial", "viscosity")

    def input_units(self) -> dict[str, str]:
        """Viscosity in m2/s."""
        return {"viscosity": "m2/s"}

    def variables(self) -> dict[str, VariableInfo]:
        """Final state, its energy and steepest slope; ``history`` if frames are kept."""
        found: dict[str, VariableInfo] = {
            "solution": {"dims": ("x",), "units": "m/s", "long_name": "velocity at the final time"},
            "energy": {"dims": (), "units": "m2/s2", "long_name": "mean of u^2 / 2 at the final time"},
            "steepest": {"dims": (), "units": "1/s", "long_name": "largest |u_x| at the final time"},
            "spectral_tail": {"dims": (), "units": "1", "long_name": "share of energy in the upper tenth of the modes"},
        }
        if self.frames:
            found["history"] = {"dims": ("time", "x"), "units": "m/s", "long_name": "velocity"}
        return found

    def grids(self) -> dict[str, dict[str, np.ndarray]]:
        """The initial state is wanted at the points."""
        return {"initial": {"x": self._x()}}

    def resolution(self) -> dict[str, Any]:
        """Points and time steps."""
        return {"points": self.points, "steps": self.steps}

    def refined(self) -> Burgers:
        """Twice the points and time steps."""
        return self.model_copy(update={"points": 2 * self.points, "steps": 2 * self.steps})

    def coarser(self) -> list[Simulator]:
        """A half, a quarter, an eighth of the points and time steps."""
        ratios = [ratio for ratio in (2, 4, 8) if self.points % (2 * ratio) == 0 and self.points // ratio >= 8]
        ratios = [ratio for ratio in ratios if self.steps % (ratio * max(1, self.frames)) == 0]
        return [self.model_copy(update={"points": self.points // r, "steps": self.steps // r}) for r in ratios]

    def restrict(self, fields: xr.Dataset) -> xr.Dataset:
        """Every second (fourth ...) point of the finer grid, which are this grid's points."""
        ratio = fields.sizes["x"] // self.points
        return fields.isel(x=slice(None, None, ratio)).assign_coords(x=self._coordinate())

    def card(self) -> dict[str, Any]:
        """What a reader of the dataset must know."""
        return {
            "equation": "u_t + 1/2 (u^2)_x = nu u_xx",
            "domain": f"0 <= x < 1 (m), 0 <= t <= {self.time:g} (s)",
            "boundary_conditions": "periodic",
            "initial_condition": "u = initial at t = 0, in m/s",
            "units": {name: info["units"] for name, info in self.variables().items()},
            "resolution": f"{self.points} points, {self.steps} time steps",
            "grid": "uniform points x = j / points; all variables at the points",
            "solver": "Fourier pseudospectral, 2/3 rule, ETDRK4 (Cox and Matthews 2002)",
        }

    def run(self, inputs: xr.Dataset) -> xr.Dataset:
        """Simulate every run; see `Simulator.run`."""
        import xarray as xr

        initial, viscosity = self._checked(inputs)
        runs = len(initial)
        batches = []
        for start in range(0, runs, BATCH):
            # Batches of one size: the last one is padded with copies of its last run.
            rows = np.minimum(start + np.arange(BATCH), runs - 1)
            batches.append(self._advance(initial[rows], viscosity[rows]))
        history, modes = (np.concatenate(parts)[:runs] for parts in zip(*batches, strict=True))
        solution = history[:, -1]
        with np.errstate(all="ignore"):  # an unstable run is not finite, and reported below
            slope = scipy.fft.irfft(1j * self._wave_numbers() * modes, n=self.points, axis=-1)
            values = {
                "solution": solution,
                "energy": 0.5 * np.mean(solution**2, axis=1),
                "steepest": np.abs(slope).max(axis=1),
                "spectral_tail": self._tail(modes),
                "history": history,
            }
        unstable = ~np.isfinite(solution).all(axis=1)
        message = f"the time integration became unstable (not finite at t = {self.time:g}); take more steps"
        raw = xr.Dataset(coords={"x": self._coordinate()})
        if self.frames:
            times = self.time * np.arange(1, self.frames + 1) / self.frames
            raw = raw.assign_coords(time=("time", times, {"units": "s", "long_name": "time"}))
        for name, info in self.variables().items():
            attributes = {"units": info["units"], "long_name": info["long_name"]}
            raw[name] = (("run", *info["dims"]), values[name], attributes)
        raw["failure"] = ("run", np.where(unstable, message, "").astype(object))
        return raw

    def _advance(self, initial: np.ndarray, viscosity: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """States at the frames ``(run, frame, x)`` (at least the final one) and the final modes."""
        k = self._wave_numbers()
        scheme = ETDRK4(-viscosity[:, None] * k**2, self.time / self.steps)
        derivative = -0.5j * k

        def nonlinear(modes: np.ndarray) -> np.ndarray:
            u = scipy.fft.irfft(modes, n=self.points, axis=-1)
            np.multiply(u, u, out=u)
            return np.asarray(derivative * scipy.fft.rfft(u, axis=-1, overwrite_x=True)[:, : len(k)])

        modes = scipy.fft.rfft(initial, axis=-1)[:, : len(k)].copy()
        frames = max(1, self.frames)
        history = np.empty((len(initial), frames, self.points))
        with np.errstate(all="ignore"):  # an unstable run overflows, and is reported by `run`
            for frame in range(frames):
                for _ in range(self.steps // frames):
                    modes = scheme.step(modes, nonlinear)
                history[:, frame] = scipy.fft.irfft(modes, n=self.points, axis=-1)
        return history, modes

    def _tail(self, modes: np.ndarray) -> np.ndarray:
        energy = np.abs(modes[:, 1:]) ** 2
        total = energy.sum(axis=1)
        start = int(0.9 * energy.shape[1])
        return np.asarray(energy[:, start:].sum(axis=1) / np.where(total > 0, total, 1.0))

    def _checked(self, inputs: xr.Dataset) -> tuple[np.ndarray, np.ndarray]:
        for name in self.input_names():
            if name not in inputs:
                raise SimulationError(f"the Burgers simulator lacks its input {name!r}.", f"add {name} to the inputs.")
        field = inputs["initial"]
        if dict(field.sizes) != {"run": inputs.sizes["run"], "x": self.points}:
            raise SimulationError(
                f"initial has dimensions {dict(field.sizes)}, not run, x: {self.points}.",
                "give it the law gaussian_field with dimensions: 1 and periodic: true.",
            )
        if not inputs.sizes["run"]:
            raise SimulationError("there are no runs to simulate.", "ask for one at least.")
        initial = np.asarray(field.transpose("run", "x").values, dtype=np.float64)
        return initial, np.asarray(inputs["viscosity"].values, dtype=np.float64)

    def _wave_numbers(self) -> np.ndarray:
        """2 pi k of the modes that are kept: products of two of them do not alias onto any."""
        return 2 * np.pi * np.arange((self.points - 1) // 3 + 1)

    def _x(self) -> np.ndarray:
        return np.arange(self.points) / self.points

    def _coordinate(self) -> tuple[str, np.ndarray, dict[str, str]]:
        return ("x", self._x(), {"units": "m", "long_name": "position"})
