"""Simulators whose parameters depend on what is chosen, each a number of the study file or an input of every run.

    simulator: {kind: euler, initial: shock_tube, density_left: null, pressure_left: 1.0, ...}

Here ``density_left`` is an input, the pressure is the same for all runs, and settings that belong to another `initial`
are refused.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Self

import numpy as np
from pydantic import model_validator

from surecast.simulate.simulator import Simulator
from surecast.study.component import refused
from surecast.study.errors import SimulationError

if TYPE_CHECKING:
    import xarray as xr


class Parametrised(Simulator):
    """Base of such simulators; a subclass states the class variables and has a setting for each parameter."""

    choices: ClassVar[dict[str, str]]
    """Settings that choose, each with the name of the input that is a field where the setting is ``field``."""
    parameters: ClassVar[dict[str, dict[str, str]]]
    """For a value of one of the `choices` the settings that go with it, inputs where they are null: their units."""
    positive: ClassVar[tuple[str, ...]] = ()
    """Parameters that must be so: a run in which one is not fails."""

    @model_validator(mode="after")
    def _possible(self) -> Self:
        for name, value in self.numbers().items():
            if fault := self.fault(name, np.array([[value]]))[0]:
                raise refused(name, f"{fault}.", f"write for example `{name}: 1.0`, or null for an input.")
        for name in sorted(self.idle() & self.model_fields_set):
            raise refused(name, "has no part in what is chosen.", "leave it out, or change what it belongs to.")
        if not self.input_names():
            raise refused(
                next(iter(self.choices)), "leaves no input.", "write null for a parameter that varies from run to run."
            )
        return self

    def units(self) -> dict[str, str]:
        """Of the parameters that go with what is chosen."""
        chosen = [self.parameters.get(getattr(self, choice), {}) for choice in self.choices]
        return {name: unit for part in chosen for name, unit in part.items()}

    def idle(self) -> set[str]:
        """Settings that change nothing, given the others."""
        return {name for part in self.parameters.values() for name in part} - set(self.units())

    def numbers(self) -> dict[str, float]:
        """Parameters that are settings."""
        found = {name: getattr(self, name) for name in self.units()}
        return {name: float(value) for name, value in found.items() if value is not None}

    def field_names(self) -> tuple[str, ...]:
        """Inputs that are fields."""
        return tuple(name for choice, name in self.choices.items() if getattr(self, choice) == "field")

    def input_names(self) -> tuple[str, ...]:
        """Fields, then the parameters that are no settings."""
        return (*self.field_names(), *(name for name in self.units() if getattr(self, name) is None))

    def input_units(self) -> dict[str, str]:
        """Of the parameters."""
        return {name: unit for name, unit in self.units().items() if getattr(self, name) is None}

    def fault(self, name: str, values: np.ndarray) -> np.ndarray:
        """What is wrong with values (run, any) of a parameter or a field, (run,)."""
        found = np.full(len(values), "", dtype=object)
        if name in self.positive:
            found[(values <= 0).any(axis=1)] = f"{name} is not positive"
        found[~np.isfinite(values).all(axis=1)] = f"{name} is not finite"
        return found

    def faults(self, given: dict[str, np.ndarray], runs: int) -> np.ndarray:
        """Why runs cannot be simulated, (run,); empty where they can."""
        found = np.full(runs, "", dtype=object)
        for name, values in given.items():
            found = np.where(found == "", self.fault(name, values.reshape(runs, -1)), found)
        return found

    def given(self, inputs: xr.Dataset) -> dict[str, np.ndarray]:
        """Every parameter, (run, 1), and field, (run, ...) in the order of `grids`, of all runs.

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
