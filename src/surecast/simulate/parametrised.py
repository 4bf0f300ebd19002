"""Simulators whose parameters are numbers of the study file, or inputs of every run where they are null.

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
"""By name: parameters (run, 1), and inputs that are fields (run, ...)."""


class Parametrised(Simulator):
    """Base of such simulators; a subclass has a setting of type ``Number | None`` for each of its parameters."""

    parameters: ClassVar[dict[str, str]] = {}
    """Settings that are inputs where they are null, with their units."""
    positive: ClassVar[tuple[str, ...]] = ()
    nonnegative: ClassVar[tuple[str, ...]] = ()
    """Parameters that must be so: a run in which one is not fails."""

    @model_validator(mode="after")
    def _possible(self) -> Self:
        for name, value in self.numbers().items():
            if fault := self.fault(name, np.array([[value]]))[0]:
                raise refused(name, f"{fault}.", f"write for example `{name}: 1.0`, or null for an input.")
        if not self.input_names():
            name = next(iter(self.parameter_units()))
            raise refused(name, "leaves no input.", "write null for a parameter that varies from run to run.")
        return self

    def parameter_units(self) -> dict[str, str]:
        """The parameters that there are, given the other settings, with their units."""
        return self.parameters

    def field_names(self) -> tuple[str, ...]:
        """Inputs that are fields; `grids` says where they are wanted."""
        return ()

    def input_names(self) -> tuple[str, ...]:
        """The fields, then the parameters that are no settings."""
        return (*self.field_names(), *(name for name in self.parameter_units() if getattr(self, name) is None))

    def input_units(self) -> dict[str, str]:
        """Of the inputs that are parameters."""
        units = self.parameter_units()
        return {name: units[name] for name in self.input_names() if name in units}

    def numbers(self) -> dict[str, float]:
        """Parameters that are settings."""
        found = {name: getattr(self, name) for name in self.parameter_units()}
        return {name: float(value) for name, value in found.items() if isinstance(value, int | float)}

    def stated(self) -> dict[str, str]:
        """The same with their units, for the card."""
        units = self.parameter_units()
        return {
            name: f"{value:g}{'' if units[name] == '1' else f' {units[name]}'}"
            for name, value in self.numbers().items()
        }

    def fault(self, name: str, values: np.ndarray) -> np.ndarray:
        """What is wrong with values (run, any) of a parameter or a field, (run,); empty where nothing is."""
        bad = [(~np.isfinite(values), "is not finite")]
        bad += [(values < 0, "is negative")] if name in self.nonnegative else []
        bad += [(values <= 0, "is not positive")] if name in self.positive else []
        found = np.full(len(values), "", dtype=object)
        for where, text in bad:
            found[where.any(axis=1) & (found == "")] = f"{name} {text}"
        return found

    def faults(self, given: Parameters) -> np.ndarray:
        """Why runs cannot be simulated, (run,); empty where they can. The first fault of each counts."""
        found = np.full(len(next(iter(given.values()))), "", dtype=object)
        for name, values in given.items():
            found = np.where(found == "", self.fault(name, values.reshape(len(found), -1)), found)
        return found

    def given(self, inputs: xr.Dataset) -> Parameters:
        """Every parameter, and every field in the order of its grid, of all runs.

        Raises
        ------
        SimulationError
            If `inputs` lacks one, or one has other dimensions.
        """
        self.require(inputs, self.input_names(), "add {name} to the inputs, or give it a number beside kind.")
        runs, grids = inputs.sizes["run"], self.grids()
        found = {name: np.full((runs, 1), value) for name, value in self.numbers().items()}
        for name in self.input_names():
            axes = grids.get(name, {})
            sizes = {"run": runs, **{dim: len(axis) for dim, axis in axes.items()}}
            if dict(inputs[name].sizes) != sizes:
                shape = ", ".join(f"{dim}: {size}" for dim, size in sizes.items())
                law = f"gaussian_field with dimensions: {len(axes)}" if axes else "of a number"
                raise SimulationError(
                    f"{name} has dimensions {dict(inputs[name].sizes)}, not {shape}.", f"give it the law {law}."
                )
            values = np.asarray(inputs[name].transpose(*sizes).values, dtype=np.float64)
            found[name] = values if axes else values.reshape(runs, 1)
        return found
