r"""Flow past a cylinder, and the vortices that it sheds.

    u_t + (u u)_x + (u v)_y = -p_x / rho + mu / rho (u_xx + u_yy)
    v_t + (u v)_x + (v v)_y = -p_y / rho + mu / rho (v_xx + v_yy),   u_x + v_y = 0   outside of the cylinder
    (u, v) = 0 on (x - centre_x)^2 + (y - centre_y)^2 = (diameter / 2)^2,   0 <= x <= length, 0 <= y <= height
    u = inlet_speed (uniform) or 6 inlet_speed y (height - y) / height^2 (developed), v = 0 at x = 0
    v = u_y = 0 (slip) or (u, v) = 0 (walls) at y = 0 and y = height
    u_t + inlet_speed u_x = 0, v_x = 0 at x = length;   0 <= t <= time

(u, v) is the velocity (m/s), p the pressure (Pa), rho the density (kg/m3), mu the dynamic viscosity (Pa s). The force
on the cylinder per depth is its coefficients, drag along x and lift along y, times rho inlet_speed^2 diameter / 2.
Strouhal's number is the frequency of the lift times diameter / inlet_speed, Reynolds' rho inlet_speed diameter / mu. In
a wide stream vortices are shed above a Reynolds number of about 47, with a Strouhal number of 0.16 to 0.2 between 100
and 200 (Williamson, Annu. Rev. Fluid Mech. 28 (1996) 477); sides that are near raise it.

At time 0 u is everywhere what it is at the inlet, and a gust across the stream behind the cylinder, a tenth as fast,
lets vortices begin. The cylinder is an immersed boundary, `surecast.simulate.bodies`. With walls and the parabola at
the inlet this is the channel of Schaefer and Turek (Notes Numer. Fluid Mech. 52 (1996) 547).
"""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from surecast.simulate.bodies import Body
from surecast.simulate.parametrised import Number
from surecast.simulate.plane_flow import PlaneFlow, Values
from surecast.simulate.projection import SLIP, Flow, Side, Sides, Value
from surecast.simulate.simulator import Simulator, VariableInfo
from surecast.simulate.staggered import Box
from surecast.simulate.tube import profile

FEWEST_CELLS = 4  # across the cylinder; with fewer it is none
SHEDDING = 1e-3  # amplitude of the lift coefficient below which no vortices are shed


class Cylinder(PlaneFlow):
    """Flow past a cylinder; inputs are what is null.

    A step must not be longer than the width of a cell over the largest speed, 1.6 times that at the inlet and more
    where the sides are near. Ten cells across the cylinder give the drag of the channel at the Reynolds number 20 to
    1 %; a run must last some 60 diameters over the speed until vortices are shed evenly. Six cells across
    give a Strouhal number of 0.178 in the default stream at the Reynolds number 100, eight cells 0.182.
    """

    parameters: ClassVar[dict[str, str]] = {
        "inlet_speed": "m/s", "density": "kg/m3", "viscosity": "Pa s", "length": "m", "height": "m",
        "diameter": "m", "centre_x": "m", "centre_y": "m",
    }  # fmt: skip
    positive: ClassVar[tuple[str, ...]] = ("inlet_speed", "density", "viscosity", "length", "height", "diameter")
    extent: ClassVar[tuple[str, str]] = ("length", "height")

    columns: int = Field(default=128, ge=4, le=4096, description="Cells along x.")
    rows: int = Field(default=64, ge=4, le=4096, description="Cells along y.")
    time: float = Field(default=100.0, gt=0, allow_inf_nan=False, description="Final time, s.")
    steps: int = Field(default=3200, ge=4, le=10_000_000, description="Time steps to the final time.")
    sides: Literal["slip", "walls"] = Field(
        default="slip", description="At y = 0 and y = height: slip, as in a wide stream, or walls of a channel."
    )
    inlet: Literal["uniform", "developed"] = Field(
        default="uniform", description="Velocity at x = 0: the same everywhere, or Poiseuille's parabola."
    )
    inlet_speed: Number | None = Field(default=1.0, description="Mean speed at the inlet, m/s; null for an input.")
    density: Number | None = Field(default=1.0, description="Density of the fluid, kg/m3; null for an input.")
    viscosity: Number | None = Field(default=None, description="Dynamic viscosity, Pa s; null for an input.")
    length: Number | None = Field(default=16.0, description="Size of the domain along x, m; null for an input.")
    height: Number | None = Field(default=8.0, description="Size of the domain along y, m; null for an input.")
    diameter: Number | None = Field(default=1.0, description="Diameter of the cylinder, m; null for an input.")
    centre_x: Number | None = Field(default=4.0, description="x of the cylinder's centre, m; null for an input.")
    centre_y: Number | None = Field(default=4.0, description="y of the cylinder's centre, m; null for an input.")

    def variables(self) -> dict[str, VariableInfo]:
        """Beside those of every flow the coefficients of drag and lift, and Strouhal's number."""

        def number(text: str) -> VariableInfo:
            return {"dims": (), "units": "1", "long_name": f"{text}, over the second half of the time"}

        return {
            **super().variables(),
            "drag": number("mean drag coefficient"),
            "lift": number("mean lift coefficient"),
            "lift_amplitude": number("standard deviation of the lift coefficient times the root of 2"),
            "strouhal": number("Strouhal number, 0 where no vortices are shed"),
        }

    def sides_in_words(self) -> str:
        """See `PlaneFlow.sides_in_words`."""
        shape = "" if self.inlet == "uniform" else " 6 y (height - y) / height^2"
        sides = "no shear and no flow" if self.sides == "slip" else "velocity 0"
        return (
            f"velocity (inlet_speed{shape}, 0) at x = 0, {sides} at y = 0 and y = height, carried out at x = length, "
            "velocity 0 on the cylinder"
        )

    def faults(self, given: Values) -> np.ndarray:
        """See `Parametrised.faults`; the cylinder lies inside and is resolved."""
        found = super().faults(given)
        x, y, diameter = (given[name][:, 0, 0] for name in ("centre_x", "centre_y", "diameter"))
        box = self.box(given)
        outside = [np.abs(2 * place - size[:, 0, 0]) + diameter >= size[:, 0, 0]
                   for place, size in ((x, box.width), (y, box.height))]  # fmt: skip
        found[(found == "") & np.any(outside, axis=0)] = "the cylinder does not lie inside the domain"
        coarse = diameter < FEWEST_CELLS * np.maximum(box.dx, box.dy)[:, 0, 0]
        found[(found == "") & coarse] = f"the cylinder is less than {FEWEST_CELLS} cells across; take more"
        return found

    def coarser(self) -> list[Simulator]:
        """See `PlaneFlow.coarser`; as far as its size is known, those grids alone that resolve the cylinder."""
        numbers = self.numbers()

        def resolves(one: Simulator) -> bool:
            cells = one.resolution()
            widest = max(numbers["length"] / cells["columns"], numbers["height"] / cells["rows"])
            return numbers["diameter"] >= FEWEST_CELLS * widest

        known = {"diameter", *self.extent} <= set(numbers)
        return [one for one in super().coarser() if not known or resolves(one)]

    def start(self, given: Values) -> Wake:
        """Everywhere as at the inlet, with a gust behind the cylinder."""
        box, viscosity = self.box(given), given["viscosity"] / given["density"]
        x, y, diameter = (given[name] for name in ("centre_x", "centre_y", "diameter"))
        speed = given["inlet_speed"] * profile(self.inlet, self.rows)
        behind = np.exp(-(((np.arange(self.columns) + 0.5) * box.dx - x - diameter) ** 2) / diameter**2)
        gust = 0.1 * given["inlet_speed"] * behind * np.sin(np.pi * np.arange(self.rows + 1) / self.rows)[:, None]
        side = SLIP if self.sides == "slip" else Side()
        sides = Sides(Side(through=speed), Side(through=speed, along=None), side, side, outlet=True)
        body = Body(box, viscosity, self.step(), x, y, 0.5 * diameter)
        return Wake(box, sides, viscosity, self.step(), speed, gust, body)

    def measured(self, flow: Flow, given: Values) -> Values:
        """Means over the second half of the time."""
        assert isinstance(flow, Wake)
        scale = (2 / (given["inlet_speed"] ** 2 * given["diameter"]))[:, :, 0]
        drag, lift = (scale * np.stack(series, axis=1) for series in (flow.drag, flow.lift))
        drag, lift = drag[:, self.steps // 2 :], lift[:, self.steps // 2 :]
        mean = lift.mean(axis=1)
        amplitude = np.sqrt(2 * np.square(lift - mean[:, None]).mean(axis=1))
        turns = np.array([frequency(one - middle) for one, middle in zip(lift, mean, strict=True)]) / self.step()
        strouhal = turns * (given["diameter"] / given["inlet_speed"])[:, 0, 0]
        return {
            "drag": drag.mean(axis=1),
            "lift": mean,
            "lift_amplitude": amplitude,
            "strouhal": np.where(amplitude > SHEDDING, strouhal, 0.0),
        }


class Wake(Flow):
    """A flow that remembers the force on its body, over the density (m3/s2), after every step."""

    def __init__(
        self, box: Box, sides: Sides, viscosity: np.ndarray, step: float, u: Value, v: Value, body: Body
    ) -> None:
        super().__init__(box, sides, viscosity, step, u, v, body)
        self._body = body
        self.drag: list[np.ndarray] = []
        self.lift: list[np.ndarray] = []

    def advance(self, push_u: Value = 0.0, push_v: Value = 0.0) -> None:
        """See `Flow.advance`."""
        super().advance(push_u, push_v)
        along, across = self._body.total()
        self.drag.append(along)
        self.lift.append(across)


def frequency(series: np.ndarray) -> float:
    """Oscillations per step of a series about 0, from its first to its last upward crossing; 0 with fewer than two."""
    before = np.flatnonzero((series[:-1] < 0) & (series[1:] >= 0))
    if len(before) < 2:
        return 0.0
    first, last = (place + series[place] / (series[place] - series[place + 1]) for place in before[[0, -1]])
    return float((len(before) - 1) / (last - first))
