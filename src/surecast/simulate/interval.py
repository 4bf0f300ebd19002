r"""One-dimensional nonlinear diffusion on a bounded interval: inputs, outputs, grid and batches that are shared.

    s(u)_t = Phi(u)_xx   on 0 <= x <= extent,   u(x, 0) = initial,   0 <= t <= time

`surecast.simulate.nonlinear_diffusion` says how it is solved. A parameter of the equation is a number of the study
file (`exponent: 3.0`), the same for every run, or an input of each run (`exponent: null`).
"""

from __future__ import annotations

import functools
from abc import abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from surecast.simulate.frames import require_whole_steps, time_coordinate
from surecast.simulate.fronts import crossing
from surecast.simulate.nonlinear_diffusion import End, Medium, Stepper
from surecast.simulate.parametrised import Number, Parameters, Parametrised
from surecast.simulate.simulator import Simulator, VariableInfo

if TYPE_CHECKING:
    import xarray as xr

BATCH = 16  # runs advanced at once; their states stay in the cache
LARGEST_IMBALANCE = 1e-10  # relative, of a step; a run whose balance is worse is a failed one


class Interval(Parametrised):
    """Base of nonlinear diffusion on an interval: input ``initial`` where it is none of the settings, and parameters.

    A subclass states the class variables, has a setting for each of its parameters, and implements `medium` and
    `level`; where an end may be of a kind of its own, also `own_end` and `own_words`.
    """

    diagnostics: ClassVar[tuple[str, ...]] = ("mass_balance", "iterations")
    equation: ClassVar[str]
    quantity: ClassVar[str]
    """What u is; its unit is 1."""
    clock: ClassVar[str] = "s"
    """Unit of time."""

    cells: int = Field(default=128, ge=4, le=65536, description="Cells of equal width.")
    extent: float = Field(default=1.0, gt=0, allow_inf_nan=False, description="Length of the interval, m.")
    time: float = Field(default=1.0, gt=0, allow_inf_nan=False, description="Final time, s.")
    steps: int = Field(default=256, ge=1, le=10_000_000, description="Time steps to the final time.")
    frames: int = Field(default=0, ge=0, le=10_000, description="States kept on the way, the final one included.")
    initial: Number | Literal["field"] | None = Field(
        default=0.0, description="u at time 0: a number; null for an input; field for an input that is a field of x."
    )
    left: Number | str | None = Field(default=0.0, description="At x = 0: u, null for an input, or closed (no flow).")
    right: Number | str | None = Field(
        default=0.0, description="At x = extent: u, null for an input, or closed (no flow)."
    )

    @model_validator(mode="after")
    def _whole_frames(self) -> Self:
        require_whole_steps(self.steps, self.frames)
        return self

    @abstractmethod
    def medium(self, given: Parameters) -> Medium:
        """The equation of a batch of runs, from all its parameters."""

    @abstractmethod
    def level(self, given: Parameters) -> np.ndarray:
        """Values of u whose outermost position is the front, (run, 1)."""

    def own_end(self, kind: str, time: float, medium: Medium, given: Parameters) -> End:
        """An end of a kind that the equation has beside ``closed``."""
        raise NotImplementedError(kind)

    def own_words(self, kind: str) -> str:
        """What such an end says, for the card."""
        raise NotImplementedError(kind)

    def ends(self, time: float, medium: Medium, given: Parameters) -> tuple[End, End]:
        """The left and the right end at a time."""

        def end(name: str, kind: float | str | None) -> End:
            if kind == "closed":
                return End.closed(next(iter(given.values())).size)
            if isinstance(kind, str):
                return self.own_end(kind, time, medium, given)
            return End.held(medium, given[name], self.spacing)

        return end("left", self.left), end("right", self.right)

    def front(self, u: np.ndarray, given: Parameters) -> np.ndarray:
        """Outermost position of `level`, (run,)."""
        return crossing(u, self.level(given), self.spacing)

    def variables(self) -> dict[str, VariableInfo]:
        """Final state, amounts, position of the front, what the solver says of itself; ``history`` with frames."""

        def info(units: str, long_name: str, *dims: str) -> VariableInfo:
            return {"dims": dims, "units": units, "long_name": long_name}

        found = {
            "solution": info("1", f"{self.quantity} at the final time", "x"),
            "mass": info("m", "amount in the interval at the final time"),
            "inflow": info("m", "amount that has entered through x = 0 by the final time"),
            "outflow": info("m", "amount that has left through x = extent by the final time"),
            "front": info("m", "outermost position of the front at the final time"),
            "mass_balance": info("1", "largest relative error of the mass balance of a time step"),
            "iterations": info("1", "most iterations of Newton's method in a stage"),
        }
        return found | ({"history": info("1", self.quantity, "time", "x")} if self.frames else {})

    def grids(self) -> dict[str, dict[str, np.ndarray]]:
        """The initial state, if a field, is wanted at the cell centres."""
        return {"initial": {"x": self._x()}} if self.initial == "field" else {}

    def resolution(self) -> dict[str, Any]:
        """Cells and time steps."""
        return {"cells": self.cells, "steps": self.steps}

    def refined(self) -> Self:
        """Twice the cells and time steps."""
        return self.model_copy(update={"cells": 2 * self.cells, "steps": 2 * self.steps})

    def coarser(self) -> list[Simulator]:
        """A half, a quarter, an eighth of the cells and time steps."""
        ratios = [r for r in (2, 4, 8) if self.cells % r == 0 and self.steps % (r * max(1, self.frames)) == 0]
        return [
            self.model_copy(update={"cells": self.cells // r, "steps": self.steps // r})
            for r in ratios
            if self.cells >= 4 * r
        ]

    def restrict(self, fields: xr.Dataset) -> xr.Dataset:
        """Means over the fine cells that make up each of these cells."""
        ratio = fields.sizes["x"] // self.cells
        return fields.coarsen(x=ratio).mean(keep_attrs=True).assign_coords(x=self._coordinate())

    def card(self) -> dict[str, Any]:
        """What a reader of the dataset must know."""
        initial = self.numbers().get("initial", "initial")
        return {
            "equation": self.equation,
            "parameters": {name: text for name, text in self.stated().items() if name != "initial"},
            "domain": f"0 <= x <= {self.extent:g} (m), 0 <= t <= {self.time:g} ({self.clock})",
            "boundary_conditions": f"{self._words('left')} at x = 0, {self._words('right')} at x = extent",
            "initial_condition": f"u = {initial} at t = 0",
            "units": {name: info["units"] for name, info in self.variables().items()},
            "resolution": f"{self.cells} cells, {self.steps} steps",
            "grid": "uniform cells; all variables at cell centres, x = (j + 1/2) extent / cells",
            "solver": "finite volumes, two-stage diagonally implicit Runge-Kutta (Alexander 1977), Newton's method",
        }

    def run(self, inputs: xr.Dataset) -> xr.Dataset:
        """Simulate every run; see `Simulator.run`."""
        import xarray as xr

        given = self.given(inputs)
        fault = self.faults(given)
        runs = len(fault)
        initial = np.array(np.broadcast_to(given.pop("initial"), (runs, self.cells)))
        batches = []
        for start in range(0, runs, BATCH):
            # Batches of one size: the last one is padded with copies of its last run.
            rows = np.minimum(start + np.arange(BATCH), runs - 1)
            part = {name: values[rows] for name, values in given.items()}
            batches.append(self._advance(initial[rows], part, fault[rows] == ""))
        values = {name: np.concatenate([batch[name] for batch in batches])[:runs] for name in batches[0]}
        lost = ~(values["mass_balance"] <= LARGEST_IMBALANCE)
        for failed, message in (
            (values.pop("failed"), "Newton's method does not converge; take more steps"),
            (lost, f"the mass balance of a step is off by more than {LARGEST_IMBALANCE:g}"),
        ):
            fault = np.where((fault == "") & failed, message, fault)
        raw = xr.Dataset(coords={"x": self._coordinate(), **time_coordinate(self.time, self.frames, self.clock)})
        return self.labelled(raw, values, fault)

    def _advance(self, initial: np.ndarray, given: Parameters, sound: np.ndarray) -> dict[str, np.ndarray]:
        """Outputs of a batch by name, and which of the runs failed; those that are not sound stay at the start."""
        with np.errstate(all="ignore"):  # a run that is not sound, or unstable, may overflow, and is reported by `run`
            medium = self.medium(given)
            ends = functools.partial(self.ends, medium=medium, given=given)
            stepper = Stepper(medium, ends, medium.unknown(initial), self.spacing, self.time / self.steps)
            stepper.failed |= ~sound
            frames = max(1, self.frames)
            history = np.empty((len(initial), frames, self.cells))
            for frame in range(frames):
                for _ in range(self.steps // frames):
                    stepper.advance()
                history[:, frame] = medium.value(stepper.z)
            amount, _ = medium.storage(stepper.z)
            return {
                "solution": history[:, -1],
                "history": history,
                "mass": amount.sum(axis=1) * self.spacing,
                "inflow": stepper.entered,
                "outflow": stepper.left,
                "front": self.front(history[:, -1], given),
                "mass_balance": stepper.imbalance,
                "iterations": stepper.iterations,
                "failed": stepper.failed,
            }

    def parameter_units(self) -> dict[str, str]:
        """The initial value, the equation's parameters, and the values at the ends."""
        return {"initial": "1", **self.parameters, "left": "1", "right": "1"}

    def field_names(self) -> tuple[str, ...]:
        """``initial``, if it is one."""
        return ("initial",) if self.initial == "field" else ()

    def _words(self, name: str) -> str:
        kind = getattr(self, name)
        if kind == "closed":
            return "no flow"
        return self.own_words(kind) if isinstance(kind, str) else f"u = {name if kind is None else f'{kind:g}'}"

    @property
    def spacing(self) -> float:
        """Width of a cell, m."""
        return self.extent / self.cells

    def _x(self) -> np.ndarray:
        return self.extent * (np.arange(self.cells) + 0.5) / self.cells

    def _coordinate(self) -> tuple[str, np.ndarray, dict[str, str]]:
        return ("x", self._x(), {"units": "m", "long_name": "x of the cell centre"})
