"""Darcy flow through a random medium of two phases, or a smooth one: the benchmark of neural operators.

    -div(k grad p) = supply   on the unit square,   p = 0 on its sides
    k = above where g > 0, below elsewhere   (two_phase),   or   k = exp(g)   (log_normal)

g is a Gaussian field, p the hydraulic head (m), k the hydraulic conductivity (m/day), q = -k grad p the flux
(m/day). The defaults above = 12, below = 3, supply = 1 are those of Li et al., Fourier neural operator for parametric
partial differential equations (ICLR 2021), whose g has the covariance (-Laplace + 9)^-2. Cell-centred finite volumes
with harmonic face transmissibilities, which are exact across layers; conjugate gradients with a fast Poisson solver,
plain for jumps, scaled by k^-1/2 for smooth fields (`surecast.simulate.finite_volumes`). Order 2 where k is smooth;
between 1 and 3/2 with curved interfaces, whose cells are of the one phase or the other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from surecast.simulate.finite_volumes import Flow, solve_flow
from surecast.simulate.parametrised import Number, Parameters, Parametrised
from surecast.simulate.poisson import PoissonPreconditioner
from surecast.simulate.simulator import VariableInfo
from surecast.simulate.square_cells import FIELD_DIMS, SquareCells
from surecast.study.component import refused

if TYPE_CHECKING:
    import xarray as xr

BATCH = 4  # runs solved at once: their arrays stay in the cache
LARGEST_IMBALANCE = 1e-8  # relative; a run whose water does not add up to this is a failed one
SIDES = ("left", "right", "bottom", "top")


class Darcy(SquareCells, Parametrised):
    """Darcy flow; input ``permeability`` (the field g), and which of ``above``, ``below`` and ``supply`` are null.

    Fails (as a recorded run) where a phase is not positive, where the conjugate gradients do not reach the tolerance
    (their iterations grow like the root of above / below), or where the mass balance is off by more than 1e-8.
    """

    diagnostics: ClassVar[tuple[str, ...]] = ("mass_balance", "iterations")
    field: ClassVar[str] = "permeability"
    parameters: ClassVar[dict[str, str]] = {"above": "m/day", "below": "m/day", "supply": "1/day"}
    positive: ClassVar[tuple[str, ...]] = ("above", "below")

    medium: Literal["two_phase", "log_normal"] = Field(
        default="two_phase", description="two_phase: k by the sign of the field; log_normal: the field is log k."
    )
    above: Number | None = Field(default=12.0, description="k where the field is positive, m/day; null for an input.")
    below: Number | None = Field(default=3.0, description="k elsewhere, m/day; null for an input.")
    supply: Number | None = Field(default=1.0, description="Water supplied per volume, 1/day; null for an input.")
    tolerance: float = Field(default=1e-8, gt=1e-14, le=1e-2, description="Relative residual of the linear solver.")
    max_iterations: int = Field(default=500, ge=1, le=100_000, description="Iterations before a run has failed.")

    @model_validator(mode="after")
    def _phases_are_used(self) -> Self:
        if self.medium == "log_normal":
            for name in ("above", "below"):
                if getattr(self, name) is None:
                    raise refused(name, "is of no use where medium is log_normal.", "leave it out, or use two_phase.")
        return self

    def variables(self) -> dict[str, VariableInfo]:
        """Pressure and collocated fluxes, the flow over each side, and what the solver says of itself."""

        def info(dims: tuple[str, ...], units: str, long_name: str) -> VariableInfo:
            return {"dims": dims, "units": units, "long_name": long_name}

        return {
            "pressure": info(FIELD_DIMS, "m", "hydraulic head above that of the sides"),
            "flux_x": info(FIELD_DIMS, "m/day", "flux in x, mean of the cell's two faces"),
            "flux_y": info(FIELD_DIMS, "m/day", "flux in y, mean of the cell's two faces"),
            "mean": info((), "m", "mean hydraulic head"),
            **{f"outflow_{side}": info((), "m2/day", f"flow out through the {side} side") for side in SIDES},
            "mass_balance": info((), "1", "relative error of the mass balance"),
            "iterations": info((), "1", "iterations of the linear solver"),
        }

    def card(self) -> dict[str, Any]:
        """What a reader of the dataset must know."""
        two = self.medium == "two_phase"
        stated = self.stated()
        return {
            "equation": "-div(k grad p) = supply, q = -k grad p",
            "parameters": {name: text for name, text in stated.items() if two or name == "supply"},
            "domain": "unit square, lengths in m, per metre of depth",
            "boundary_conditions": "p = 0 at x = 0, x = 1, y = 0 and y = 1",
            "permeability": "k = above where it is positive, below elsewhere" if two else "log k, k in m/day",
            "units": {name: info["units"] for name, info in self.variables().items()},
            "resolution": f"{self.cells} x {self.cells} cells",
            "grid": "uniform square cells; pressure and fluxes at cell centres, fluxes the mean of the two faces",
            "solver": f"finite volumes, harmonic face transmissibilities, conjugate gradients to {self.tolerance:g} "
            "preconditioned by a fast Poisson solver" + ("" if two else " scaled by k^-1/2 on both sides"),
        }

    def run(self, inputs: xr.Dataset) -> xr.Dataset:
        """Simulate every run; see `Simulator.run`."""
        import xarray as xr

        given = self.given(inputs)
        failure = self.faults(given)
        field = given.pop(self.field)
        runs = len(field)
        preconditioner = PoissonPreconditioner(self.cells, closed=False)
        flows = []
        for start in range(0, runs, BATCH):
            # Batches of one size: the last one is padded with copies of its last run.
            rows = np.minimum(start + np.arange(BATCH), runs - 1)
            part = {name: values[rows] for name, values in given.items()}
            flows.append(self._solve(field[rows], part, preconditioner))

        def joined(of: str) -> np.ndarray:
            return np.concatenate([getattr(flow, of) for flow in flows])[:runs]

        pressure, face_x, face_y = joined("pressure"), joined("face_x"), joined("face_y")
        # Flow through a face over its length h is the flux; the mean of the two faces is collocated.
        values = {
            "pressure": pressure,
            "flux_x": 0.5 * self.cells * (face_x[:, :, 1:] + face_x[:, :, :-1]),
            "flux_y": 0.5 * self.cells * (face_y[:, 1:] + face_y[:, :-1]),
            "mean": pressure.mean(axis=(1, 2)),
            "outflow_left": -face_x[:, :, 0].sum(axis=1),
            "outflow_right": face_x[:, :, -1].sum(axis=1),
            "outflow_bottom": -face_y[:, 0].sum(axis=1),
            "outflow_top": face_y[:, -1].sum(axis=1),
            "mass_balance": joined("mass_balance"),
            "iterations": joined("iterations"),
        }
        stops = zip(*map(joined, ("converged", "residual", "iterations", "mass_balance")), strict=True)
        solver = np.array([self._failure(*stop) for stop in stops], dtype=object)
        return self.labelled(xr.Dataset(coords=self.coordinates()), values, np.where(failure == "", solver, failure))

    def _solve(self, field: np.ndarray, given: Parameters, preconditioner: PoissonPreconditioner) -> Flow:
        numbers = {name: values[:, :, None] for name, values in given.items()}
        with np.errstate(all="ignore"):  # phases that are not positive are reported by `run`
            if self.medium == "two_phase":
                log_k = np.where(field > 0, np.log(numbers["above"]), np.log(numbers["below"]))
            else:
                log_k = field
        sides = np.zeros((len(field), self.cells))
        return solve_flow(
            log_k,
            sides,
            sides,
            np.broadcast_to(numbers["supply"], field.shape),
            preconditioner,
            bottom=sides,
            top=sides,
            scaled=self.medium == "log_normal",
            tolerance=self.tolerance,
            max_iterations=self.max_iterations,
        )

    def _failure(self, converged: bool, residual: float, iterations: int, mass_balance: float) -> str:
        if not converged:
            return f"the linear solver stopped at relative residual {residual:.1e} after {iterations} iterations"
        if not mass_balance <= LARGEST_IMBALANCE:
            return (
                f"the mass balance is off by {mass_balance:.1e}, above {LARGEST_IMBALANCE:g}: "
                f"set simulator.tolerance below {self.tolerance:g}"
            )
        return ""
