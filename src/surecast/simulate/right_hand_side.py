"""The user's own ordinary differential equations, or partial ones in space that lines or cells make such.

    u_t = rate(u, parameters, t),   u(0) = initial(shape, parameters),   0 <= t <= time

`rate` and `initial` are plain Python functions, loops over cells allowed, that are traced once and evaluated for many
cells and runs at a time (`surecast.simulate.traced`). Steps are Runge and Kutta's classical ones, of order 4 (Kutta
1901, Z. Math. Phys. 46), explicit: diffusion D over cells of the width h wants time steps below 0.69 h^2/(D d) in d
dimensions (the scheme is stable from -2.78 to 0 on the real axis).

    def rate(u, diffusivity, extent=1.0):          # beside the study file, in heat.py
        n = len(u)
        du = np.empty_like(u)
        for i in range(n):
            du[i] = diffusivity * (n / extent) ** 2 * (u[i - 1] - 2 * u[i] + u[(i + 1) % n])
        return du

    def initial(shape, height):
        (n,) = shape
        return height * np.sin(2 * np.pi * (np.arange(n) + 0.5) / n)

    simulator: {kind: right_hand_side, rate: "heat:rate", initial: "heat:initial", state: {x: 64}, cells: [x], ...}
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from pydantic import Field, JsonValue, PrivateAttr, ValidationInfo, model_validator

from surecast.simulate.frames import require_whole_steps, time_coordinate
from surecast.simulate.simulator import Simulator, VariableInfo
from surecast.simulate.traced.kernel import Kernel, Prepared
from surecast.simulate.traced.trace import TIME, trace
from surecast.study import kinds
from surecast.study.errors import ComponentError, SimulationError

if TYPE_CHECKING:
    import xarray as xr

_TOGETHER = 2**17  # numbers of the runs that are advanced at once: few enough to stay in a processor's cache
_NAME = r"^[\w.]+:\w+$"
Kernels = tuple[Kernel, Kernel]
"""Of `initial` and `rate`."""


class RightHandSide(Simulator):
    """Ordinary differential equations by their right-hand side; inputs are the functions' arguments without a value.

    Where `cells` names dimensions, a refined run has twice the cells along these, and 2^derivative times the steps; the
    functions must then take their number from the state's shape, and its values be averages of cells.
    """

    rate: str = Field(
        pattern=_NAME, description="The right-hand side, as module:function, of the state and of parameters by name."
    )
    initial: str = Field(
        pattern=_NAME, description="State at time 0, as module:function, of the state's shape and of parameters."
    )
    state: dict[str, int] = Field(min_length=1, description="Numbers of the state along each dimension, by its name.")
    species: list[str] = Field(
        default=[], description="Names of several states, along a dimension of the functions' arrays before the others."
    )
    cells: list[str] = Field(default=[], description="Dimensions along which there are cells, to be refined.")
    derivative: int = Field(default=2, ge=1, le=4, description="Order of the highest derivative in space.")
    arguments: dict[str, JsonValue] = Field(default={}, description="Arguments that are the same for all runs.")
    units: str = Field(default="1", description="Unit of the state.")
    long_name: str = Field(default="state", description="What the state is.")
    time: float = Field(default=1.0, gt=0, allow_inf_nan=False, description="Final time, s.")
    steps: int = Field(default=100, ge=1, le=10_000_000, description="Time steps to the final time.")
    frames: int = Field(default=0, ge=0, le=10_000, description="States kept on the way, the final one included.")

    _folder: Path | None = PrivateAttr(default=None)  # where the study lies: its modules are found there
    _traced: tuple[tuple[int, ...], Kernels] | None = PrivateAttr(default=None)

    @model_validator(mode="after")
    def _sound(self, info: ValidationInfo) -> Self:
        self._folder = (info.context or {}).get("folder")
        require_whole_steps(self.steps, self.frames)
        for name, count in self.state.items():
            if not name.isidentifier() or name in ("run", "time") or count < 1:
                raise ValueError(f"state has {name}: {count}; give names of dimensions, and one number or more of each")
        known = ("run", "time", "failure", "seed", *self.state)
        if wrong := [n for n in self.species if not n.isidentifier() or n in known or self.species.count(n) > 1]:
            raise ValueError(
                f"species has {wrong[0]!r}; give every state a name of its own, and none of {', '.join(known)}"
            )
        if unknown := [name for name in self.cells if name not in self.state]:
            raise ValueError(f"cells names {unknown[0]}, which is no dimension of the state {list(self.state)}")
        self.input_names()
        return self

    def input_names(self) -> tuple[str, ...]:
        """Arguments of both functions that have no value, in order."""
        names: list[str] = []
        taken: set[str] = set()
        for kind in (self.initial, self.rate):
            for name, argument in self._signature(kind):
                taken.add(name)
                if name not in (*names, *self.arguments, TIME) and argument.default is argument.empty:
                    names.append(name)
        if unknown := [name for name in self.arguments if name not in taken]:
            raise ComponentError(
                f"neither {self.initial} nor {self.rate} has an argument {unknown[0]!r}.",
                f"take it out of arguments; they have {', '.join(sorted(taken)) or 'none'}.",
            )
        return tuple(names)

    def variables(self) -> dict[str, VariableInfo]:
        """The final state, ``solution``, or that of each species by its name; ``history`` of it if frames are kept."""
        found: dict[str, VariableInfo] = {}
        for name, history, told in self._states_kept():
            dims = tuple(self.state)
            found[name] = {"dims": dims, "units": self.units, "long_name": f"{told} at the final time"}
            if self.frames:
                found[history] = {"dims": ("time", *dims), "units": self.units, "long_name": told}
        return found

    def resolution(self) -> dict[str, Any]:
        """Cells along each of their dimensions, and time steps."""
        return {**{name: self.state[name] for name in self.cells}, "steps": self.steps}

    def work(self) -> float:
        """Numbers of the state times time steps."""
        return float(math.prod(self._shape())) * self.steps

    def refined(self) -> Self:
        """Twice the cells and 2^derivative times the steps; twice the steps where there are no cells."""
        return self._by(2, 1)

    def coarser(self) -> list[Simulator]:
        """A half, a quarter, an eighth of the cells with fewer steps; of the steps where there are no cells."""
        found: list[Simulator] = []
        for ratio in (2, 4, 8):
            fewer = self._steps_ratio(ratio)
            if self.steps % (fewer * max(1, self.frames)) or any(self.state[name] % ratio for name in self.cells):
                break
            found.append(self._by(1, ratio))
        return found

    def restrict(self, fields: xr.Dataset) -> xr.Dataset:
        """Means over the finer cells of each of this grid's."""
        windows = {name: fields.sizes[name] // self.state[name] for name in self.cells}
        return fields.coarsen(windows).mean().assign_coords(self._coordinates()) if windows else fields

    def card(self) -> dict[str, Any]:
        """What a reader of the dataset must know."""
        told = [inspect.getdoc(self._function(name)) or name for name in (self.rate, self.initial)]
        return {
            "equation": f"u_t = {told[0]}",
            "domain": f"0 <= t <= {self.time:g} (s)",
            "initial_condition": f"u(0) = {told[1]}",
            "units": {name: info["units"] for name, info in self.variables().items()},
            "resolution": ", ".join(f"{value} {name}" for name, value in self.resolution().items()),
            "grid": f"{self.state}; "
            + (f"averages of cells along {', '.join(self.cells)}" if self.cells else "no cells"),
            "solver": f"Runge and Kutta, order 4, of {self.rate}",
            "arguments": dict(self.arguments),
        }

    def code_targets(self) -> list[str]:
        """The user's modules and this one."""
        modules = dict.fromkeys(kind.partition(":")[0] for kind in (self.rate, self.initial))
        return [*modules, *super().code_targets()]

    def check(self) -> None:
        """Raise `ComponentError` if the functions cannot be traced."""
        self._kernels()

    def run(self, inputs: xr.Dataset) -> xr.Dataset:
        """Simulate every run; see `Simulator.run`."""
        import xarray as xr

        self.require(inputs, self.input_names())
        given = {name: np.asarray(inputs[name].values, dtype=np.float64) for name in self.input_names()}
        if fields := [name for name, values in given.items() if values.ndim != 1]:
            raise SimulationError(
                f"{fields[0]} has dimensions {dict(inputs[fields[0]].sizes)}, not run alone.",
                "give it the law of a number: a right-hand side takes no fields.",
            )
        runs, kernels = inputs.sizes["run"], self._kernels()
        together = max(1, _TOGETHER // max(kernel.rows for kernel in kernels))
        history = np.empty((runs, max(1, self.frames), *self._shape()))
        for start in range(0, runs, together):
            rows = slice(start, min(start + together, runs))
            with np.errstate(all="ignore"):  # an unstable run overflows, and is reported below
                own = {name: values[rows] for name, values in given.items()}
                for frame, u in enumerate(self._states(kernels, own, rows.stop - start)):
                    history[rows, frame] = u.T.reshape(-1, *self._shape())
        unstable = ~np.isfinite(history.reshape(runs, -1)).all(axis=1)
        message = f"the time integration became unstable (not finite at t = {self.time:g}); take more steps"
        raw = xr.Dataset(coords={**self._coordinates(), **time_coordinate(self.time, self.frames)})
        values: dict[str, np.ndarray] = {}
        for place, (name, kept, _) in enumerate(self._states_kept()):
            own_history = history[:, :, place] if self.species else history
            values |= {name: own_history[:, -1], kept: own_history}
        return self.labelled(raw, values, np.where(unstable, message, ""))

    def _shape(self) -> tuple[int, ...]:
        return (*([len(self.species)] if self.species else []), *self.state.values())

    def _states_kept(self) -> list[tuple[str, str, str]]:
        """Name of each final state, of its history, and what it is."""
        named = [(name, f"history_{name}", f"{self.long_name} {name}") for name in self.species]
        return named or [("solution", "history", self.long_name)]

    def _states(self, kernels: Kernels, given: dict[str, np.ndarray], runs: int) -> Iterator[np.ndarray]:
        """States (number, run) at the frames."""
        initial, rate = kernels
        u = initial.prepare(given, runs)(np.zeros((initial.size, runs)))
        f, step = rate.prepare(given, runs), self.time / self.steps
        every = self.steps // max(1, self.frames)
        for count in range(self.steps):
            u = _step(f, u, count * step, step)
            if (count + 1) % every == 0:
                yield u

    def _kernels(self) -> Kernels:
        shape = self._shape()
        if self._traced is None or self._traced[0] != shape:
            start = self._trace(self.initial, shape, of_shape=True)
            self._traced = shape, (start, self._trace(self.rate, shape, of_shape=False))
        return self._traced[1]

    def _trace(self, kind: str, shape: tuple[int, ...], of_shape: bool) -> Kernel:
        own = {name for name, _ in self._signature(kind)}
        arguments = {name: value for name, value in self.arguments.items() if name in own}
        names = [name for name in self.input_names() if name in own]
        return trace(self._function(kind), shape, names, arguments, of_shape=of_shape)

    def _function(self, kind: str) -> Callable[..., Any]:
        function: Callable[..., Any] = kinds.resolve("simulator", kind, self._folder)
        if not callable(function):
            raise ComponentError(f"{kind} is no callable but {type(function).__name__}.", "name a function.")
        return function

    def _signature(self, kind: str) -> list[tuple[str, inspect.Parameter]]:
        """Arguments after the first, by name."""
        found = list(inspect.signature(self._function(kind)).parameters.items())
        loose = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
        if not found or any(argument.kind in loose for _, argument in found):
            raise ComponentError(
                f"{kind} must take the state (or its shape) first, and every parameter by a name of its own.",
                "write for example `def rate(u, diffusivity): ...`.",
            )
        return found[1:]

    def _by(self, more: int, fewer: int) -> Self:
        """This simulator with so many times the cells, or so few."""
        state = {name: count * more // fewer if name in self.cells else count for name, count in self.state.items()}
        steps = self.steps * self._steps_ratio(more) // self._steps_ratio(fewer)
        return self.model_copy(update={"state": state, "steps": steps})

    def _steps_ratio(self, ratio: int) -> int:
        return int(ratio**self.derivative) if self.cells else ratio

    def _coordinates(self) -> dict[str, tuple[str, np.ndarray, dict[str, str]]]:
        found = {}
        for name, count in self.state.items():
            cells = name in self.cells
            axis = (np.arange(count) + 0.5) / count if cells else np.arange(float(count))
            told = "position relative to the extent" if cells else f"number along {name}"
            found[name] = (name, axis, {"units": "1", "long_name": told})
        return found


def _step(f: Prepared, u: np.ndarray, time: float, step: float) -> np.ndarray:
    """One step of Runge and Kutta's."""
    first = f(u, time)
    second = f(u + 0.5 * step * first, time + 0.5 * step)
    third = f(u + 0.5 * step * second, time + 0.5 * step)
    second += third
    second *= 2
    second += first
    second += f(u + step * third, time + step)
    return np.asarray(u + step / 6 * second)
