r"""One-dimensional problems on a periodic interval: inputs, outputs, grid and batches that they share.

    u(x, 0) = initial(x),   u(x + extent, t) = u(x, t),   0 <= t <= time

The state is held as Fourier modes. A product of p states is free of aliasing where only modes up to
(points - 1)/(p + 1) are kept (p = 2: the 2/3 rule, Orszag, J. Atmos. Sci. 28 (1971) 1074).
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
import scipy.fft
from pydantic import Field

from surecast.simulate.simulator import Simulator, VariableInfo
from surecast.study.errors import SimulationError

if TYPE_CHECKING:
    import xarray as xr

BATCH = 32  # runs advanced at once; their states stay in the cache
Parameters = dict[str, np.ndarray]
"""Scalar inputs by name, (run, 1) each."""


class Periodic(Simulator):
    """Base of the problems on a periodic interval; input ``initial`` (a periodic field) and scalars.

    A subclass states the class variables and implements `flow`. ``spectral_tail`` says how well a run is resolved:
    the share of the energy in the upper tenth of the modes.
    """

    diagnostics: ClassVar[tuple[str, ...]] = ("spectral_tail",)
    equation: ClassVar[str]
    method: ClassVar[str]
    quantity: ClassVar[str]
    """What u is."""
    units: ClassVar[tuple[str, str, str]]
    """Of u, of u^2 and of u_x, with x in metres."""
    parameters: ClassVar[dict[str, str]]
    """Scalar inputs with their units."""
    products: ClassVar[int] = 1
    """Degree of the equation in u."""

    points: int = Field(default=256, ge=8, le=65536, multiple_of=2, description="Points, and cells between them.")
    extent: float = Field(default=1.0, gt=0, allow_inf_nan=False, description="Length of the interval, m.")
    time: float = Field(default=1.0, gt=0, allow_inf_nan=False, description="Final time, s.")
    frames: int = Field(default=0, ge=0, le=10_000, description="States kept on the way, the final one included.")

    @abstractmethod
    def flow(self, modes: np.ndarray, given: Parameters) -> Iterator[np.ndarray]:
        """Modes (run, mode) at every frame (the final time alone without frames), from those at time 0."""

    def input_names(self) -> tuple[str, ...]:
        """``initial``, then the parameters."""
        return ("initial", *self.parameters)

    def input_units(self) -> dict[str, str]:
        """Of the parameters."""
        return dict(self.parameters)

    def variables(self) -> dict[str, VariableInfo]:
        """Final state, its energy and steepest slope; ``history`` if frames are kept."""
        unit, square, slope = self.units
        found: dict[str, VariableInfo] = {
            "solution": {"dims": ("x",), "units": unit, "long_name": f"{self.quantity} at the final time"},
            "energy": {"dims": (), "units": square, "long_name": "mean of u^2 / 2 at the final time"},
            "steepest": {"dims": (), "units": slope, "long_name": "largest |u_x| at the final time"},
            "spectral_tail": {"dims": (), "units": "1", "long_name": "share of energy in the upper tenth of the modes"},
        }
        if self.frames:
            found["history"] = {"dims": ("time", "x"), "units": unit, "long_name": self.quantity}
        return found

    def grids(self) -> dict[str, dict[str, np.ndarray]]:
        """The initial state is wanted at the points."""
        return {"initial": {"x": self._x()}}

    def resolution(self) -> dict[str, Any]:
        """Points."""
        return {"points": self.points}

    def refined(self) -> Self:
        """Twice the points."""
        return self.model_copy(update={"points": 2 * self.points})

    def coarser(self) -> list[Simulator]:
        """A half, a quarter, an eighth of the points."""
        return [self.model_copy(update={"points": self.points // ratio}) for ratio in self._ratios()]

    def restrict(self, fields: xr.Dataset) -> xr.Dataset:
        """Every second (fourth ...) point of the finer grid, which are this grid's points."""
        ratio = fields.sizes["x"] // self.points
        return fields.isel(x=slice(None, None, ratio)).assign_coords(x=self._coordinate())

    def card(self) -> dict[str, Any]:
        """What a reader of the dataset must know."""
        return {
            "equation": self.equation,
            "domain": f"0 <= x < {self.extent:g} (m), 0 <= t <= {self.time:g} (s)",
            "boundary_conditions": "periodic",
            "initial_condition": f"u = initial at t = 0, in {self.units[0]}",
            "units": {name: info["units"] for name, info in self.variables().items()},
            "resolution": ", ".join(f"{value} {name}" for name, value in self.resolution().items()),
            "grid": "uniform points x = j extent / points; all variables at the points",
            "solver": self.method,
        }

    def run(self, inputs: xr.Dataset) -> xr.Dataset:
        """Simulate every run; see `Simulator.run`."""
        import xarray as xr

        initial, given = self._checked(inputs)
        runs = len(initial)
        batches = []
        for start in range(0, runs, BATCH):
            # Batches of one size: the last one is padded with copies of its last run.
            rows = np.minimum(start + np.arange(BATCH), runs - 1)
            batches.append(self._advance(initial[rows], {name: values[rows] for name, values in given.items()}))
        history, modes = (np.concatenate(parts)[:runs] for parts in zip(*batches, strict=True))
        solution = history[:, -1]
        with np.errstate(all="ignore"):  # an unstable run is not finite, and reported below
            values = {
                "solution": solution,
                "energy": 0.5 * np.mean(solution**2, axis=1),
                "steepest": np.abs(self.values(1j * self._wave_numbers() * modes)).max(axis=1),
                "spectral_tail": _tail(modes),
                "history": history,
            }
        unstable = ~np.isfinite(solution).all(axis=1)
        message = f"the time integration became unstable (not finite at t = {self.time:g}); take more steps"
        raw = xr.Dataset(coords={"x": self._coordinate()})
        if self.frames:
            raw = raw.assign_coords(time=("time", self.times(), {"units": "s", "long_name": "time"}))
        return self.labelled(raw, values, np.where(unstable, message, ""))

    def times(self) -> np.ndarray:
        """Times of the frames, (max(frames, 1),)."""
        frames = max(1, self.frames)
        return self.time * np.arange(1, frames + 1) / frames

    def values(self, modes: np.ndarray) -> np.ndarray:
        """u at the points, from its modes."""
        return np.asarray(scipy.fft.irfft(modes, n=self.points, axis=-1))

    def _advance(self, initial: np.ndarray, given: Parameters) -> tuple[np.ndarray, np.ndarray]:
        """States at the frames ``(run, frame, x)`` (at least the final one) and the final modes."""
        modes = scipy.fft.rfft(initial, axis=-1)[:, : len(self._wave_numbers())].copy()
        history = np.empty((len(initial), max(1, self.frames), self.points))
        with np.errstate(all="ignore"):  # an unstable run overflows, and is reported by `run`
            for frame, found in enumerate(self.flow(modes, given)):
                modes = found
                history[:, frame] = self.values(modes)
        return history, modes

    def _checked(self, inputs: xr.Dataset) -> tuple[np.ndarray, Parameters]:
        kind = type(self).__name__
        for name in self.input_names():
            if name not in inputs:
                raise SimulationError(f"the {kind} simulator lacks its input {name!r}.", f"add {name} to the inputs.")
        field = inputs["initial"]
        if dict(field.sizes) != {"run": inputs.sizes["run"], "x": self.points}:
            raise SimulationError(
                f"initial has dimensions {dict(field.sizes)}, not run, x: {self.points}.",
                "give it the law gaussian_field with dimensions: 1 and periodic: true.",
            )
        if not inputs.sizes["run"]:
            raise SimulationError("there are no runs to simulate.", "ask for one at least.")
        initial = np.asarray(field.transpose("run", "x").values, dtype=np.float64)
        given = {name: np.asarray(inputs[name].values, dtype=np.float64)[:, None] for name in self.parameters}
        return initial, given

    def _ratios(self) -> list[int]:
        return [ratio for ratio in (2, 4, 8) if self.points % (2 * ratio) == 0 and self.points // ratio >= 8]

    def _wave_numbers(self) -> np.ndarray:
        """2 pi k / extent of the modes that are kept: products of u do not alias onto any."""
        return 2 * np.pi / self.extent * np.arange((self.points - 1) // (self.products + 1) + 1)

    def _x(self) -> np.ndarray:
        return self.extent * np.arange(self.points) / self.points

    def _coordinate(self) -> tuple[str, np.ndarray, dict[str, str]]:
        return ("x", self._x(), {"units": "m", "long_name": "position"})


def _tail(modes: np.ndarray) -> np.ndarray:
    energy = np.abs(modes[:, 1:]) ** 2
    total = energy.sum(axis=1)
    start = int(0.9 * energy.shape[1])
    return np.asarray(energy[:, start:].sum(axis=1) / np.where(total > 0, total, 1.0))


class ExactInTime(Periodic):
    """Base of the linear problems: each mode is multiplied by a factor, whatever the time."""

    method: ClassVar[str] = "Fourier modes, exact in time"

    @abstractmethod
    def factor(self, k: np.ndarray, time: float, given: Parameters) -> np.ndarray:
        """What modes (run, mode) of wave numbers (mode,) are multiplied by from time 0 on."""

    def flow(self, modes: np.ndarray, given: Parameters) -> Iterator[np.ndarray]:
        """See `Periodic.flow`."""
        for time in self.times():
            yield modes * self.factor(self._wave_numbers(), time, given)
