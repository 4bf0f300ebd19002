"""Problems on the unit square that cell-centred finite volumes solve: the grid and the hierarchy that they share.

n x n square cells; fields are given, and come back, at their centres. A value on a coarser grid stands for the mean
over its cell.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from pydantic import Field

from surecast.simulate.simulator import Simulator
from surecast.study.errors import SimulationError

if TYPE_CHECKING:
    import xarray as xr

FIELD_DIMS = ("y", "x")


class SquareCells(Simulator):
    """Base of the problems; a subclass names its field."""

    field: ClassVar[str]
    """The input that is a field."""

    cells: int = Field(default=64, ge=4, le=1024, description="Cells along each side of the unit square.")

    def grids(self) -> dict[str, dict[str, np.ndarray]]:
        """The field is wanted at the cell centres."""
        return {self.field: {dim: self.centres() for dim in FIELD_DIMS}}

    def field_names(self) -> tuple[str, ...]:
        """The field."""
        return (self.field,)

    def resolution(self) -> dict[str, Any]:
        """Number of cells."""
        return {"cells": self.cells}

    def refined(self) -> Self:
        """Twice the cells along each side."""
        return self.model_copy(update={"cells": 2 * self.cells})

    def coarser(self) -> list[Simulator]:
        """A half, a quarter ... of the cells, down to 4."""
        cells = [self.cells // 2**level for level in range(1, 9) if self.cells % 2**level == 0]
        return [self.model_copy(update={"cells": count}) for count in cells if count >= 4]

    def restrict(self, fields: xr.Dataset) -> xr.Dataset:
        """Means over the blocks of fine cells that make up each of these cells."""
        ratio = fields.sizes["x"] // self.cells
        return fields.coarsen(x=ratio, y=ratio).mean(keep_attrs=True).assign_coords(self.coordinates())

    def field_values(self, inputs: xr.Dataset) -> np.ndarray:
        """The field of every run, float64 (run, y, x).

        Raises
        ------
        SimulationError
            If it has other dimensions.
        """
        field = inputs[self.field]
        if dict(field.sizes) != {"run": inputs.sizes["run"], "y": self.cells, "x": self.cells}:
            raise SimulationError(
                f"{self.field} has dimensions {dict(field.sizes)}, not run, y: {self.cells}, x: {self.cells}.",
                "give it the law gaussian_field with dimensions: 2.",
            )
        return np.asarray(field.transpose("run", "y", "x").values, dtype=np.float64)

    def centres(self) -> np.ndarray:
        """Coordinates of the cell centres along either side."""
        return (np.arange(self.cells) + 0.5) / self.cells

    def coordinates(self) -> dict[str, Any]:
        """The same as coordinates of a Dataset."""
        attributes = {dim: {"units": "m", "long_name": f"{dim} of the cell centre"} for dim in FIELD_DIMS}
        return {dim: (dim, self.centres(), attributes[dim]) for dim in FIELD_DIMS}
