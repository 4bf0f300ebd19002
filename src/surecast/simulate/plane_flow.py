r"""Viscous incompressible flow in a rectangle: settings, inputs, outputs, grid and batches that the problems share.

`surecast.simulate.projection` states the equations and how they are solved. What describes a run (size, speed, density,
viscosity ...) is a number of the study file (`width: 2.0`), the same for every run, or an input of each run
(`width: null`). Places are relative to the sides of the rectangle, so that runs of different size share a grid.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from pydantic import Field, model_validator

from surecast.simulate.frames import require_whole_steps, time_coordinate
from surecast.simulate.parametrised import Parametrised
from surecast.simulate.projection import Flow
from surecast.simulate.simulator import Simulator, VariableInfo
from surecast.simulate.staggered import Box

if TYPE_CHECKING:
    import xarray as xr

CELLS_AT_ONCE = 8192  # of the runs that are advanced together: their states stay in the cache
LARGEST_COURANT = 1.0  # transport by the last two steps is unstable beyond it
FIELD_DIMS = ("y", "x")
Values = dict[str, np.ndarray]
"""By name: parameters are (run, 1, 1), fields (run, y, x), outputs what they are."""


class PlaneFlow(Parametrised):
    """Base of the problems: a subclass states the class variables and has a setting for each of its parameters.

    It implements `start`, `measured` and `sides_in_words`, and extends `variables`.
    """

    diagnostics: ClassVar[tuple[str, ...]] = ("divergence", "courant", "unsteadiness")
    equation: ClassVar[str] = "u_t + (u . grad) u = -grad p / density + viscosity / density Laplace u, div u = 0"
    units: ClassVar[dict[str, str]] = {"time": "s", "velocity": "m/s", "pressure": "Pa", "energy": "m2/s2"}
    extent: ClassVar[tuple[str, str]] = ("width", "height")
    """What the size along x and y is called; parameters, unless `box` says otherwise."""

    columns: int = Field(default=64, ge=4, le=4096, description="Cells along x.")
    rows: int = Field(default=64, ge=4, le=4096, description="Cells along y.")
    time: float = Field(default=10.0, gt=0, allow_inf_nan=False, description="Final time, s.")
    steps: int = Field(default=1000, ge=1, le=10_000_000, description="Time steps to the final time.")
    frames: int = Field(default=0, ge=0, le=10_000, description="States kept on the way, the final one included.")

    @model_validator(mode="after")
    def _whole_frames(self) -> Self:
        require_whole_steps(self.steps, self.frames)
        return self

    @abstractmethod
    def start(self, given: Values) -> Flow:
        """The flow at time 0, from all parameters and the inputs that are fields."""

    @abstractmethod
    def measured(self, flow: Flow, given: Values) -> Values:
        """The problem's own raw outputs at the final time."""

    @abstractmethod
    def sides_in_words(self) -> str:
        """What holds at the sides, for the card."""

    def field_names(self) -> tuple[str, ...]:
        """Those that are wanted on the grid."""
        return tuple(self.grids())

    def state(self) -> dict[str, tuple[str, str]]:
        """Fields that frames keep: their units and long names."""
        return {f"velocity_{dim}": (self.units["velocity"], f"velocity along {dim}") for dim in ("x", "y")}

    def fields(self, flow: Flow) -> Values:
        """Values of `state` at the centres."""
        return dict(zip(("velocity_x", "velocity_y"), flow.centred(), strict=True))

    def variables(self) -> dict[str, VariableInfo]:
        """State, pressure and energy at the final time, what the solver says of itself; histories with frames."""

        def info(units: str, long_name: str, *dims: str) -> VariableInfo:
            return {"dims": dims, "units": units, "long_name": long_name}

        state = self.state().items()
        found = {name: info(units, f"{text} at the final time", *FIELD_DIMS) for name, (units, text) in state}
        found["pressure"] = info(self.units["pressure"], "pressure at the final time less its mean", *FIELD_DIMS)
        found["energy"] = info(self.units["energy"], "mean of |u|^2 / 2 at the final time")
        found["divergence"] = info("1", "largest divergence at the final time over largest speed per width of a cell")
        found["courant"] = info("1", "largest Courant number of a step")
        rate = "1" if self.units["time"] == "1" else f"1/{self.units['time']}"
        found["unsteadiness"] = info(rate, "rate of change of the velocity in the last step, relative to the largest")
        if self.frames:
            found |= {f"history_{name}": info(units, text, "time", *FIELD_DIMS) for name, (units, text) in state}
        return found

    def resolution(self) -> dict[str, Any]:
        """Cells and time steps."""
        return {"columns": self.columns, "rows": self.rows, "steps": self.steps}

    def work(self) -> float:
        """Cells times time steps."""
        return float(self.columns * self.rows * self.steps)

    def refined(self) -> Self:
        """Twice the cells along each side, and time steps."""
        return self._scaled(2, 1)

    def coarser(self) -> list[Simulator]:
        """A half, a quarter, an eighth of the cells along each side, and of the time steps."""
        ratios = [
            r for r in (2, 4, 8) if self.columns % r == self.rows % r == 0 and min(self.columns, self.rows) >= 4 * r
        ]
        return [self._scaled(1, r) for r in ratios if self.steps % (r * max(1, self.frames)) == 0]

    def restrict(self, fields: xr.Dataset) -> xr.Dataset:
        """Means over the blocks of fine cells that make up each of these cells."""
        ratio = {"x": fields.sizes["x"] // self.columns, "y": fields.sizes["y"] // self.rows}
        return fields.coarsen(ratio).mean(keep_attrs=True).assign_coords(self._places())

    def card(self) -> dict[str, Any]:
        """What a reader of the dataset must know."""
        numbers = self.numbers()
        size = " x ".join(f"{numbers[name]:g}" if name in numbers else name for name in self.extent)
        return {
            "equation": self.equation,
            "parameters": self.stated(),
            "domain": f"rectangle, {size}; 0 <= t <= {self.time:g} ({self.units['time']})",
            "boundary_conditions": self.sides_in_words(),
            "units": {name: info["units"] for name, info in self.variables().items()},
            "resolution": f"{self.columns} x {self.rows} cells, {self.steps} steps",
            "grid": f"equal cells; all variables at their centres, x over {self.extent[0]} and y over {self.extent[1]}",
            "solver": "projection method on a staggered grid (Harlow and Welch 1965, Kim and Moin 1985), "
            "Adams-Bashforth and Crank-Nicolson, direct solvers",
        }

    def run(self, inputs: xr.Dataset) -> xr.Dataset:
        """Simulate every run; see `Simulator.run`."""
        import xarray as xr

        runs = inputs.sizes["run"]
        given = {
            name: values.reshape(*values.shape, *(1,) * (3 - values.ndim))
            for name, values in self.given(inputs).items()
        }
        # Whatever is done is done with the values of one run, or is a product of matrices of one size for each run:
        # batches need no padding for the same bits.
        size = max(1, CELLS_AT_ONCE // (self.columns * self.rows))
        batches = []
        for start in range(0, runs, size):
            with np.errstate(all="ignore"):  # a run at fault, or unstable, may overflow, and is reported below
                batches.append(self._advance({name: values[start : start + size] for name, values in given.items()}))
        values = {name: np.concatenate([batch[name] for batch in batches]) for name in batches[0]}
        raw = xr.Dataset(coords={**self._places(), **time_coordinate(self.time, self.frames, self.units["time"])})
        return self.labelled(raw, values, self._failures(self.faults(given), values))

    def box(self, given: Values) -> Box:
        """The grid of a batch."""
        return Box(self.rows, self.columns, *(given[name] for name in self.extent))

    def step(self) -> float:
        """Length of a time step."""
        return self.time / self.steps

    def _advance(self, given: Values) -> Values:
        """Outputs of a batch by name."""
        flow = self.start(given)
        frames = max(1, self.frames)
        kept = []
        for _ in range(frames):
            for _ in range(self.steps // frames):
                flow.advance()
            kept.append(self.fields(flow))
        u, v = flow.centred()
        speed = np.maximum(np.abs(u).max(axis=(1, 2)), np.abs(v).max(axis=(1, 2)))
        relative = 1 / np.where(speed > 0, speed, 1.0)
        width = np.maximum(flow.box.dx, flow.box.dy)[:, 0, 0]
        return {
            **kept[-1],
            **{f"history_{name}": np.stack([one[name] for one in kept], axis=1) for name in kept[-1]},
            "pressure": given.get("density", 1.0) * flow.pressure(),
            "energy": 0.5 * (u**2 + v**2).mean(axis=(1, 2)),
            "divergence": flow.divergence() * width * relative,
            "courant": flow.courant,
            "unsteadiness": flow.change / flow.step * relative,
            **self.measured(flow, given),
        }

    def _failures(self, fault: np.ndarray, values: Values) -> np.ndarray:
        finite = [np.isfinite(found.reshape(len(fault), -1)).all(axis=1) for found in values.values()]
        unstable = f"the flow became unstable (not finite at {self.time:g} {self.units['time']}); take more steps"
        fault = np.where((fault == "") & ~np.all(finite, axis=0), unstable, fault)
        long = "the Courant number reaches {:.3g}, above {:g}; take more steps"
        for run in np.flatnonzero((fault == "") & (values["courant"] > LARGEST_COURANT)):
            fault[run] = long.format(values["courant"][run], LARGEST_COURANT)
        return fault

    def _scaled(self, up: int, down: int) -> Self:
        return self.model_copy(update={name: value * up // down for name, value in self.resolution().items()})

    def _places(self) -> dict[str, tuple[str, np.ndarray, dict[str, str]]]:
        about = {
            dim: f"{dim} of the cell centre over {size}" for dim, size in zip(("x", "y"), self.extent, strict=True)
        }
        return {
            dim: (dim, (np.arange(cells) + 0.5) / cells, {"units": "1", "long_name": about[dim]})
            for dim, cells in (("y", self.rows), ("x", self.columns))
        }
