r"""Periodic problems of any dimension in Fourier modes: inputs, grid, frames and batches that they share.

    u(x, 0) = initial(x),   u(x + extent, t) = u(x, t),   0 <= t <= time

The state is held as Fourier modes. A product of p states is free of aliasing where only modes up to
(points - 1)/(p + 1) are kept (p = 2: the 2/3 rule, Orszag, J. Atmos. Sci. 28 (1971) 1074).
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from pydantic import Field

from surecast.simulate.frames import frame_times, time_coordinate
from surecast.simulate.simulator import Simulator
from surecast.study.errors import SimulationError

if TYPE_CHECKING:
    import xarray as xr

Parameters = dict[str, np.ndarray]
"""Scalar inputs by name, (run, 1) each, or (run, 1, 1) on a square, and fields beside ``initial``, (run, y, x)."""


class Spectral(Simulator):
    """Base of the periodic problems; input ``initial`` (a periodic field) and scalars.

    A subclass states the class variables, and implements `variables`, `flow` and what turns fields into modes and back.
    ``spectral_tail`` says how well a run is resolved: the share of the energy in the upper tenth of the modes.
    """

    diagnostics: ClassVar[tuple[str, ...]] = ("spectral_tail",)
    dims: ClassVar[tuple[str, ...]]
    """Dimensions of a field."""
    equation: ClassVar[str]
    method: ClassVar[str]
    units: ClassVar[tuple[str, ...]]
    """Of the initial state, then of what a subclass derives from it."""
    parameters: ClassVar[dict[str, str]]
    """Scalar inputs with their units."""
    products: ClassVar[int] = 1
    """Degree of the equation in u."""

    points: int = Field(description="Points along each dimension.")
    extent: float = Field(default=1.0, gt=0, allow_inf_nan=False, description="Length of the interval, m.")
    time: float = Field(default=1.0, gt=0, allow_inf_nan=False, description="Final time, s.")
    frames: int = Field(default=0, ge=0, le=10_000, description="States kept on the way, the final one included.")

    @abstractmethod
    def flow(self, modes: np.ndarray, given: Parameters) -> Iterator[np.ndarray]:
        """Modes (run, ...) at every frame (the final time alone without frames), from those at time 0."""

    @abstractmethod
    def modes(self, fields: np.ndarray) -> np.ndarray:
        """The modes that are kept, of fields (run, ...) at the points; a new array."""

    @abstractmethod
    def values(self, modes: np.ndarray) -> np.ndarray:
        """Fields at the points, from their modes."""

    @abstractmethod
    def measured(self, history: np.ndarray, modes: np.ndarray) -> dict[str, np.ndarray]:
        """All of `variables` from the states at the frames (run, frame, ...) and the final modes."""

    @abstractmethod
    def wave_numbers(self) -> np.ndarray:
        """2 pi k / extent of the modes that are kept: products of u do not alias onto any."""

    @abstractmethod
    def runs_at_once(self) -> int:
        """Runs advanced at once, of which only the settings decide; their states should stay in the cache."""

    def input_names(self) -> tuple[str, ...]:
        """``initial``, then the parameters."""
        return ("initial", *self.parameters)

    def input_units(self) -> dict[str, str]:
        """Of the parameters."""
        return dict(self.parameters)

    def grids(self) -> dict[str, dict[str, np.ndarray]]:
        """The initial state is wanted at the points."""
        return {"initial": dict.fromkeys(self.dims, self._axis())}

    def resolution(self) -> dict[str, Any]:
        """Points along each dimension."""
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
        return fields.isel(dict.fromkeys(self.dims, slice(None, None, ratio))).assign_coords(self._coordinates())

    def card(self) -> dict[str, Any]:
        """What a reader of the dataset must know."""
        place = ", ".join(f"0 <= {dim} < {self.extent:g}" for dim in reversed(self.dims))
        points = ", ".join(f"{dim} = j extent / points" for dim in reversed(self.dims))
        return {
            "equation": self.equation,
            "domain": f"{place} (m), 0 <= t <= {self.time:g} (s)",
            "boundary_conditions": "periodic",
            "initial_condition": f"u = initial at t = 0, in {self.units[0]}",
            "units": {name: info["units"] for name, info in self.variables().items()},
            "resolution": ", ".join(f"{value} {name}" for name, value in self.resolution().items()),
            "grid": f"uniform points {points}; all variables at the points",
            "solver": self.method,
        }

    def run(self, inputs: xr.Dataset) -> xr.Dataset:
        """Simulate every run; see `Simulator.run`."""
        import xarray as xr

        initial, given = self._checked(inputs)
        runs, batch = len(initial), self.runs_at_once()
        values: dict[str, np.ndarray] = {}
        for start in range(0, runs, batch):
            # Batches of one size: the last one is padded with copies of its last run.
            rows = np.minimum(start + np.arange(batch), runs - 1)
            found = self._advance(initial[rows], {name: numbers[rows] for name, numbers in given.items()})
            if not values:
                values = {name: np.empty((runs, *array.shape[1:])) for name, array in found.items()}
            for name, array in found.items():
                values[name][start : start + batch] = array[: runs - start]
        finite = [np.isfinite(array.reshape(runs, -1)).all(axis=1) for array in values.values()]
        message = f"the time integration became unstable (not finite at t = {self.time:g}); take more steps"
        raw = xr.Dataset(coords={**self._coordinates(), **time_coordinate(self.time, self.frames)})
        return self.labelled(raw, values, np.where(np.all(finite, axis=0), "", message))

    def times(self) -> np.ndarray:
        """Times of the frames, (max(frames, 1),)."""
        return frame_times(self.time, self.frames)

    def _advance(self, initial: np.ndarray, given: Parameters) -> dict[str, np.ndarray]:
        with np.errstate(all="ignore"):  # an unstable run overflows, and is reported by `run`
            modes = self.start(initial, given)
            states = []
            for found in self.flow(modes, given):
                modes = found
                states.append(self.values(modes))
            return self.measured(np.stack(states, axis=1), modes)

    def start(self, initial: np.ndarray, given: Parameters) -> np.ndarray:
        """Modes at time 0; those of ``initial`` unless a subclass says otherwise."""
        return self.modes(initial)

    def _checked(self, inputs: xr.Dataset) -> tuple[np.ndarray, Parameters]:
        self.require(inputs, self.input_names())
        fields = {name: self._field(inputs, name) for name in self.grids()}
        shape = (-1, *(1,) * len(self.dims))
        scalars = [name for name in self.input_names() if name not in fields]
        given = {name: np.asarray(inputs[name].values, dtype=np.float64).reshape(shape) for name in scalars}
        return fields.pop("initial"), given | fields

    def _field(self, inputs: xr.Dataset, name: str) -> np.ndarray:
        field = inputs[name]
        if dict(field.sizes) != {"run": inputs.sizes["run"], **dict.fromkeys(self.dims, self.points)}:
            wanted = ", ".join(f"{dim}: {self.points}" for dim in self.dims)
            raise SimulationError(
                f"{name} has dimensions {dict(field.sizes)}, not run, {wanted}.",
                f"give it the law gaussian_field with dimensions: {len(self.dims)} and periodic: true.",
            )
        return np.asarray(field.transpose("run", *self.dims).values, dtype=np.float64)

    def _ratios(self) -> list[int]:
        return [ratio for ratio in (2, 4, 8) if self.points % (2 * ratio) == 0 and self.points // ratio >= 8]

    def _highest(self) -> int:
        """Highest number of a mode that is kept."""
        return (self.points - 1) // (self.products + 1)

    def _axis(self) -> np.ndarray:
        return self.extent * np.arange(self.points) / self.points

    def _coordinates(self) -> dict[str, tuple[str, np.ndarray, dict[str, str]]]:
        name = "position" if len(self.dims) == 1 else "position along {}"
        return {dim: (dim, self._axis(), {"units": "m", "long_name": name.format(dim)}) for dim in self.dims}
