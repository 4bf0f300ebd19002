"""Steady flow through a random aquifer.

    -div(k grad p) = f   on the unit square
    p(0, y) = head,   p(1, y) = 0,   no flow through y = 0 and y = 1
    f(x, y) = well exp(-((x - 1/2)^2 + (y - 1/2)^2) / 2 s^2) / (2 pi s^2)

p is the hydraulic head (m above that of the right side), k the hydraulic conductivity (m/day, given by
its logarithm), q = -k grad p the flux (m/day), well the rate at which water is injected per metre of
depth (m2/day), s the radius of the well's patch. Cell-centred finite volumes with harmonic face
transmissibilities (`surecast.simulate.finite_volumes`), solved by conjugate gradients with a fast
Poisson solver; order 2 in pressure, fluxes and outflow. f is averaged exactly over each cell, so the
water injected is the same on every grid.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from pydantic import Field

from surecast.simulate.finite_volumes import Flow, solve_flow
from surecast.simulate.poisson import PoissonPreconditioner
from surecast.simulate.simulator import VariableInfo
from surecast.simulate.square_cells import FIELD_DIMS, SquareCells

if TYPE_CHECKING:
    import xarray as xr

BATCH = 4  # runs solved at once: their arrays stay in the cache; 16 take half as long again on 128 x 128 cells
LARGEST_IMBALANCE = 1e-8  # relative; a run whose water does not add up to this is a failed one
SIDES = ("left", "right")  # no water passes the others


class Groundwater(SquareCells):
    """Steady groundwater flow; inputs ``permeability`` (field of log k), ``head`` and ``well``.

    Fails (as a recorded run) where the conjugate gradients do not reach the tolerance (log k with a standard
    deviation above about 4, or not finite), or where the mass balance is off by more than 1e-8, relative to the
    water that passes. Works well with smooth fields of variance 0 to 4; above that, lower the tolerance.
    """

    diagnostics: ClassVar[tuple[str, ...]] = ("mass_balance", "iterations")
    field: ClassVar[str] = "permeability"

    well_radius: float = Field(default=0.04, gt=0, le=0.25, description="Standard deviation of the well's patch, m.")
    tolerance: float = Field(default=5e-12, gt=1e-14, le=1e-2, description="Relative residual of the linear solver.")
    max_iterations: int = Field(default=500, ge=1, le=100_000, description="Iterations before a run has failed.")

    def input_names(self) -> tuple[str, ...]:
        """``permeability``, ``head``, ``well``."""
        return ("permeability", "head", "well")

    def input_units(self) -> dict[str, str]:
        """Head in m, well in m2/day; the logarithm of the conductivity has none."""
        return {"permeability": "1", "head": "m", "well": "m2/day"}

    def variables(self) -> dict[str, VariableInfo]:
        """Pressure and collocated fluxes, the flow over each side, and what the solver says of itself."""

        def info(dims: tuple[str, ...], units: str, long_name: str) -> VariableInfo:
            return {"dims": dims, "units": units, "long_name": long_name}

        return {
            "pressure": info(FIELD_DIMS, "m", "hydraulic head above the right side"),
            "flux_x": info(FIELD_DIMS, "m/day", "flux in x, mean of the cell's two faces"),
            "flux_y": info(FIELD_DIMS, "m/day", "flux in y, mean of the cell's two faces"),
            "boundary_flux": info(("side",), "m2/day", "flow out through a side, sum over its faces"),
            "mass_balance": info((), "1", "relative error of the mass balance"),
            "iterations": info((), "1", "iterations of the linear solver"),
        }

    def card(self) -> dict[str, Any]:
        """What a reader of the dataset must know."""
        return {
            "equation": "-div(k grad p) = f, q = -k grad p",
            "domain": "unit square, lengths in m, per metre of depth",
            "boundary_conditions": "p = head at x = 0, p = 0 at x = 1, no flow through y = 0 and y = 1",
            "source": f"well / (2 pi s^2) exp(-((x - 1/2)^2 + (y - 1/2)^2) / (2 s^2)), s = {self.well_radius} m",
            "permeability": "log k, k in m/day",
            "units": {name: info["units"] for name, info in self.variables().items()},
            "resolution": f"{self.cells} x {self.cells} cells",
            "grid": "uniform square cells; pressure and fluxes at cell centres, fluxes the mean of the two faces",
            "solver": f"finite volumes, harmonic face transmissibilities, conjugate gradients to {self.tolerance:g} "
            "preconditioned by a fast Poisson solver scaled by k^-1/2 on both sides",
        }

    def similarity(self, inputs: xr.Dataset) -> tuple[xr.Dataset, dict[str, np.ndarray]]:
        """See `Simulator.similarity`: with m the mean of log k, c = e^m and s = |head| + |well| / c,

            p(k, head, well) = s p(k/c, head/s, well/(c s)),   q(k, head, well) = c s q(k/c, head/s, well/(c s)),

        since the equation is linear in (head, well) and k -> k/c divides what the well adds by c. The scaled
        head and well lie between -1 and 1, their magnitudes add up to 1.
        """
        field = inputs["permeability"]
        rows = np.ascontiguousarray(field.transpose("run", ...).values, dtype=np.float64).reshape(
            field.sizes["run"], -1
        )
        level = np.add.reduce(rows, axis=1) / rows.shape[1]
        conductivity = np.exp(level)
        head, well = (inputs[name].values.astype(np.float64) for name in ("head", "well"))
        size = np.abs(head) + np.abs(well) / conductivity
        size = np.where(size > 0, size, 1.0)  # nothing flows: any scale will do
        scaled = inputs.assign(
            permeability=field - inputs["head"].copy(data=level),
            head=inputs["head"].copy(data=head / size),
            well=inputs["well"].copy(data=well / (conductivity * size)),
        )
        flux = conductivity * size
        return scaled, {"pressure": size, "flux_x": flux, "flux_y": flux}

    def source(self, inputs: xr.Dataset, grid: dict[str, np.ndarray]) -> xr.DataArray:
        """Mean of f over each cell of a uniform cell-centred grid of the unit square."""
        import xarray as xr

        patch = np.outer(self._patch(len(grid["y"])), self._patch(len(grid["x"])))
        values = inputs["well"].values.astype(np.float64)[:, None, None] * patch
        return xr.DataArray(values, dims=("run", "y", "x"), attrs={"units": "1/day", "long_name": "source"})

    def run(self, inputs: xr.Dataset) -> xr.Dataset:
        """Simulate every run; see `Simulator.run`."""
        import xarray as xr

        self.require(inputs, self.input_names())
        log_k = self.field_values(inputs)
        runs = len(log_k)
        head = inputs["head"].values.astype(np.float64)
        source = self.source(inputs, self.grids()["permeability"]).values
        preconditioner = PoissonPreconditioner(self.cells)
        flows = [
            self._solve(log_k[batch], head[batch], source[batch], preconditioner)
            for batch in (slice(start, start + BATCH) for start in range(0, runs, BATCH))
        ]

        def joined(of: str) -> np.ndarray:
            return np.concatenate([getattr(flow, of) for flow in flows])[:runs]

        face_x, face_y = joined("face_x"), joined("face_y")
        # Flow through a face over its length h is the flux; the mean of the two faces is collocated.
        values = {
            "pressure": joined("pressure"),
            "flux_x": 0.5 * self.cells * (face_x[:, :, 1:] + face_x[:, :, :-1]),
            "flux_y": 0.5 * self.cells * (face_y[:, 1:] + face_y[:, :-1]),
            "boundary_flux": np.stack([-face_x[:, :, 0].sum(axis=1), face_x[:, :, -1].sum(axis=1)], axis=1),
            "mass_balance": joined("mass_balance"),
            "iterations": joined("iterations"),
        }
        stops = zip(*map(joined, ("converged", "residual", "iterations", "mass_balance")), strict=True)
        failure = [self._failure(*stop) for stop in stops]
        side = ("side", list(SIDES), {"long_name": "side of the square"})
        raw = xr.Dataset(coords=self.coordinates() | {"side": side})
        return self.labelled(raw, values, np.array(failure, dtype=object))

    def _solve(
        self, log_k: np.ndarray, head: np.ndarray, source: np.ndarray, preconditioner: PoissonPreconditioner
    ) -> Flow:
        # Batches of one size: the last one is padded with copies of its last run.
        rows = np.minimum(np.arange(BATCH), len(log_k) - 1)
        left = np.repeat(head[rows][:, None], self.cells, axis=1)
        return solve_flow(
            log_k[rows],
            left,
            np.zeros_like(left),
            source[rows],
            preconditioner,
            tolerance=self.tolerance,
            max_iterations=self.max_iterations,
        )

    def _failure(self, converged: bool, residual: float, iterations: int, mass_balance: float) -> str:
        if not converged:
            return f"the linear solver stopped at relative residual {residual:.1e} after {iterations} iterations"
        if mass_balance > LARGEST_IMBALANCE:
            return (
                f"the mass balance is off by {mass_balance:.1e}, above {LARGEST_IMBALANCE:g}: "
                f"set simulator.tolerance below {self.tolerance:g}"
            )
        return ""

    def _patch(self, cells: int) -> np.ndarray:
        """Mean over each cell of a normal density with the well's radius, centred at 1/2."""
        from scipy.special import ndtr

        mass = np.diff(ndtr((np.linspace(0.0, 1.0, cells + 1) - 0.5) / self.well_radius))
        # The patch is symmetric, rounding is not: the mean with its mirror image is.
        return np.asarray(0.5 * (mass + mass[::-1]) * cells)
