r"""Waves of several frequencies in a heterogeneous cavity: the Helmholtz equation with a variable index.

    -Laplace u - (1 + i d) k^2 n^2 u = f   on the unit square,   u = 0 at its sides,   k = k_1, k_2 ...
    f(x, y) = exp(-((x - x_0)^2 + (y - y_0)^2) / 2 s^2) / (2 pi s^2)

n^2 = exp(medium) is the squared index relative to that of the surroundings, k the wave number there (1/m), d the
damping (1), s the radius of the source. One run is the whole sweep: the same medium, a linear system for each wave
number. Five-point differences on cells (`surecast.simulate.linear.five_point`), order 2; f is averaged exactly over
each cell.

With damping no wave number is in resonance, and a residual r bounds the error e of a system,

    norm(e) <= norm(r) / (d k^2 min n^2),

since the imaginary part of -u^H A u is d k^2 times the sum of n^2 |u|^2. The constant medium of the same mean n^2,
which sines diagonalise, preconditions the solver `krylov_recycling`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from pydantic import Field, field_validator

from surecast.simulate.lattice import Lattice, Outcome
from surecast.simulate.linear.chosen import AnySolver
from surecast.simulate.linear.direct import Direct
from surecast.simulate.linear.five_point import laplacian, solve_shifted
from surecast.simulate.linear.similarity import solve_sorted
from surecast.simulate.linear.solver import LinearSolver, LinearSystem
from surecast.simulate.simulator import VariableInfo
from surecast.study.component import refused

if TYPE_CHECKING:
    import scipy.sparse


class HelmholtzMedium(Lattice):
    """Sweep over wave numbers; input ``medium`` (field of log n^2).

    A wave wants ten cells or more on its length 2 pi / (k n). Up to k n = 8 or so `krylov_recycling` takes half the
    time of the default, a sparse factorisation, from 64 cells on; near 20 it takes several times as long, and with wave
    numbers so far apart `carry: false` is faster.
    """

    field: ClassVar[str] = "medium"
    units: ClassVar[dict[str, str]] = {"medium": "1"}

    wave_numbers: list[float] = Field(
        default=[4.0, 6.0, 8.0], min_length=1, max_length=1000, description="Wave numbers of the sweep, 1/m."
    )
    damping: float = Field(default=0.02, gt=0, le=1, description="Share of k^2 that is absorbed.")
    source_centre: tuple[float, float] = Field(default=(0.3, 0.4), description="Centre x, y of the source, m.")
    source_radius: float = Field(default=0.04, gt=0, le=0.25, description="Standard deviation of the source, m.")
    linear_solver: AnySolver = Field(default=Direct(), description="Solver of the systems of a run.")

    @field_validator("wave_numbers")
    @classmethod
    def _positive(cls, wave_numbers: list[float]) -> list[float]:
        if not all(0 < number < np.inf for number in wave_numbers) or len(set(wave_numbers)) < len(wave_numbers):
            raise refused("", "wave numbers are positive, finite and each named once.", "write `[4.0, 6.0, 8.0]`.")
        return wave_numbers

    @field_validator("source_centre")
    @classmethod
    def _inside(cls, centre: tuple[float, float]) -> tuple[float, float]:
        if not all(0 < place < 1 for place in centre):
            raise refused("", "is not inside the unit square.", "write two numbers between 0 and 1.")
        return centre

    def solver(self) -> LinearSolver:
        """See `Lattice.solver`."""
        return self.linear_solver

    def variables(self) -> dict[str, VariableInfo]:
        """The amplitude, its root mean square, and what the solver says of itself."""
        sweep = ("wave_number", "y", "x")
        return {
            "real": {"dims": sweep, "units": "1", "long_name": "real part of the amplitude"},
            "imaginary": {"dims": sweep, "units": "1", "long_name": "imaginary part of the amplitude"},
            "response": {"dims": sweep[:1], "units": "1", "long_name": "root mean square of the amplitude"},
            "residual": {"dims": (), "units": "1", "long_name": "largest relative residual of the systems"},
            "products": {"dims": (), "units": "1", "long_name": "products with the systems' matrices"},
        }

    def work(self) -> float:
        """Points times systems."""
        return float(self.cells**2 * len(self.wave_numbers))

    def coordinates(self) -> dict[str, Any]:
        """With the wave numbers."""
        attributes = {"units": "1/m", "long_name": "wave number"}
        return super().coordinates() | {"wave_number": ("wave_number", np.array(self.wave_numbers), attributes)}

    def card(self) -> dict[str, Any]:
        """What a reader of the dataset must know."""
        x, y = self.source_centre
        return {
            "equation": "-Laplace u - (1 + i d) k^2 n^2 u = f, n^2 = exp(medium)",
            "domain": "unit square, lengths in m",
            "boundary_conditions": "u = 0 at the sides",
            "source": f"exp(-((x - {x:g})^2 + (y - {y:g})^2) / (2 s^2)) / (2 pi s^2), s = {self.source_radius:g} m",
            "damping": self.damping,
            "wave_numbers": list(self.wave_numbers),
            "medium": "log n^2 at the cell centres",
            "units": {name: info["units"] for name, info in self.variables().items()},
            "resolution": f"{self.cells} x {self.cells} cells",
            "grid": "uniform square cells; fields at cell centres",
            "solver": f"five-point differences; {self.linear_solver.words()}",
        }

    def simulate(self, field: np.ndarray, numbers: dict[str, float]) -> Outcome:
        """See `Lattice.simulate`."""
        with np.errstate(over="ignore"):
            squared_index = np.exp(field)
        shortest = max(self.wave_numbers) * float(np.sqrt(squared_index.max()))
        if not shortest <= np.pi * self.cells:
            return Outcome({}, f"k n = {shortest:g}: waves are shorter than two of the {self.cells} cells along a side")
        f = self._source().reshape(-1).astype(np.complex128)
        systems = [self._system(number, squared_index.reshape(-1), f) for number in self.wave_numbers]
        answers = solve_sorted(self.linear_solver.sequence(), systems)
        failures = [self.linear_solver.failure(answer) for answer in answers]
        u = np.stack([answer.u for answer in answers]).reshape(-1, self.cells, self.cells)
        return Outcome(
            {
                "real": u.real,
                "imaginary": u.imag,
                "response": np.sqrt((u.real**2 + u.imag**2).mean(axis=(1, 2))),
                "residual": np.array(max(answer.residual for answer in answers)),
                "products": np.array(float(sum(answer.products for answer in answers))),
            },
            next(
                (f"wave number {k:g}: {text}" for k, text in zip(self.wave_numbers, failures, strict=True) if text), ""
            ),
        )

    def _system(self, number: float, squared_index: np.ndarray, f: np.ndarray) -> LinearSystem:
        import scipy.sparse as sparse

        shift = -(1 + 1j * self.damping) * number**2
        matrix: scipy.sparse.csr_array = (laplacian(self.cells) + sparse.diags_array(shift * squared_index)).tocsr()
        mean = shift * squared_index.mean()
        return LinearSystem(matrix, f, (number,), lambda v: solve_shifted(self.cells, mean, v))

    def _source(self) -> np.ndarray:
        """Mean of f over each cell, (y, x)."""
        from scipy.special import ndtr

        edges = np.linspace(0.0, 1.0, self.cells + 1)
        along_x, along_y = (
            np.diff(ndtr((edges - place) / self.source_radius)) * self.cells for place in self.source_centre
        )
        return np.asarray(along_y[:, None] * along_x)
