r"""Natural convection in a box between a hot and a cold wall: Boussinesq's equations.

    u_t + (u u)_x + (u v)_y = -p_x + Pr (u_xx + u_yy)
    v_t + (u v)_x + (v v)_y = -p_y + Pr (v_xx + v_yy) + Ra Pr T,   u_x + v_y = 0
    T_t + (u T)_x + (v T)_y = T_xx + T_yy + heating   on 0 <= x <= 1, 0 <= y <= aspect
    T = 1 at x = 0, T = 0 at x = 1, T_y = 0 at y = 0 and y = aspect;   (u, v) = 0 at all sides
    (u, v) = 0 and T = 1 - x at time 0,   0 <= t <= time

The coupling goes both ways: warm fluid rises, and what moves carries its temperature along. Lengths are relative to the
distance of the walls, times to its square over the thermal diffusivity, temperatures to the difference of the walls. Ra
is Rayleigh's number, Pr Prandtl's, `heating` the rate at which heat is released inside. Nusselt's number is the heat
that enters through the hot wall over that of conduction alone, the mean of -T_x there; for Pr = 0.71 in a square
without heating it is 1.118, 2.243, 4.519 and 8.800 at Ra = 1e3, 1e4, 1e5 and 1e6 (de Vahl Davis, Int. J. Numer. Methods
Fluids 3 (1983) 249).

The temperature lives at the centres of the cells; its transport and conduction are treated as those of the velocity
(`surecast.simulate.projection`), and the lift of a step is that of the mean of the temperatures before and after it.
The whole is of order 2 in space and time, without an iteration between the fields.
"""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from surecast.simulate.parametrised import Number
from surecast.simulate.plane_flow import PlaneFlow, Values
from surecast.simulate.projection import Flow, Sides, Value
from surecast.simulate.simulator import VariableInfo
from surecast.simulate.staggered import Box, Helmholtz


class Boussinesq(PlaneFlow):
    """Natural convection; inputs are what is null, and ``heating`` where it is a field of x and y / aspect.

    A step must not be longer than the width of a cell over the largest speed, which is about 4, 20, 70 and 220 at
    Ra = 1e3 to 1e6. The flow is steady after a time of about 0.5 up to Ra = 1e5. 32 x 32 cells give Nusselt's number to
    about 1 % up to Ra = 1e4, 64 x 64 at 1e5.
    """

    equation: ClassVar[str] = (
        "u_t + (u . grad) u = -grad p + Pr Laplace u + Ra Pr T e_y, div u = 0, T_t + u . grad T = Laplace T + heating"
    )
    parameters: ClassVar[dict[str, str]] = dict.fromkeys(("rayleigh", "prandtl", "aspect", "heating"), "1")
    positive: ClassVar[tuple[str, ...]] = ("prandtl", "aspect")
    extent: ClassVar[tuple[str, str]] = ("width", "aspect")
    units: ClassVar[dict[str, str]] = dict.fromkeys(("time", "velocity", "pressure", "energy"), "1")

    time: float = Field(default=0.5, gt=0, allow_inf_nan=False, description="Final time, over width^2 / diffusivity.")
    steps: int = Field(default=2000, ge=1, le=10_000_000, description="Time steps to the final time.")
    rayleigh: Number | None = Field(default=None, description="Rayleigh number; null for an input.")
    prandtl: Number | None = Field(default=0.71, description="Prandtl number; null for an input.")
    aspect: Number | None = Field(default=1.0, description="Height over width; null for an input.")
    heating: Number | Literal["field"] | None = Field(
        default=0.0, description="Rate of heating: a number; null for an input; field for an input that is a field."
    )

    def grids(self) -> dict[str, dict[str, np.ndarray]]:
        """The heating, if a field, is wanted at the centres of the cells."""
        return (
            {"heating": {dim: places for dim, (_, places, _) in self._places().items()}}
            if self.heating == "field"
            else {}
        )

    def state(self) -> dict[str, tuple[str, str]]:
        """Velocity and temperature."""
        return {**super().state(), "temperature": ("1", "temperature above the cold wall's")}

    def fields(self, flow: Flow) -> Values:
        """See `PlaneFlow.fields`."""
        assert isinstance(flow, Convection)
        return {**super().fields(flow), "temperature": flow.temperature.copy()}

    def variables(self) -> dict[str, VariableInfo]:
        """Beside those of every flow Nusselt's number at either wall."""

        def number(text: str) -> VariableInfo:
            return {"dims": (), "units": "1", "long_name": f"{text} at the final time"}

        return {
            **super().variables(),
            "nusselt": number("Nusselt number, the mean of -T_x at the hot wall,"),
            "nusselt_cold": number("mean of -T_x at the cold wall"),
        }

    def box(self, given: Values) -> Box:
        """As wide as 1."""
        return Box(self.rows, self.columns, np.ones_like(given["aspect"]), given["aspect"])

    def sides_in_words(self) -> str:
        """See `PlaneFlow.sides_in_words`."""
        return "velocity 0; T = 1 at x = 0, T = 0 at x = 1, no heat through y = 0 and y = aspect; T = 1 - x at t = 0"

    def card(self) -> dict[str, Any]:
        """What a reader of the dataset must know."""
        height = "aspect" if self.aspect is None else f"{self.aspect:g}"
        return {
            **super().card(),
            "domain": f"rectangle, 1 x {height}; 0 <= t <= {self.time:g}",
            "scales": "lengths over the distance of the walls, times over its square over the thermal diffusivity, "
            "temperatures over the difference of the walls",
            "coupling": "two-way: the temperature drives the flow, and the flow carries the temperature",
        }

    def start(self, given: Values) -> Convection:
        """At rest, with the temperature of conduction."""
        return Convection(
            self.box(given), given["prandtl"], given["rayleigh"] * given["prandtl"], given["heating"], self.step()
        )

    def measured(self, flow: Flow, given: Values) -> Values:
        """See `variables`."""
        assert isinstance(flow, Convection)
        hot, cold = flow.heat_flow()
        return {"nusselt": hot, "nusselt_cold": cold}


class Convection(Flow):
    """A flow that a temperature drives, and that carries it.

    Parameters
    ----------
    box : Box
        The grid.
    viscosity, lift : ndarray, shape (run, 1, 1)
        Pr, and Ra Pr, the acceleration by a temperature of 1.
    heating : ndarray
        Rate of heating, (run, 1, 1) or (run, rows, columns).
    step : float
        dt.
    """

    def __init__(self, box: Box, viscosity: np.ndarray, lift: np.ndarray, heating: np.ndarray, step: float) -> None:
        super().__init__(box, Sides(), viscosity, step, 0.0, 0.0)
        self.lift, self.heating = lift, heating
        # As for the velocity, with the columns beyond the walls and the rows beyond the closed sides.
        self._wide = np.zeros((len(lift), box.rows + 2, box.columns + 2))
        self.temperature = self._wide[:, 1:-1, 1:-1]
        self.temperature[...] = 1 - (np.arange(box.columns) + 0.5) / box.columns
        self._solve = Helmholtz(box, "held", "free", 1.0, np.full_like(lift, 0.5 * step))
        self._earlier_heat: np.ndarray | None = None

    def advance(self, push_u: Value = 0.0, push_v: Value = 0.0, heat: Value = 0.0) -> None:
        """See `Flow.advance`; `heat` adds to the heating, at the centres in the middle of the step."""
        before = self.temperature.copy()
        self._warm(heat)
        middle = 0.5 * (before + self.temperature)
        # At a face between two cells the temperature is their mean.
        super().advance(push_u, push_v + self.lift * 0.5 * (middle[:, 1:] + middle[:, :-1]))

    def heat_flow(self) -> tuple[np.ndarray, np.ndarray]:
        """Mean of -T_x at the hot and at the cold wall, (run,), by the temperatures half a cell away."""
        half = 0.5 * self.box.dx[:, 0, 0]
        return (1 - self.temperature[:, :, 0].mean(axis=1)) / half, self.temperature[:, :, -1].mean(axis=1) / half

    def _warm(self, heat: Value) -> None:
        """The temperature after a step with the velocity before it."""
        wide, box = self._wide, self.box
        wide[:, :, 0], wide[:, :, -1] = 2 - wide[:, :, 1], -wide[:, :, -2]
        wide[:, 0], wide[:, -1] = wide[:, 1], wide[:, -2]
        along_x, along_y = wide[:, 1:-1], wide[:, :, 1:-1]
        carried = box.x(self.u * 0.5 * (along_x[:, :, 1:] + along_x[:, :, :-1]))
        carried += box.y(self.v * 0.5 * (along_y[:, 1:] + along_y[:, :-1]))
        earlier = carried if self._earlier_heat is None else self._earlier_heat
        self._earlier_heat = carried
        rate = self.heating + heat - 1.5 * carried + 0.5 * earlier + box.laplacian(along_x, along_y)
        self.temperature += self._solve.solve(self.step * rate)
