r"""Hyperbolic conservation laws in a square or on an interval: inputs, grid, frames, gauge and batches that they share.

    U_t + F(U)_x + G(U)_y = S(U)   on 0 <= x, y <= extent,   0 <= t <= time

`surecast.simulate.godunov` says how they are solved. What a run starts from is one of the starts that an equation has
(`initial`), and its parameters are numbers of the study file or inputs (`surecast.simulate.parametrised`).
"""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from surecast.simulate.frames import frame_times, time_coordinate
from surecast.simulate.fronts import crossing
from surecast.simulate.godunov import CHUNK, GHOSTS, Godunov, Grid, Law, Sides
from surecast.simulate.parametrised import Parametrised
from surecast.simulate.simulator import Simulator, VariableInfo
from surecast.study.component import refused

if TYPE_CHECKING:
    import xarray as xr

LEAST_CELLS = 8


class ConservationLaw(Parametrised):
    """Base of the conservation laws: inputs are fields, and the parameters that are null.

    A subclass states the class variables, has a setting ``initial`` and one for each parameter, and implements the
    abstract methods. Time steps follow from `courant`: those of a run depend on that run alone.
    """

    diagnostics: ClassVar[tuple[str, ...]] = ("steps",)
    equation: ClassVar[str]
    method: ClassVar[str]
    quantities: ClassVar[dict[str, tuple[str, str]]]
    """Raw outputs that are fields, with units and what they are; names that end in ``_y`` in two dimensions only."""
    means: ClassVar[dict[str, tuple[str, str]]]
    """Raw outputs that are means over the box."""
    gauged: ClassVar[tuple[str, str, str]]
    """What a gauge records, the last component of W: name of the raw output, unit, what it is."""
    choices: ClassVar[dict[str, str]]
    """Settings that choose, each with the name of the input that is a field where the setting is ``field``."""
    chosen: ClassVar[dict[str, dict[str, str]]]
    """For a value of one of the `choices` the parameters that go with it: their units."""
    fronts: ClassVar[tuple[str, ...]]
    """Values of `initial` from which a front comes, to the right or outwards."""

    initial: str = Field(description="What a run starts from.")
    dimensions: Literal[1, 2] = Field(default=2, description="1: an interval; 2: a square.")
    cells: int = Field(default=64, ge=LEAST_CELLS, le=65536, description="Cells along each side, of equal width.")
    extent: float = Field(default=1.0, gt=0, allow_inf_nan=False, description="Length of a side, m.")
    time: float = Field(default=1.0, gt=0, allow_inf_nan=False, description="Final time, s.")
    frames: int = Field(default=0, ge=0, le=10_000, description="States kept on the way, the final one included.")
    x_sides: Sides = Field(
        default="outflow", description="At x = 0 and x = extent: wall, outflow (nothing comes back) or periodic."
    )
    y_sides: Sides = Field(default="outflow", description="At y = 0 and y = extent, likewise.")
    gauge_x: float | None = Field(
        default=None, ge=0, description="x of a gauge, m, which records a maximum over time; null for none."
    )
    gauge_y: float | None = Field(default=None, ge=0, description="y of the gauge, m; null for the middle.")
    front_share: float = Field(
        default=0.05, gt=0, lt=1, description="Share of the difference at the start that is reached at the front."
    )
    courant: float = Field(
        default=0.4, gt=0, le=0.5, description="Cells that waves cross in a step, all directions together."
    )
    most_steps: int = Field(default=100_000, ge=1, description="Time steps; a run that needs more fails.")

    @model_validator(mode="after")
    def _nothing_idle(self) -> Self:
        for name in sorted(self.idle() & self.model_fields_set):
            raise refused(name, "has no part in what is chosen.", "leave it out, or change what it belongs to.")
        return self

    @model_validator(mode="after")
    def _gauge_inside(self) -> Self:
        for name in ("gauge_x", "gauge_y"):
            if (getattr(self, name) or 0.0) > self.extent:
                raise refused(name, f"lies beyond extent = {self.extent:g}.", "put the gauge inside.")
        return self

    @abstractmethod
    def start(self, given: dict[str, np.ndarray]) -> tuple[Law, np.ndarray]:
        """The law of a batch of runs, and U (quantity, run, cell) at time 0, ghost cells included.

        `given` are parameters and fields by name, (run, 1) or (run, 1, 1) and (run, x) or (run, y, x).
        """

    @abstractmethod
    def start_words(self) -> str:
        """What a run starts from, for the card."""

    @abstractmethod
    def outputs(self, w: np.ndarray) -> dict[str, np.ndarray]:
        """`quantities` from W (quantity, run, ...)."""

    @abstractmethod
    def averages(self, w: np.ndarray) -> dict[str, np.ndarray]:
        """What the mean over the cells is taken of for `means`, from W (quantity, run, ...)."""

    @abstractmethod
    def rise(self, w: np.ndarray, given: dict[str, np.ndarray]) -> np.ndarray:
        """How far a state (run, ...) is from that ahead of the front, relative to the difference at the start.

        Asked for where there is a front.
        """

    @property
    def dims(self) -> tuple[str, ...]:
        """Dimensions of a field."""
        return ("y", "x")[2 - self.dimensions :]

    @property
    def spacing(self) -> float:
        """Width of a cell, m."""
        return self.extent / self.cells

    def grid(self) -> Grid:
        """The cells."""
        sides: tuple[Sides, ...] = (self.x_sides, self.y_sides)
        return Grid((self.cells,) * self.dimensions, self.spacing, sides[: self.dimensions])

    def parameter_units(self) -> dict[str, str]:
        """Of the parameters that go with what is chosen."""
        chosen = [self.chosen.get(getattr(self, choice), {}) for choice in self.choices]
        units = {name: unit for part in chosen for name, unit in part.items()}
        return {name: unit for name, unit in units.items() if self.dimensions == 2 or name[-2:] != "_y"}

    def field_names(self) -> tuple[str, ...]:
        """Inputs that are fields."""
        return tuple(name for choice, name in self.choices.items() if getattr(self, choice) == "field")

    def idle(self) -> set[str]:
        """Settings that change nothing, given the others."""
        unused = {name for part in self.chosen.values() for name in part} - set(self.parameter_units())
        plane = {"y_sides", "gauge_y"} if self.dimensions == 1 else set()
        return unused | plane | ({"gauge_y"} if self.gauge_x is None else set())

    def kept(self) -> dict[str, tuple[str, str]]:
        """`quantities` in these dimensions."""
        return {name: what for name, what in self.quantities.items() if self.dimensions == 2 or name[-2:] != "_y"}

    def variables(self) -> dict[str, VariableInfo]:
        """Final fields and means, front and gauge where there is one, steps; histories of the fields with frames."""

        def info(units: str, long_name: str, *dims: str) -> VariableInfo:
            return {"dims": dims, "units": units, "long_name": long_name}

        fields = self.kept()
        found = {name: info(unit, f"{text} at the final time", *self.dims) for name, (unit, text) in fields.items()}
        found |= {name: info(unit, f"{text} at the final time") for name, (unit, text) in self.means.items()}
        if self.initial in self.fronts:
            found["front"] = info("m", "how far the front has come at the final time")
        if self.gauge_x is not None:
            name, unit, text = self.gauged
            found[name] = info(unit, f"largest {text} at the gauge")
        found["steps"] = info("1", "time steps")
        if self.frames:
            found |= {f"history_{name}": info(unit, text, "time", *self.dims) for name, (unit, text) in fields.items()}
        return found

    def grids(self) -> dict[str, dict[str, np.ndarray]]:
        """Fields are wanted at the cell centres."""
        return {name: {dim: self.centres() for dim in self.dims} for name in self.field_names()}

    def resolution(self) -> dict[str, Any]:
        """Cells along each side; time steps follow from them."""
        return {"cells": self.cells}

    def work(self) -> float:
        """Cells times time steps, whose number grows as the cells along a side do."""
        return float(self.cells) ** (self.dimensions + 1)

    def refined(self) -> Self:
        """Twice the cells along each side, and thus twice the time steps."""
        return self.model_copy(update={"cells": 2 * self.cells})

    def coarser(self) -> list[Simulator]:
        """A half, a quarter, an eighth of the cells."""
        ratios = [r for r in (2, 4, 8) if self.cells % r == 0 and self.cells // r >= LEAST_CELLS]
        return [self.model_copy(update={"cells": self.cells // r}) for r in ratios]

    def restrict(self, fields: xr.Dataset) -> xr.Dataset:
        """Means over the fine cells that make up each of these cells: amounts are kept."""
        ratio = fields.sizes["x"] // self.cells
        return fields.coarsen(dict.fromkeys(self.dims, ratio)).mean(keep_attrs=True).assign_coords(self._coordinates())

    def card(self) -> dict[str, Any]:
        """What a reader of the dataset must know."""
        sides = zip(reversed(self.dims), (self.x_sides, self.y_sides), strict=False)
        return {
            "equation": self.equation,
            "initial_condition": self.start_words(),
            "parameters": self.stated(),
            "domain": f"0 <= {', '.join(reversed(self.dims))} <= {self.extent:g} (m), 0 <= t <= {self.time:g} (s)",
            "boundary_conditions": ", ".join(f"{side} at {dim} = 0 and {dim} = extent" for dim, side in sides),
            "units": {name: info["units"] for name, info in self.variables().items()},
            "resolution": f"{' x '.join([str(self.cells)] * self.dimensions)} cells, Courant number {self.courant:g}",
            "grid": "uniform cells; fields are means over the cells, at their centres (j + 1/2) extent / cells",
            "solver": self.method,
        }

    def run(self, inputs: xr.Dataset) -> xr.Dataset:
        """Simulate every run; see `Simulator.run`."""
        import xarray as xr

        given = self.given(inputs)
        runs = inputs.sizes["run"]
        fault = self.faults(given)
        # Batches of any size: every operation is on single numbers, or a sum along the cells of one run.
        batch = max(1, CHUNK // (self.cells + 2 * GHOSTS) ** self.dimensions)
        batches = []
        for first in range(0, runs, batch):
            rows = slice(first, first + batch)
            batches.append(self._advance({name: values[rows] for name, values in given.items()}, fault[rows]))
        values = {name: np.concatenate([found[name] for found in batches]) for name in batches[0]}
        failure = values.pop("failure")
        raw = xr.Dataset(coords={**self._coordinates(), **time_coordinate(self.time, self.frames)})
        return self.labelled(raw, values, failure)

    def _advance(self, given: dict[str, np.ndarray], fault: np.ndarray) -> dict[str, np.ndarray]:
        """Outputs of a batch by name, and why its runs failed; those with a fault stay at the start."""
        with np.errstate(all="ignore"):  # a run with a fault, or an unstable one, may overflow; it is reported
            grid = self.grid()
            law, state = self.start(given)
            solver = Godunov(law, grid, state, self.courant, self.most_steps)
            solver.failure = np.where(fault == "", solver.failure, fault)
            largest = self._at_gauge(solver)
            frames = []
            for time in frame_times(self.time, self.frames):
                for moved in solver.advance(float(time)):
                    largest = np.where(moved, np.maximum(largest, self._at_gauge(solver)), largest)
                frames.append(grid.inner(solver.w).copy())
            final = frames[-1]
            found = {**self.outputs(final), self.gauged[0]: largest, "steps": solver.steps.astype(np.float64)}
            for name, values in self.averages(final).items():
                found[name] = np.ascontiguousarray(values).reshape(len(values), -1).mean(axis=1)
            if self.initial in self.fronts:
                rise = self.rise(final, given)
                if self.dimensions == 2:
                    rise = 0.5 * (rise[:, (self.cells - 1) // 2] + rise[:, self.cells // 2])
                found["front"] = self.front(rise)
            if self.frames:
                kept = [self.outputs(frame) for frame in frames]
                found |= {f"history_{name}": np.stack([one[name] for one in kept], axis=1) for name in kept[0]}
        return found | {"failure": solver.failure}

    def front(self, profile: np.ndarray) -> np.ndarray:
        """Outermost x, m, at which the rise (run, x) along the middle of the box is `front_share`; 0 if nowhere."""
        return crossing(profile, np.full((len(profile), 1), self.front_share), self.spacing)

    def column(self, given: dict[str, np.ndarray], name: str) -> np.ndarray:
        """A parameter, shaped as fields are: (run, 1) or (run, 1, 1)."""
        return given[name].reshape(-1, *(1,) * self.dimensions)

    def centres(self) -> np.ndarray:
        """Centres of the cells along a side, m."""
        return self.extent * (np.arange(self.cells) + 0.5) / self.cells

    def places(self) -> list[np.ndarray]:
        """x and, in two dimensions, y of the cells' centres from the middle, m; together of the shape of fields."""
        # Not `centres` less half of the extent: the mirror image must be there to the last bit.
        along = self.spacing * (np.arange(self.cells) - 0.5 * (self.cells - 1))
        return [along, along[:, None]][: self.dimensions]

    def share_before(self, position: np.ndarray) -> np.ndarray:
        """Share of each cell (run, ...) that lies before a position along x, (run, 1[, 1]): continuous in it."""
        edges = self.extent * np.arange(self.cells) / self.cells
        share = np.clip((position - edges) / self.spacing, 0.0, 1.0)
        return np.array(np.broadcast_to(share, (len(share), *(self.cells,) * self.dimensions)))

    def _at_gauge(self, solver: Godunov) -> np.ndarray:
        """The last component of W at the gauge, linear between cell centres, (run,)."""
        values = self.grid().inner(solver.w[-1])
        if self.gauge_x is None:
            return np.zeros(len(values))
        middle = 0.5 * self.extent if self.gauge_y is None else self.gauge_y
        for place in (self.gauge_x, middle)[: self.dimensions]:
            at = np.clip(place / self.spacing - 0.5, 0.0, self.cells - 1.0)
            near = min(int(at), self.cells - 2)
            values = values[..., near] + (at - near) * (values[..., near + 1] - values[..., near])
        return np.asarray(values)

    def _coordinates(self) -> dict[str, tuple[str, np.ndarray, dict[str, str]]]:
        return {
            dim: (dim, self.centres(), {"units": "m", "long_name": f"{dim} of the cell centre"}) for dim in self.dims
        }
