r"""Stochastic differential equations of one variable, stepped on equal steps.

    dX = a(X) dt + b(X) dW,   X(0) = start,   0 <= t <= time

`euler_maruyama` adds a dt + b dW each step, `milstein` b b' (dW^2 - dt)/2 too: orders 1/2 and 1 in the strong sense, 1
in the weak sense (Kloeden and Platen 1992, sections 10.2, 10.3 and 14.1); where b is constant the two are the same, of
order 1. A run's noise comes from its `seed` alone, and is the same path whatever the number of steps that halve one
another (see `surecast.simulate.brownian`).
"""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from surecast.simulate.brownian import unordered
from surecast.simulate.simulator import Simulator, VariableInfo
from surecast.study.errors import SimulationError

if TYPE_CHECKING:
    import xarray as xr

_TOGETHER = 2**21  # numbers of a batch's noise: many runs a step, as a step takes NumPy microseconds for few, too
Parameters = dict[str, np.ndarray]
"""Scalar inputs by name, (run,) each."""


class StochasticDifferentialEquation(Simulator):
    """Base of the equations: input ``start`` and the parameters; a subclass implements `drift`, `volatility`, `slope`.

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
    scheme: Literal["euler_maruyama", "milstein"] = Field(
        default="milstein", description="Scheme: of strong order 1/2 or 1."
    )

    @model_validator(mode="after")
    def _whole_frames(self) -> Self:
        if self.frames and self.steps % self.frames:
            raise ValueError(f"steps = {self.steps} is no multiple of frames = {self.frames}")
        return self

    @property
    def stochastic(self) -> bool:
        """True."""
        return True

    @abstractmethod
    def drift(self, x: np.ndarray, given: Parameters) -> np.ndarray:
        """a(X), (run,), a new array."""

    @abstractmethod
    def volatility(self, x: np.ndarray, given: Parameters) -> np.ndarray:
        """b(X), (run,)."""

    @abstractmethod
    def slope(self, x: np.ndarray, given: Parameters) -> np.ndarray | None:
        """b(X) b'(X), (run,); None where it is 0."""

    def observed(self, x: np.ndarray) -> np.ndarray:
        """What is reported of a state."""
        return x

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
            "solver": {"euler_maruyama": "Euler and Maruyama", "milstein": "Milstein"}[self.scheme],
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
        refused = np.full(len(seeds), "", dtype=object)
        for name in self.nonnegative:
            refused[given[name] < 0] = f"{name} is negative"
        raw = xr.Dataset()
        if self.frames:
            times = self.time * np.arange(1, self.frames + 1) / self.frames
            raw = raw.assign_coords(time=("time", times, {"units": "s", "long_name": "time"}))
        return self.labelled(raw, values, np.where(refused != "", refused, np.where(unstable, message, "")))

    def _paths(self, given: Parameters, seeds: np.ndarray) -> dict[str, np.ndarray]:
        noise, places = unordered(seeds, self.steps, self.time)
        step = self.time / self.steps
        x = given["start"].copy()
        seen = self.observed(x)
        total, highest, lowest = 0.5 * seen, seen.copy(), seen.copy()
        frames = np.empty((len(x), self.frames))
        every = self.steps // self.frames if self.frames else self.steps + 1
        with np.errstate(all="ignore"):  # an unstable run overflows, and is reported by `run`
            for count, place in enumerate(places.tolist(), 1):
                jump = noise[place]
                change = self.drift(x, given)
                change *= step
                slope = self.slope(x, given) if self.scheme == "milstein" else None
                if slope is not None:
                    change += 0.5 * slope * (jump * jump - step)
                jump *= self.volatility(x, given)
                x += change
                x += jump
                seen = self.observed(x)
                total += seen
                np.maximum(highest, seen, out=highest)
                np.minimum(lowest, seen, out=lowest)
                if count % every == 0:
                    frames[:, count // every - 1] = seen
            total -= 0.5 * seen
        found = {"final": seen.copy(), "mean": total / self.steps, "maximum": highest, "minimum": lowest}
        return found | ({"path": frames} if self.frames else {})

    def _checked(self, inputs: xr.Dataset) -> tuple[Parameters, np.ndarray]:
        for name in (*self.input_names(), "seed"):
            if name not in inputs:
                raise SimulationError(
                    f"the {type(self).__name__} simulator lacks its input {name!r}.", f"add {name} to the inputs."
                )
        if not inputs.sizes["run"]:
            raise SimulationError("there are no runs to simulate.", "ask for one at least.")
        given = {name: np.asarray(inputs[name].values, dtype=np.float64) for name in self.input_names()}
        return given, np.asarray(inputs["seed"].values)
