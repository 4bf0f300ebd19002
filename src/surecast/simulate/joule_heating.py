"""Joule heating: a current heats a conductor, whose conductivity depends on the temperature.

    div(sigma grad V) = 0,   -div(k grad T) = sigma |grad V|^2,   sigma = sigma_0 / (1 + a T)   on the unit square
    V = voltage, T = 0 at x = 0;   V = 0, T = 0 at x = 1;   no current through y = 0 and y = 1
    there no heat passes either (sides: insulated), or T = 0 (sides: cooled)

V is the electric potential (V), T the temperature above that of the electrodes (K), sigma the electric conductivity
(S/m), sigma_0 that at T = 0 (given by its logarithm), k the thermal conductivity (W/(m K)), a the temperature
coefficient of the resistivity (1/K): positive for metals, negative for semiconductors, where heat lets more current
pass. There is no steady state then above a critical voltage, |a| sigma_0 voltage^2 = 4 k for a uniform bar insulated at
its sides: thermal runaway. (Howison, Rodrigues and Shillor, Stationary solutions to the thermistor problem, J. Math.
Anal. Appl. 174 (1993) 573-588.)

Cell-centred finite volumes with harmonic face transmissibilities (`surecast.simulate.finite_volumes`), of order 2. What
a current dissipates between two centres falls to either cell in proportion to its share of the resistance, so that all
heat is the electric power, up to the linear solver's residual. T is the fixed point of T -> the temperature to which
the current at T heats (`surecast.simulate.fixed_point`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from surecast.simulate.finite_volumes import Flow, solve_flow
from surecast.simulate.fixed_point import FixedPoint, fixed_points
from surecast.simulate.parametrised import Number, Parametrised
from surecast.simulate.poisson import PoissonPreconditioner
from surecast.simulate.simulator import VariableInfo
from surecast.simulate.square_cells import FIELD_DIMS, SquareCells

if TYPE_CHECKING:
    import xarray as xr

BATCH = 4  # runs solved at once: their arrays stay in the cache
LARGEST_IMBALANCE = 1e-8  # relative; a run whose heat is not its power to this is a failed one


class JouleHeating(SquareCells, Parametrised):
    """Joule heating; input ``conductivity`` (field of log sigma_0), and which of the parameters are null.

    Fails (as a recorded run) where 1 + a T reaches 0 on the way to the fixed point (thermal runaway), where the
    temperature does not settle, or where the heat out differs from the electric power by more than 1e-8.
    """

    diagnostics: ClassVar[tuple[str, ...]] = ("energy_balance", "iterations")
    field: ClassVar[str] = "conductivity"
    parameters: ClassVar[dict[str, str]] = {
        "voltage": "V",
        "thermal_conductivity": "W/m/K",
        "temperature_coefficient": "1/K",
    }
    positive: ClassVar[tuple[str, ...]] = ("thermal_conductivity",)

    voltage: Number | None = Field(default=None, description="Potential at x = 0, V; null for an input.")
    thermal_conductivity: Number | None = Field(default=1.0, description="k, W/m/K; null for an input.")
    temperature_coefficient: Number | None = Field(
        default=0.004, description="Temperature coefficient a of the resistivity, 1/K; null for an input."
    )
    sides: Literal["insulated", "cooled"] = Field(
        default="insulated", description="At y = 0 and y = 1: no heat passes (insulated), or T = 0 (cooled)."
    )
    tolerance: float = Field(
        default=1e-9, ge=1e-11, le=1e-2, description="Relative change of T at which it has settled."
    )
    max_iterations: int = Field(default=100, ge=1, le=10_000, description="Iterations before a run has failed.")

    def variables(self) -> dict[str, VariableInfo]:
        """Potential, temperature, current density and heat, totals, and what the solver says of itself."""

        def info(dims: tuple[str, ...], units: str, long_name: str) -> VariableInfo:
            return {"dims": dims, "units": units, "long_name": long_name}

        return {
            "potential": info(FIELD_DIMS, "V", "electric potential"),
            "temperature": info(FIELD_DIMS, "K", "temperature above that of the electrodes"),
            "current_x": info(FIELD_DIMS, "A/m2", "current density in x, mean of the cell's two faces"),
            "current_y": info(FIELD_DIMS, "A/m2", "current density in y, mean of the cell's two faces"),
            "heat": info(FIELD_DIMS, "W/m3", "heat dissipated per volume"),
            "current": info((), "A/m", "current from x = 0 to x = 1 per metre of depth"),
            "power": info((), "W/m", "electric power per metre of depth"),
            "hottest": info((), "K", "largest temperature above that of the electrodes"),
            "energy_balance": info((), "1", "relative difference of electric power and heat out through the sides"),
            "iterations": info((), "1", "evaluations of the temperature"),
        }

    def card(self) -> dict[str, Any]:
        """What a reader of the dataset must know."""
        y = {"insulated": "no heat through", "cooled": "T = 0 at"}[self.sides]
        return {
            "equation": "div(sigma grad V) = 0, -div(k grad T) = sigma |grad V|^2, sigma = sigma_0 / (1 + a T)",
            "parameters": self.stated(),
            "domain": "unit square, lengths in m, per metre of depth",
            "boundary_conditions": "V = voltage at x = 0, V = 0 at x = 1, no current through y = 0 and y = 1; "
            f"T = 0 at x = 0 and x = 1, {y} y = 0 and y = 1",
            "conductivity": "log sigma_0, sigma_0 in S/m",
            "units": {name: info["units"] for name, info in self.variables().items()},
            "resolution": f"{self.cells} x {self.cells} cells",
            "grid": "uniform square cells; all fields at cell centres, current densities the mean of the two faces",
            "solver": "finite volumes, harmonic face transmissibilities, conjugate gradients with a fast Poisson "
            f"solver; Anderson acceleration to a relative change of T of {self.tolerance:g}",
        }

    def run(self, inputs: xr.Dataset) -> xr.Dataset:
        """Simulate every run; see `Simulator.run`."""
        import xarray as xr

        given = self.given(inputs)
        failure = self.faults(given)
        field = given.pop(self.field)
        runs = len(field)
        sound = (failure == "")[:, None]
        # What is at fault is simulated without a voltage, and reported above.
        voltage = np.where(sound[:, 0], given["voltage"][:, 0], 0.0)
        thermal = np.where(sound[:, 0], given["thermal_conductivity"][:, 0], 1.0)
        coefficient = np.where(sound[:, 0], given["temperature_coefficient"][:, 0], 0.0)
        log_sigma = np.where(sound[:, :, None], field, 0.0)
        batches = []
        for start in range(0, runs, BATCH):
            # Batches of one size: the last one is padded with copies of its last run.
            rows = np.minimum(start + np.arange(BATCH), runs - 1)
            left = np.repeat(voltage[rows, None], self.cells, axis=1)
            bar = Conductor(log_sigma[rows], thermal[rows], coefficient[rows], left, np.zeros_like(left), self.sides)
            batches.append(self._solve(bar))
        values = {name: np.concatenate([batch[name] for batch in batches])[:runs] for name in batches[0]}
        failure = np.where(failure == "", values.pop("failure"), failure)
        return self.labelled(xr.Dataset(coords=self.coordinates()), values, failure)

    def _solve(self, bar: Conductor) -> dict[str, np.ndarray]:
        """Outputs of a batch by name, and why its runs failed."""
        settled = bar.settle(tolerance=self.tolerance, max_iterations=self.max_iterations)
        flow, heat, temperature = bar.heated(settled.u)
        power = (flow.face_x[:, :, 0] * bar.left - flow.face_x[:, :, -1] * bar.right).sum(axis=1)
        lost = bar.heat_out(temperature)
        size = np.abs(power) + np.abs(lost)
        balance = np.abs(power - lost) / np.where(size > 0, size, 1.0)
        hottest = temperature.max(axis=(1, 2))
        return {
            "potential": flow.pressure,
            "temperature": temperature,
            "current_x": 0.5 * self.cells * (flow.face_x[:, :, 1:] + flow.face_x[:, :, :-1]),
            "current_y": 0.5 * self.cells * (flow.face_y[:, 1:] + flow.face_y[:, :-1]),
            "heat": heat,
            "current": flow.face_x[:, :, 0].sum(axis=1),
            "power": power,
            "hottest": hottest,
            "energy_balance": balance,
            "iterations": settled.iterations,
            "failure": self._failures(settled, flow, hottest, balance),
        }

    def _failures(self, settled: FixedPoint, flow: Flow, hottest: np.ndarray, balance: np.ndarray) -> np.ndarray:
        found = np.full(len(balance), "", dtype=object)
        for run, count in enumerate(settled.iterations):
            if not flow.converged[run]:
                found[run] = (
                    f"the linear solver stopped at relative residual {flow.residual[run]:.1e} "
                    f"after {flow.iterations[run]} iterations"
                )
            elif settled.lost[run]:
                found[run] = (
                    f"thermal runaway: after {count} iterations the temperature rises to {hottest[run]:.3g} K, "
                    "where 1 + temperature_coefficient T is not positive"
                )
            elif not settled.converged[run]:
                found[run] = (
                    f"the temperature still changes by {settled.change[run]:.1e}, relative, after {count} iterations: "
                    "there is no steady state, or simulator.max_iterations is too small"
                )
            elif not balance[run] <= LARGEST_IMBALANCE:
                found[run] = f"heat out and electric power differ by {balance[run]:.1e}, above {LARGEST_IMBALANCE:g}"
        return found


@dataclass(frozen=True)
class Conductor:
    """The coupled problem of a batch of runs.

    Parameters
    ----------
    log_sigma : ndarray, shape (batch, n, n)
        log sigma_0 at cell centres.
    thermal, coefficient : ndarray, shape (batch,)
        k and a.
    left, right : ndarray, shape (batch, n)
        Potential at x = 0 and x = 1, at the height of each row of cells.
    sides : str
        What holds for T at y = 0 and y = 1, as in `JouleHeating`.
    charge, heating : ndarray, shape (batch, n, n), or float
        Mean sources of current (A/m3) and of heat (W/m3) over each cell, beside the dissipated one.
    """

    log_sigma: np.ndarray
    thermal: np.ndarray
    coefficient: np.ndarray
    left: np.ndarray
    right: np.ndarray
    sides: str = "insulated"
    charge: np.ndarray | float = 0.0
    heating: np.ndarray | float = 0.0

    def settle(self, *, tolerance: float = 1e-9, max_iterations: int = 100) -> FixedPoint:
        """The fixed points of `heated` from T = 0."""
        return fixed_points(
            lambda temperature: self.heated(temperature)[2],
            np.zeros_like(self.log_sigma),
            lambda temperature: np.all(self._resistivity(temperature) > 0, axis=(1, 2)),
            tolerance=tolerance,
            max_iterations=max_iterations,
        )

    def heated(self, temperature: np.ndarray) -> tuple[Flow, np.ndarray, np.ndarray]:
        """The current at a temperature (batch, n, n), the heat per volume, and the temperature to which that leads."""
        with np.errstate(all="ignore"):  # broken runs become NaN and are reported as failed
            log_sigma = self.log_sigma - np.log(self._resistivity(temperature))
            charge = np.broadcast_to(self.charge, log_sigma.shape)
            flow = solve_flow(log_sigma, self.left, self.right, charge, PoissonPreconditioner(self.cells))
            squares = flow.face_x[:, :, 1:] ** 2 + flow.face_x[:, :, :-1] ** 2
            squares += flow.face_y[:, 1:] ** 2 + flow.face_y[:, :-1] ** 2
            # Half of a face's resistance, 1 / (2 sigma), lies in either cell; a cell has the volume 1 / n^2.
            heat = squares * np.exp(-log_sigma) * (0.5 * self.cells**2)
            found = np.empty_like(heat)
            poisson = PoissonPreconditioner(self.cells, np.float64, closed=self.sides == "insulated")
            poisson.apply((heat + self.heating) / self.cells**2, found)
            found /= self.thermal[:, None, None]
        return flow, heat, found

    def heat_out(self, temperature: np.ndarray) -> np.ndarray:
        """Heat that leaves through the sides where T = 0, W per metre of depth, (batch,)."""
        ends = [temperature[:, :, 0], temperature[:, :, -1]]
        ends += [temperature[:, 0], temperature[:, -1]] if self.sides == "cooled" else []
        return 2 * self.thermal * np.sum([end.sum(axis=1) for end in ends], axis=0)

    @property
    def cells(self) -> int:
        """Cells along each side."""
        return self.log_sigma.shape[-1]

    def _resistivity(self, temperature: np.ndarray) -> np.ndarray:
        """Relative to that at T = 0."""
        return 1 + self.coefficient[:, None, None] * temperature
