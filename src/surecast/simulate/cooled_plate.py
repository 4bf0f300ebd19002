r"""Heat in a plate that is cooled at its sides and along boxes in it, by implicit steps that grow.

    u_t = D Laplace u + source   on the unit square without the boxes,   0 <= t <= time
    u = 0 at the sides, in the boxes and at t = 0

u is the temperature above that of the cooling (K), D the diffusivity (m2/s). Five-point differences on cells
(`surecast.simulate.linear.five_point`), in which u = 0 at the faces of cooled cells; in time Alexander's two-stage
method (SIAM J. Numer. Anal. 14 (1977) 1006: order 2, L-stable), two systems a step,

    (L + c) U = c (known) + source / D,   c = 1 / (g dt D),   g = 1 - 2^-1/2,

at t_s = time (e^(stretch s/steps) - 1) / (e^stretch - 1): short steps while u grows, long ones as it comes to rest. Of
order 2 where the boxes' edges are multiples of 1/cells; their corners, around which u is like r^(2/3), lower it towards
4/3. The shift c, and with it what suits a linear solver, changes from step to step.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from pydantic import Field, field_validator

from surecast.simulate.lattice import Lattice, Outcome
from surecast.simulate.linear.chosen import DefiniteSolver
from surecast.simulate.linear.direct import Direct
from surecast.simulate.linear.five_point import centres, laplacian, solve_shifted, with_zeros
from surecast.simulate.linear.solver import Answer, LinearSolver, LinearSystem, Sequence
from surecast.simulate.simulator import VariableInfo
from surecast.study.component import refused

if TYPE_CHECKING:
    import scipy.sparse

GAMMA = 1.0 - 0.5**0.5


class CooledPlate(Lattice):
    """Heat equation with cooled boxes; inputs ``source`` (field) and ``diffusivity``."""

    field: ClassVar[str] = "source"
    units: ClassVar[dict[str, str]] = {"source": "K/s", "diffusivity": "m2/s"}

    time: float = Field(default=1.0, gt=0, allow_inf_nan=False, description="Final time, s.")
    steps: int = Field(default=32, ge=1, le=10**6, description="Time steps, of two linear systems each.")
    stretch: float = Field(
        default=4.0, ge=0, le=20, description="Logarithm of the last step over the first; 0: steps of one length."
    )
    cooled: list[tuple[float, float, float, float]] = Field(
        default=[], max_length=1000, description="Boxes in which u = 0: [x low, x high, y low, y high] each, m."
    )
    linear_solver: DefiniteSolver = Field(default=Direct(), description="Solver of the systems of a run.")

    @field_validator("cooled")
    @classmethod
    def _boxes(cls, cooled: list[tuple[float, float, float, float]]) -> list[tuple[float, float, float, float]]:
        if not all(0 <= west < east <= 1 and 0 <= south < north <= 1 for west, east, south, north in cooled):
            raise refused("", "a box is empty or not in the unit square.", "write [x low, x high, y low, y high].")
        return cooled

    def solver(self) -> LinearSolver:
        """See `Lattice.solver`."""
        return self.linear_solver

    def variables(self) -> dict[str, VariableInfo]:
        """The final temperature, its mean, and what the solver says of itself."""
        return {
            "solution": {"dims": ("y", "x"), "units": "K", "long_name": "temperature above that of the cooling"},
            "mean": {"dims": (), "units": "K", "long_name": "mean temperature above that of the cooling"},
            "residual": {"dims": (), "units": "1", "long_name": "largest relative residual of the systems"},
            "products": {"dims": (), "units": "1", "long_name": "products with the systems' matrices"},
        }

    def resolution(self) -> dict[str, Any]:
        """Cells and steps."""
        return {"cells": self.cells, "steps": self.steps}

    def refined(self) -> Self:
        """Twice the cells along each side, twice the steps."""
        return self.model_copy(update={"cells": 2 * self.cells, "steps": 2 * self.steps})

    def coarser(self) -> list[Any]:
        """A half, a quarter ... of the cells and of the steps, down to 4 cells."""
        return [one.model_copy(update={"steps": self._steps_of(one.resolution())}) for one in super().coarser()]

    def _steps_of(self, coarse: dict[str, Any]) -> int:
        return int(max(1, self.steps * coarse["cells"] // self.cells))

    def times(self) -> np.ndarray:
        """Ends of the steps, (steps + 1,), s."""
        share = np.arange(self.steps + 1) / self.steps
        return self.time * (np.expm1(self.stretch * share) / np.expm1(self.stretch) if self.stretch > 0 else share)

    def card(self) -> dict[str, Any]:
        """What a reader of the dataset must know."""
        boxes = ", ".join(
            f"{west:g} < x < {east:g}, {south:g} < y < {north:g}" for west, east, south, north in self.cooled
        )
        return {
            "equation": "u_t = D Laplace u + source, u = 0 at t = 0",
            "domain": "unit square, lengths in m, times in s",
            "boundary_conditions": "u = 0 at the sides" + (f" and in {boxes}" if boxes else ""),
            "time": self.time,
            "source": "values at the cell centres, in K/s",
            "units": {name: info["units"] for name, info in self.variables().items()},
            "resolution": f"{self.cells} x {self.cells} cells, {self.steps} steps, the last e^{self.stretch:g} times "
            "as long as the first",
            "grid": "uniform square cells; fields at cell centres",
            "solver": f"five-point differences, Alexander's two-stage method; {self.linear_solver.words()}",
        }

    def simulate(self, field: np.ndarray, numbers: dict[str, float]) -> Outcome:
        """See `Lattice.simulate`."""
        diffusivity = numbers["diffusivity"]
        if not diffusivity > 0:
            return Outcome({}, f"diffusivity = {diffusivity:g} is not positive")
        with np.errstate(all="ignore"):  # what overflows shows in the residual
            return self.stepped(field, diffusivity, self.linear_solver.sequence())

    def stepped(self, field: np.ndarray, diffusivity: float, sequence: Sequence) -> Outcome:
        """One run with what solves its systems: source (y, x) in K/s, diffusivity in m2/s."""
        import scipy.sparse as sparse

        cooled = self._cooled()
        matrix = with_zeros(laplacian(self.cells), cooled.reshape(-1))
        source = np.where(cooled, 0.0, field).reshape(-1) / diffusivity
        one = sparse.eye_array(len(source), format="csr")
        u = np.zeros(len(source))
        residual, products, failure = 0.0, 0, ""

        def solve(known: np.ndarray, shift: float, shifted: scipy.sparse.csr_array) -> Answer:
            def near(v: np.ndarray) -> np.ndarray:
                return solve_shifted(self.cells, shift, v)

            return sequence.solve(LinearSystem(shifted, shift * known + source, (shift,), near, u))

        for number, step in enumerate(np.diff(self.times())):
            shift = float(1.0 / (GAMMA * step * diffusivity))
            shifted = (matrix + shift * one).tocsr()
            first = solve(u, shift, shifted)
            second = solve(u + (1.0 - GAMMA) / GAMMA * (first.u - u), shift, shifted)
            residual = max(residual, first.residual, second.residual)
            products += first.products + second.products
            failure = self.linear_solver.failure(first) or self.linear_solver.failure(second)
            if failure:
                failure = f"step {number + 1}: {failure}"
                break
            u = second.u
        solution = u.reshape(self.cells, self.cells)
        values = {"solution": solution, "mean": solution.mean()}
        return Outcome(values | {"residual": np.array(residual), "products": np.array(float(products))}, failure)

    def _cooled(self) -> np.ndarray:
        """Whether the centre of a cell lies in a box, (y, x)."""
        x = centres(self.cells)
        inside = np.zeros((self.cells, self.cells), dtype=bool)
        for west, east, south, north in self.cooled:
            inside |= ((south < x) & (x < north))[:, None] & ((west < x) & (x < east))
        return inside
