"""What simulators by five-point differences on the unit square share: grid, inputs, and one run after the other.

A run is a sequence of sparse linear systems (`surecast.simulate.linear.five_point`) that the solver named by
``linear_solver`` works off; whatever a solver learns on the way, it learns within one run.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import numpy as np

from surecast.simulate.linear.conjugate_directions import ConjugateDirections
from surecast.simulate.linear.solver import LinearSolver
from surecast.simulate.square_cells import SquareCells

if TYPE_CHECKING:
    import xarray as xr


class Outcome(NamedTuple):
    """Raw outputs of one run by name, and why it failed (empty if it did not)."""

    values: dict[str, np.ndarray]
    failure: str


class Lattice(SquareCells):
    """Base of the simulators: one field and numbers in; a subclass states the class variables and one run.

    Diagnostics are the largest true residual of a run's systems and the products with matrices that they took.
    """

    diagnostics: ClassVar[tuple[str, ...]] = ("residual", "products")
    units: ClassVar[dict[str, str]]
    """Of every input, the field first."""

    @abstractmethod
    def simulate(self, field: np.ndarray, numbers: dict[str, float]) -> Outcome:
        """One run, from the field (y, x) and the scalar inputs by name."""

    @abstractmethod
    def solver(self) -> LinearSolver:
        """Settings of the linear solver."""

    def input_names(self) -> tuple[str, ...]:
        """The field, then the numbers."""
        return tuple(self.units)

    def input_units(self) -> dict[str, str]:
        """Of every input."""
        return dict(self.units)

    def settings(self) -> dict[str, Any]:
        """The settings; of a network that a solver rests on its digest, wherever it lies."""
        settings = super().settings()
        solver = self.solver()
        if isinstance(solver, ConjugateDirections):
            settings["linear_solver"]["network"] = solver.file_digest()
        return settings

    def code_targets(self) -> list[str]:
        """The simulator's own, and what the solver finds by its name."""
        return [*super().code_targets(), *self.solver().code_targets()]

    def run(self, inputs: xr.Dataset) -> xr.Dataset:
        """Simulate every run; see `Simulator.run`."""
        import xarray as xr

        self.require(inputs, self.input_names())
        field = self.field_values(inputs)
        numbers = {name: np.asarray(inputs[name].values, dtype=np.float64) for name in self.units if name != self.field}
        outcomes = []
        for row, values in enumerate(field):
            given = {name: float(column[row]) for name, column in numbers.items()}
            broken = [name for name, number in given.items() if not np.isfinite(number)]
            if not np.isfinite(values).all():
                broken.append(self.field)
            outcomes.append(Outcome({}, f"{broken[0]} is not finite") if broken else self.simulate(values, given))
        raw = xr.Dataset(coords=self.coordinates())
        sizes = dict(raw.sizes)
        joined = {}
        for name, info in self.variables().items():
            nothing = np.full([sizes[dim] for dim in info["dims"]], np.nan)
            joined[name] = np.stack([outcome.values.get(name, nothing) for outcome in outcomes])
        return self.labelled(raw, joined, np.array([outcome.failure for outcome in outcomes], dtype=object))
