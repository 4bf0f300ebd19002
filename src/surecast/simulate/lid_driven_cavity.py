r"""Flow in a box whose lid moves.

    u_t + (u u)_x + (u v)_y = -p_x / rho + mu / rho (u_xx + u_yy)
    v_t + (u v)_x + (v v)_y = -p_y / rho + mu / rho (v_xx + v_yy),   u_x + v_y = 0
    (u, v) = (lid_speed, 0) at y = height, 0 at the other sides and at time 0
    on 0 <= x <= width, 0 <= y <= height, 0 <= t <= time

(u, v) is the velocity (m/s), p the pressure (Pa), rho the density (kg/m3), mu the dynamic viscosity (Pa s). Reynolds'
number is rho lid_speed width / mu. Pressure and stress are singular in the two corners of the lid. For the steady flow
in a square Ghia, Ghia and Shin (J. Comput. Phys. 48 (1982) 387) tabulate the velocities along the two centre lines. It
is reached after some 15 times width / lid_speed at a Reynolds number of 100, 40 at 400; ``unsteadiness`` says how far a
run has come.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from pydantic import Field

from surecast.simulate.parametrised import Number
from surecast.simulate.plane_flow import PlaneFlow, Values
from surecast.simulate.projection import Flow, Side, Sides
from surecast.simulate.simulator import VariableInfo


class LidDrivenCavity(PlaneFlow):
    """Flow in a box under a moving lid; inputs are what is null.

    A step must not be longer than the width of a cell over the speed of the lid. At a Reynolds
    number of 100 the extremes of the velocity along the centre lines are right to 2.6 % with 32 x 32 cells, to 0.6 %
    with 64 x 64.
    """

    parameters: ClassVar[dict[str, str]] = {
        "lid_speed": "m/s", "density": "kg/m3", "viscosity": "Pa s", "width": "m", "height": "m",
    }  # fmt: skip
    positive: ClassVar[tuple[str, ...]] = ("density", "viscosity", "width", "height")

    lid_speed: Number | None = Field(default=1.0, description="Speed of the lid, m/s; null for an input.")
    density: Number | None = Field(default=1.0, description="Density of the fluid, kg/m3; null for an input.")
    viscosity: Number | None = Field(default=None, description="Dynamic viscosity, Pa s; null for an input.")
    width: Number | None = Field(default=1.0, description="Size of the box along x, m; null for an input.")
    height: Number | None = Field(default=1.0, description="Size of the box along y, m; null for an input.")

    def variables(self) -> dict[str, VariableInfo]:
        """Beside those of every flow the strength of the vortex; the force on the lid is infinite at its corners."""
        text = "largest |stream function| at the final time, what turns in the vortex per depth"
        return {**super().variables(), "vortex_strength": {"dims": (), "units": "m2/s", "long_name": text}}

    def sides_in_words(self) -> str:
        """See `PlaneFlow.sides_in_words`."""
        return "velocity (lid_speed, 0) at y = height, 0 at the other sides; at rest at t = 0"

    def start(self, given: Values) -> Flow:
        """At rest."""
        sides = Sides(top=Side(along=given["lid_speed"][:, 0]))
        return Flow(self.box(given), sides, given["viscosity"] / given["density"], self.step(), 0.0, 0.0)

    def measured(self, flow: Flow, given: Values) -> Values:
        """The stream function at the corners of the cells is the sum of u dy below."""
        stream = np.cumsum(flow.u * flow.box.dy, axis=1)
        return {"vortex_strength": np.abs(stream).max(axis=(1, 2))}
