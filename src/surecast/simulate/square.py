"""Linear problems on the unit square that sine and cosine series solve: inputs, outputs, grid and batches they share.

The field is given at the centres of n x n cells; between them it is its series (`surecast.simulate.square_modes`), each
term of which the equation multiplies by a number.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from pydantic import Field

from surecast.simulate.simulator import Simulator, VariableInfo
from surecast.simulate.square_modes import Sides, SquareModes
from surecast.study.errors import SimulationError

if TYPE_CHECKING:
    import xarray as xr

BATCH = 4  # runs transformed at once; their fields stay in the cache
Parameters = dict[str, np.ndarray]
"""Scalar inputs by name, (run, 1, 1) each."""


class Square(Simulator):
    """Base of the problems: one field and scalars; a subclass states the class variables and implements `solve`.

    ``spectral_tail`` says how well the field is resolved: the share of its squared coefficients in the upper tenth of
    the modes of either direction.
    """

    diagnostics: ClassVar[tuple[str, ...]] = ("spectral_tail",)
    equation: ClassVar[str]
    method: ClassVar[str]
    field: ClassVar[str]
    """The input that is a field."""
    parameters: ClassVar[dict[str, str]] = {}
    """Scalar inputs with their units."""
    units: ClassVar[tuple[str, str]]
    """Of the input field and of u."""

    cells: int = Field(default=64, ge=4, le=4096, description="Cells along each side of the unit square.")
    x_sides: Sides = Field(default="zero", description="At x = 0 and x = 1: zero (u = 0) or closed (no flow).")
    y_sides: Sides = Field(default="zero", description="At y = 0 and y = 1: zero (u = 0) or closed (no flow).")

    @abstractmethod
    def solve(self, coefficients: np.ndarray, given: Parameters) -> dict[str, np.ndarray]:
        """Raw outputs but the diagnostic, from the coefficients (run, y, x) of the field."""

    @abstractmethod
    def fault(self, given: Parameters) -> np.ndarray:
        """Why runs cannot be simulated, (run,); empty where they can."""

    def modes(self) -> SquareModes:
        """The series between these sides."""
        return SquareModes(self.x_sides, self.y_sides)

    def input_names(self) -> tuple[str, ...]:
        """The field, then the parameters."""
        return (self.field, *self.parameters)

    def input_units(self) -> dict[str, str]:
        """Of the parameters."""
        return dict(self.parameters)

    def variables(self) -> dict[str, VariableInfo]:
        """``spectral_tail``; a subclass adds its own."""
        text = f"share of the squared coefficients of {self.field} in the upper tenth of the modes"
        return {"spectral_tail": {"dims": (), "units": "1", "long_name": text}}

    def grids(self) -> dict[str, dict[str, np.ndarray]]:
        """The field is wanted at the cell centres."""
        return {self.field: {"y": self._centres(), "x": self._centres()}}

    def resolution(self) -> dict[str, Any]:
        """Number of cells."""
        return {"cells": self.cells}

    def refined(self) -> Self:
        """Twice the cells along each side."""
        return self.model_copy(update={"cells": 2 * self.cells})

    def coarser(self) -> list[Simulator]:
        """A half, a quarter ... of the cells, down to 4."""
        cells = [self.cells // 2**level for level in range(1, 11) if self.cells % 2**level == 0]
        return [self.model_copy(update={"cells": count}) for count in cells if count >= 4]

    def restrict(self, fields: xr.Dataset) -> xr.Dataset:
        """The series of the finer grid, as far as this grid has its terms, at this grid's centres."""
        series = self.modes()
        kept = fields.drop_dims(["y", "x"]).assign_coords(self._coordinates())
        for name, variable in fields.data_vars.items():
            if "x" in variable.dims:
                coefficients = series.forward(variable.values)[..., : self.cells, : self.cells]
                kept[name] = (variable.dims, series.backward(coefficients), variable.attrs)
        return kept

    def card(self) -> dict[str, Any]:
        """What a reader of the dataset must know."""
        words = {"zero": "u = 0", "closed": "no flow"}
        x, y = words[self.x_sides], words[self.y_sides]
        return {
            "equation": self.equation,
            "domain": "unit square, lengths in m",
            "boundary_conditions": f"{x} at x = 0 and x = 1, {y} at y = 0 and y = 1",
            self.field: f"values at the cell centres, in {self.units[0]}",
            "units": {name: info["units"] for name, info in self.variables().items()},
            "resolution": f"{self.cells} x {self.cells} cells",
            "grid": "uniform square cells; fields at cell centres",
            "solver": self.method,
        }

    def run(self, inputs: xr.Dataset) -> xr.Dataset:
        """Simulate every run; see `Simulator.run`."""
        import xarray as xr

        field, given = self._checked(inputs)
        runs, batches = len(field), []
        fault = self.fault(given)
        fault = np.where((fault == "") & ~np.isfinite(field).all(axis=(1, 2)), f"{self.field} is not finite", fault)
        for start in range(0, runs, BATCH):
            # Batches of one size: the last one is padded with copies of its last run.
            rows = np.minimum(start + np.arange(BATCH), runs - 1)
            with np.errstate(all="ignore"):  # what is at fault may overflow, and is reported below
                coefficients = self.modes().forward(field[rows])
                solved = self.solve(coefficients, {name: values[rows] for name, values in given.items()})
                batches.append(solved | {"spectral_tail": _tail(coefficients)})
        values = {name: np.concatenate([batch[name] for batch in batches])[:runs] for name in batches[0]}
        raw = xr.Dataset(coords=self._coordinates() | self.coordinates())
        return self.labelled(raw, values, fault)

    def coordinates(self) -> dict[str, Any]:
        """Coordinates beside y and x."""
        return {}

    def _checked(self, inputs: xr.Dataset) -> tuple[np.ndarray, Parameters]:
        self.require(inputs, self.input_names())
        field = inputs[self.field]
        if dict(field.sizes) != {"run": inputs.sizes["run"], "y": self.cells, "x": self.cells}:
            raise SimulationError(
                f"{self.field} has dimensions {dict(field.sizes)}, not run, y: {self.cells}, x: {self.cells}.",
                "give it the law gaussian_field with dimensions: 2.",
            )
        given = {name: np.asarray(inputs[name].values, dtype=np.float64)[:, None, None] for name in self.parameters}
        return np.asarray(field.transpose("run", "y", "x").values, dtype=np.float64), given

    def _centres(self) -> np.ndarray:
        return (np.arange(self.cells) + 0.5) / self.cells

    def _coordinates(self) -> dict[str, Any]:
        centres = self._centres()
        return {dim: (dim, centres, {"units": "m", "long_name": f"{dim} of the cell centre"}) for dim in ("y", "x")}


def _tail(coefficients: np.ndarray) -> np.ndarray:
    squares = coefficients**2
    total = squares.sum(axis=(1, 2))
    start = int(0.9 * squares.shape[-1])
    low = squares[:, :start, :start].sum(axis=(1, 2))
    return np.asarray(np.maximum(total - low, 0) / np.where(total > 0, total, 1.0))
