"""What every simulator is: inputs of any number of runs in, raw outputs of the same runs out."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, TypedDict

from surecast.study.component import Component
from surecast.study.errors import SimulationError

if TYPE_CHECKING:
    import numpy as np
    import xarray as xr


class VariableInfo(TypedDict):
    """What a raw output is: its dimensions besides ``run``, its unit, its long name."""

    dims: tuple[str, ...]
    units: str
    long_name: str


class Simulator(Component):
    """The truth of a study: a deterministic map (seed included) from inputs to raw outputs.

    A subclass states the equation in its docstring and implements `input_names`, `variables`, `run`,
    `resolution` and `card`; one on a grid also `grids`, `refined`, `coarser` and `restrict`.
    """

    #: Raw outputs that describe the solution process, not the solution: recorded beside the outputs, never gated.
    diagnostics: ClassVar[tuple[str, ...]] = ()

    @property
    def stochastic(self) -> bool:
        """Whether a run depends on the variable ``seed`` of its inputs (which is then part of its identity)."""
        return False

    @abstractmethod
    def input_names(self) -> tuple[str, ...]:
        """Names of the inputs that the simulator needs, fields first; empty if it takes whatever it is given."""

    @abstractmethod
    def variables(self) -> dict[str, VariableInfo]:
        """Raw outputs by name (diagnostics included); empty if they are known only after a run."""

    @abstractmethod
    def run(self, inputs: xr.Dataset) -> xr.Dataset:
        """Simulate every run of a Dataset.

        Parameters
        ----------
        inputs : xarray.Dataset
            One variable per input with dimension ``run``; inputs named in `grids` arrive as functions on
            that grid, dimensions ``(run, y, x)`` or ``(run, x)``. ``seed`` (run,) if stochastic.

        Returns
        -------
        xarray.Dataset
            Raw outputs with the same ``run`` dimension, float64, with units and long names, and
            ``failure`` (run,): why a run failed, empty if it did not. The bits of a run do not depend on
            which other runs are in `inputs`, on their number or order.

        Raises
        ------
        SimulationError
            If `inputs` lacks something; never because a single run fails.
        """

    def require(self, inputs: xr.Dataset, names: Iterable[str] = (), remedy: str = "add {name} to the inputs.") -> None:
        """Raise `SimulationError` if there is no run, or no variable of one of the names."""
        for name in names:
            if name not in inputs:
                raise SimulationError(
                    f"the {type(self).__name__} simulator lacks its input {name!r}.", remedy.format(name=name)
                )
        if not inputs.sizes.get("run"):
            raise SimulationError("there are no runs to simulate.", "ask for one at least.")

    def labelled(self, raw: xr.Dataset, values: Mapping[str, np.ndarray], failure: np.ndarray) -> xr.Dataset:
        """`raw`, which holds the coordinates, with all of `variables` by name, and why each run failed (run,)."""
        for name, info in self.variables().items():
            attributes = {"units": info["units"], "long_name": info["long_name"]}
            raw[name] = (("run", *info["dims"]), values[name], attributes)
        raw["failure"] = ("run", failure.astype(object))
        return raw

    @abstractmethod
    def resolution(self) -> dict[str, Any]:
        """What the discretisation is (cells, time step ...), as JSON values."""

    @abstractmethod
    def card(self) -> dict[str, Any]:
        """What a reader of the dataset must know: equation, domain, boundary conditions, units, grid, solver."""

    def input_laws(self) -> dict[str, dict[str, Any]]:
        """Laws that the simulator itself states, as under `inputs` of a study file; a study may then leave them out."""
        return {}

    def input_units(self) -> dict[str, str]:
        """Units in which inputs are taken, by name; a study must give its laws in them. Inputs left out: any unit."""
        return {}

    def grids(self) -> dict[str, dict[str, np.ndarray]]:
        """Coordinates at which each field input is wanted, for example ``{"permeability": {"y": ..., "x": ...}}``."""
        return {}

    def refined(self) -> Simulator | None:
        """The same simulator on a refined grid, which measures the discretisation error; None if there is none."""
        return None

    def coarser(self) -> list[Simulator]:
        """The same simulator on coarser grids, finest first: what a surrogate has to beat."""
        return []

    def work(self) -> float:
        """Work of a run up to a constant factor, to weigh grids against each other: points times time steps.

        It is stated, not measured, so that what depends on it does not depend on the machine. Points are those of
        the finest field input, or the first number of `resolution` where no input is a field.
        """
        sizes = [math.prod(len(axis) for axis in grid.values()) for grid in self.grids().values()]
        resolution = self.resolution()
        first = next((float(value) for value in resolution.values() if isinstance(value, int)), 1.0)
        return float(max(sizes, default=first)) * float(resolution.get("steps", 1))

    def restrict(self, fields: xr.Dataset) -> xr.Dataset:
        """Raw outputs of `refined` brought to this grid; scalars unchanged."""
        return fields

    def source(self, inputs: xr.Dataset, grid: dict[str, np.ndarray]) -> xr.DataArray | None:
        """Source term of the conservation law on a uniform cell-centred grid, dims ``(run, y, x)``, or None."""
        return None

    def similarity(self, inputs: xr.Dataset) -> tuple[xr.Dataset, dict[str, np.ndarray]]:
        """An exact symmetry of the equation: every run as a scaled copy of one whose inputs are of order one.

        Networks learn the scaled runs, so that a run with extreme inputs is no extrapolation in scale.

        Parameters
        ----------
        inputs : xarray.Dataset
            Inputs with fields realised on any grid, as `run` takes them.

        Returns
        -------
        inputs : xarray.Dataset
            The inputs of the scaled runs, same variables.
        scales : dict of str to numpy.ndarray
            Raw field -> positive factor (run,): field of the run = factor * field of the scaled run. Fields left
            out have factor 1; no symmetry is known where it is empty, as here.
        """
        return inputs, {}

    def code_targets(self) -> list[str]:
        """Modules whose code decides the result, as `surecast.study.code.code_digest` takes them."""
        return [f"{type(self).__module__}:{type(self).__qualname__}"]

    def check(self) -> None:
        """Raise `ComponentError` if the simulator cannot run as it is set up; called before anything runs."""
