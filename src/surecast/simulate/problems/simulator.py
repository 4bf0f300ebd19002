"""A problem as a study's simulator: ``simulator: {kind: problem, name: borehole}``.

The problem states its own input laws: a study that names it may leave out `inputs`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import Field, field_validator

from surecast.simulate.problems import catalogue
from surecast.simulate.problems.problem import Problem
from surecast.simulate.simulator import Simulator, VariableInfo
from surecast.study.component import refused
from surecast.study.errors import ComponentError

if TYPE_CHECKING:
    import xarray as xr


class ProblemSimulator(Simulator):
    """A test problem whose answers are known; its name is one of `surecast.simulate.problems.names`."""

    name: str = Field(description="Name of the problem, for example ishigami, borehole or fourbranch.")

    @field_validator("name")
    @classmethod
    def _known(cls, name: str) -> str:
        try:
            catalogue.target(name)
        except ComponentError as error:
            raise refused("", error.message, error.remedy) from error
        return name

    @property
    def problem(self) -> Problem:
        """The problem itself."""
        return catalogue.problem(self.name)

    def input_names(self) -> tuple[str, ...]:
        """The problem's inputs."""
        return tuple(self.problem.inputs)

    def input_laws(self) -> dict[str, dict[str, Any]]:
        """Their laws."""
        return {name: dict(spec) for name, spec in self.problem.inputs.items()}

    def input_units(self) -> dict[str, str]:
        """Their units."""
        return {name: str(spec.get("units", "1")) for name, spec in self.problem.inputs.items()}

    def variables(self) -> dict[str, VariableInfo]:
        """The problem's outputs, one number a run."""
        return {
            name: {"dims": (), "units": quantity.units, "long_name": quantity.long_name}
            for name, quantity in self.problem.quantities.items()
        }

    def resolution(self) -> dict[str, Any]:
        """Empty: a formula has none."""
        return {}

    def card(self) -> dict[str, Any]:
        """Equation, source and units."""
        return {
            "equation": self.problem.equation,
            "solver": "closed form",
            "citation": self.problem.citation,
            "licence": self.problem.licence,
            "units": {name: quantity.units for name, quantity in self.problem.quantities.items()},
        }

    def code_targets(self) -> list[str]:
        """This class and the problem's own module."""
        return [*super().code_targets(), catalogue.target(self.name)]

    def run(self, inputs: xr.Dataset) -> xr.Dataset:
        """See `Simulator.run`; a formula never fails, save by a value that is not finite."""
        with np.errstate(all="ignore"):
            outputs = self.problem.simulator(inputs)
        return outputs.assign(failure=("run", np.full(outputs.sizes["run"], "", dtype=object)))
