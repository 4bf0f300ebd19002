"""Simulators whose parameters are numbers of the study file, or inputs of each run where they are null.

simulator: {kind: darcy, above: 12.0, below: null}      # above is the same for every run, below is an input
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Self

import numpy as np
from pydantic import Field, model_validator

from surecast.simulate.simulator import Simulator
from surecast.study.component import refused
from surecast.study.errors import SimulationError

if TYPE_CHECKING:
    import xarray as xr

Number = Annotated[float, Field(allow_inf_nan=False)]
Parameters = dict[str, np.ndarray]
"""Numbers by name, (run,) each."""


class Parametric(Simulator):
    """Base of such simulators; a subclass has a setting of type ``Number | None`` for each of its parameters."""

    fields: ClassVar[tuple[str, ...]] = ()
    """Inputs that are fields, on `Simulator.grids`."""
    parameters: ClassVar[dict[str, str]]
    """Settings that are inputs where they are null, with their units."""
    positive: ClassVar[tuple[str, ...]] = ()
    """Parameters that must be so: a run in which one is not fails."""

    @model_validator(mode="after")
    def _sound(self) -> Self:
        for name, value in self.numbers().items():
            if fault := self.fault(name, np.array([value]))[0]:
                raise refused(name, f"{fault}.", f"write for example `{name}: 1.0`, or null for an input.")
        if not self.input_names():
            name = next(iter(self.parameters))
            raise refused(name, "leaves no input.", "write null for a parameter that varies from run to run.")
        return self

    def input_names(self) -> tuple[str, ...]:
        """The fields, then the parameters that are no settings."""
        return (*self.fields, *(name for name in self.parameters if getattr(self, name) is None))

    def input_units(self) -> dict[str, str]:
        """Of the parameters among them."""
        return {name: unit for name, unit in self.parameters.items() if getattr(self, name) is None}

    def numbers(self) -> dict[str, float]:
        """Parameters that are settings."""
        found = {name: getattr(self, name) for name in self.parameters}
        return {name: float(value) for name, value in found.items() if value is not None}

    def stated(self) -> dict[str, str]:
        """The same with their units, for the card."""
        return {name: f"{value:g} {self.parameters[name]}" for name, value in self.numbers().items()}

    def fault(self, name: str, values: np.ndarray) -> np.ndarray:
        """What is wrong with values (run,) of a parameter, (run,); empty where nothing is."""
        found = np.full(len(values), "", dtype=object)
        if name in self.positive:
            found[values <= 0] = f"{name} is not positive"
        found[~np.isfinite(values)] = f"{name} is not finite"
        return found

    def faults(self, given: Parameters) -> np.ndarray:
        """Why runs cannot be simulated, (run,); empty where they can. The first fault of each counts."""
        found = np.full(len(next(iter(given.values()))), "", dtype=object)
        for name, values in given.items():
            found = np.where(found == "", self.fault(name, values), found)
        return found

    def taken(self, inputs: xr.Dataset) -> tuple[list[np.ndarray], Parameters]:
        """The fields in the order of `fields`, (run, ...) each, and all parameters.

        Raises
        ------
        SimulationError
            If an input is missing or has other dimensions, or there is no run.
        """
        self.require(inputs, self.input_names(), "add {name} to the inputs, or give it a number beside kind.")
        runs, grids = inputs.sizes["run"], self.grids()
        for name in self.input_names():
            sizes = {"run": runs, **{dim: len(axis) for dim, axis in grids.get(name, {}).items()}}
            if dict(inputs[name].sizes) != sizes:
                shape = ", ".join(str(dim) if dim == "run" else f"{dim}: {size}" for dim, size in sizes.items())
                law = f"gaussian_field with dimensions: {len(sizes) - 1}" if name in grids else "of a number"
                raise SimulationError(
                    f"{name} has dimensions {dict(inputs[name].sizes)}, not {shape}.", f"give it the law {law}."
                )
        values = {
            name: np.asarray(inputs[name].transpose("run", *grids.get(name, {})).values, dtype=np.float64)
            for name in self.input_names()
        }
        numbers = {name: np.full(runs, value) for name, value in self.numbers().items()}
        given = {name: numbers[name] if name in numbers else values[name] for name in self.parameters}
        return [values[name] for name in self.fields], given
