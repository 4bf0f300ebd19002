r"""Flow between two plates: from the inlet to the parabola of Poiseuille.

    u_t + (u u)_x + (u v)_y = -p_x / rho + mu / rho (u_xx + u_yy)
    v_t + (u v)_x + (v v)_y = -p_y / rho + mu / rho (v_xx + v_yy),   u_x + v_y = 0
    u = inlet_speed (uniform) or 6 inlet_speed y (height - y) / height^2 (developed), v = 0 at x = 0
    (u, v) = 0 at y = 0 and y = height;   u_t + inlet_speed u_x = 0, v_x = 0 at x = length
    on 0 <= x <= length, 0 <= y <= height, 0 <= t <= time

(u, v) is the velocity (m/s), p the pressure (Pa), rho the density (kg/m3), mu the dynamic viscosity (Pa s). At time 0 u
is everywhere what it is at the inlet. Where the flow is developed, after an entrance of about 0.05 height times
Reynolds' number rho inlet_speed height / mu,

    u = 6 inlet_speed y (height - y) / height^2,   p_x = -12 mu inlet_speed / height^2.
"""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from surecast.simulate.parametrised import Number
from surecast.simulate.plane_flow import PlaneFlow, Values
from surecast.simulate.projection import Flow, Side, Sides
from surecast.simulate.simulator import VariableInfo


class Tube(PlaneFlow):
    """Flow between two plates; inputs are what is null.

    A step must not be longer than the width of a cell over the largest speed, 3/2 of that at the inlet.
    """

    parameters: ClassVar[dict[str, str]] = {
        "inlet_speed": "m/s", "density": "kg/m3", "viscosity": "Pa s", "length": "m", "height": "m",
    }  # fmt: skip
    positive: ClassVar[tuple[str, ...]] = ("inlet_speed", "density", "viscosity", "length", "height")
    extent: ClassVar[tuple[str, str]] = ("length", "height")

    columns: int = Field(default=96, ge=4, le=4096, description="Cells along x.")
    rows: int = Field(default=32, ge=4, le=4096, description="Cells along y.")
    inlet: Literal["uniform", "developed"] = Field(
        default="uniform", description="Velocity at x = 0: the same everywhere, or Poiseuille's parabola."
    )
    inlet_speed: Number | None = Field(default=1.0, description="Mean speed at the inlet, m/s; null for an input.")
    density: Number | None = Field(default=1.0, description="Density of the fluid, kg/m3; null for an input.")
    viscosity: Number | None = Field(default=None, description="Dynamic viscosity, Pa s; null for an input.")
    length: Number | None = Field(default=6.0, description="Length of the plates along x, m; null for an input.")
    height: Number | None = Field(default=1.0, description="Distance of the plates, m; null for an input.")

    def variables(self) -> dict[str, VariableInfo]:
        """Beside those of every flow what leaves, the pressure that is lost, and the speed at the outlet."""
        return {
            **super().variables(),
            "outflow": {"dims": (), "units": "m2/s", "long_name": "flow through the outlet at the final time"},
            "pressure_drop": {
                "dims": (),
                "units": "Pa",
                "long_name": "mean pressure in the first column of cells less that in the last, at the final time",
            },
            "outlet_speed": {"dims": (), "units": "m/s", "long_name": "largest velocity along x at the outlet"},
        }

    def sides_in_words(self) -> str:
        """See `PlaneFlow.sides_in_words`."""
        shape = "" if self.inlet == "uniform" else " 6 y (height - y) / height^2"
        return f"velocity (inlet_speed{shape}, 0) at x = 0, 0 at y = 0 and y = height, carried out at x = length"

    def start(self, given: Values) -> Flow:
        """Everywhere as at the inlet."""
        speed = given["inlet_speed"] * profile(self.inlet, self.rows)
        sides = Sides(left=Side(through=speed), right=Side(through=speed, along=None), outlet=True)
        return Flow(self.box(given), sides, given["viscosity"] / given["density"], self.step(), speed, 0.0)

    def measured(self, flow: Flow, given: Values) -> Values:
        """See `variables`."""
        means = given["density"][:, :, 0] * flow.pressure().mean(axis=1)
        return {
            "outflow": flow.u[:, :, -1].mean(axis=1) * given["height"][:, 0, 0],
            "pressure_drop": means[:, 0] - means[:, -1],
            "outlet_speed": flow.u[:, :, -1].max(axis=1),
        }


def profile(inlet: str, rows: int) -> np.ndarray:
    """u at the inlet over its mean, (rows, 1).

    The parabola is that of the differences, y (height - y) + dy^2 / 4 but for a factor: it stays as it is downstream.
    """
    if inlet == "uniform":
        return np.ones((rows, 1))
    y = (np.arange(rows) + 0.5) / rows
    parabola = y * (1 - y) + 0.25 / rows**2
    return np.asarray(parabola / parabola.mean())[:, None]
