"""Random paths of one quantity on equal steps: inputs, outputs, seeds and batches that they share.

    X(0) = start,   0 <= t <= time

A run's noise comes from its `seed` alone, and is the same path whatever the number of steps that halve one another.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from pydantic import Field, model_validator

from surecast.simulate.frames import require_whole_steps, time_coordinate
from surecast.simulate.simulator import Simulator, VariableInfo

if TYPE_CHECKING:
    import xarray as xr

_TOGETHER = 2**22  # numbers of a batch's noise: many runs a step, as a step takes NumPy microseconds for few, too
Parameters = dict[str, np.ndarray]
"""Scalar inputs by name, (run,) each."""


class RandomPaths(Simulator):
    """Base of the equations: input ``start`` and the parameters; a subclass implements `walk` and `solver`.

    Outputs are the value at the final time, and mean, maximum and minimum along the path, at the steps and the start.
    """

    equation: ClassVar[str]
    quantity: ClassVar[str]
    """What X is."""
    unit: ClassVar[str] = "1"
    """Of X."""
    parameters: ClassVar[dict[str, str]]
    """Scalar inputs beside ``start``, with their units."""
    nonnegative: ClassVar[tuple[str, ...]] = ()
    """Inputs that must not be negative: a run in which one is fails."""

    steps: int = Field(default=256, ge=1, le=10_000_000, description="Time steps to the final time.")
    time: float = Field(default=1.0, gt=0, allow_inf_nan=False, description="Final time, s.")
    frames: int = Field(default=0, ge=0, le=10_000, description="States kept on the way, the final one included.")

    @model_validator(mode="after")
    def _whole_frames(self) -> Self:
        require_whole_steps(self.steps, self.frames)
        return self

    @property
    def stochastic(self) -> bool:
        """True."""
        return True

    @abstractmethod
    def walk(self, given: Parameters, seeds: np.ndarray) -> Iterator[np.ndarray]:
        """States at time 0, (1, run), and after each step, (some steps, run) at a time; or (step, component, run).

        How many there are at a time must not depend on the number of runs.
        """

    @abstractmethod
    def solver(self) -> str:
        """Name of the scheme."""

    def observed(self, x: np.ndarray) -> np.ndarray:
        """What is reported of states, (step, run)."""
        return x

    def also(self, x: np.ndarray) -> dict[str, np.ndarray]:
        """Outputs of the final state, (run,) or (component, run), beside those of every path, (run,) each."""
        return {}

    def refused(self, given: Parameters) -> np.ndarray:
        """Why the inputs of a run cannot be, (run,), empty where they can."""
        found = np.full(len(given["start"]), "", dtype=object)
        for name in self.nonnegative:
            found[given[name] < 0] = f"{name} is negative"
        return found

    def input_names(self) -> tuple[str, ...]:
        """``start``, then the parameters."""
        return ("start", *self.parameters)

    def input_units(self) -> dict[str, str]:
        """Of the start and the parameters."""
        return {"start": self.unit, **self.parameters}

    def variables(self) -> dict[str, VariableInfo]:
        """The final value, mean, maximum and minimum along the path; ``path`` if frames are kept."""
        named = {
            "final": f"{self.quantity} at the final time",
            "mean": f"mean of the {self.quantity} along the path",
            "maximum": f"largest {self.quantity} along the path",
            "minimum": f"smallest {self.quantity} along the path",
        }
        found: dict[str, VariableInfo] = {
            name: {"dims": (), "units": self.unit, "long_name": text} for name, text in named.items()
        }
        if self.frames:
            found["path"] = {"dims": ("time",), "units": self.unit, "long_name": self.quantity}
        return found

    def resolution(self) -> dict[str, Any]:
        """Time steps."""
        return {"steps": self.steps}

    def work(self) -> float:
        """Time steps."""
        return float(self.steps)

    def refined(self) -> Self:
        """Twice the time steps, along the same path."""
        return self.model_copy(update={"steps": 2 * self.steps})

    def coarser(self) -> list[Simulator]:
        """A half, a quarter, an eighth of the time steps."""
        ratios = [ratio for ratio in (2, 4, 8) if self.steps % (ratio * max(1, self.frames)) == 0]
        return [self.model_copy(update={"steps": self.steps // ratio}) for ratio in ratios]

    def card(self) -> dict[str, Any]:
        """What a reader of the dataset must know."""
        return {
            "equation": self.equation,
            "domain": f"0 <= t <= {self.time:g} (s)",
            "initial_condition": f"X = start at t = 0, in {self.unit}",
            "units": {name: info["units"] for name, info in self.variables().items()},
            "resolution": f"{self.steps} steps",
            "grid": "equal time steps; maxima and minima are of the states at the steps",
            "solver": self.solver(),
        }

    def run(self, inputs: xr.Dataset) -> xr.Dataset:
        """Simulate every run; see `Simulator.run`."""
        import xarray as xr

        given, seeds = self._checked(inputs)
        size = max(_TOGETHER // self.steps, 1)
        batches = [slice(start, start + size) for start in range(0, len(seeds), size)]
        parts = [self._paths({name: values[b] for name, values in given.items()}, seeds[b]) for b in batches]
        values = {name: np.concatenate([part[name] for part in parts]) for name in self.variables()}
        unstable = ~np.isfinite(values["final"])
        message = f"the path became unstable (not finite at t = {self.time:g}); take more steps"
        refused = self.refused(given)
        raw = xr.Dataset(coords=time_coordinate(self.time, self.frames))
        return self.labelled(raw, values, np.where(refused != "", refused, np.where(unstable, message, "")))

    def _paths(self, given: Parameters, seeds: np.ndarray) -> dict[str, np.ndarray]:
        frames = np.empty((len(seeds), self.frames))
        every = self.steps // self.frames if self.frames else self.steps + 1
        with np.errstate(all="ignore"):  # an unstable run overflows, and is reported by `run`
            states = self.walk(given, seeds)
            first = self.observed(next(states))[0]
            total, highest, lowest = 0.5 * first, first.copy(), first.copy()
            count = 0
            for x in states:
                seen = self.observed(x)
                for row in seen:  # one by one: `sum` adds a single run's in another order than those of several
                    total += row
                np.maximum(highest, seen.max(axis=0), out=highest)
                np.minimum(lowest, seen.min(axis=0), out=lowest)
                for place in range(every - 1 - count % every, len(seen), every):
                    frames[:, (count + place) // every] = seen[place]
                count += len(seen)
            last = seen[-1]
            total -= 0.5 * last
            found = {"final": last.copy(), "mean": total / self.steps, "maximum": highest, "minimum": lowest}
            return found | self.also(x[-1]) | ({"path": frames} if self.frames else {})

    def _checked(self, inputs: xr.Dataset) -> tuple[Parameters, np.ndarray]:
        self.require(inputs, (*self.input_names(), "seed"))
        given = {name: np.asarray(inputs[name].values, dtype=np.float64) for name in self.input_names()}
        return given, np.asarray(inputs["seed"].values)
