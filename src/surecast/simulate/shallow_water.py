r"""Shallow water: dam breaks, floods, waves in a basin.

    h_t + (h u)_x + (h v)_y = 0
    (h u)_t + (h u^2 + g h^2 / 2)_x + (h u v)_y = -g h b_x
    (h v)_t + (h u v)_x + (h v^2 + g h^2 / 2)_y = -g h b_y      on 0 <= x, y <= extent,   0 <= t <= time

h is the depth (m), (u, v) the velocity (m/s), b the bed (m), g the gravity (m/s2); h + b is the level of the surface.
Water is at rest at first, with its level

    dam         upstream where x < position, downstream beyond
    radial_dam  upstream within radius of the middle, downstream around it
    field       the input `initial`, a field

or the bed, where that is higher: there it is dry. Over a flat bed in one dimension the dam's break is known: of water
onto dry land (Ritter, Z. VDI 36 (1892) 947), with c = sqrt(g upstream),

    h = (2 c - (x - position) / t)^2 / (9 g)   where -c < (x - position) / t < 2 c,

and onto shallower water (Stoker, Water Waves, 1957, section 10.8), a bore ahead of a plateau. `radial_dam` with gravity
1, time 1, extent 5, levels 2 and 1 and a radius of 0.3 to 0.7 is that of PDEBench (Takamoto and others 2022).
"""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from surecast.simulate.conservation_law import ConservationLaw
from surecast.simulate.godunov import Law
from surecast.simulate.hydrostatic import Water
from surecast.simulate.parametrised import Number

DAMS = {"upstream": "m", "downstream": "m"}


class ShallowWater(ConservationLaw):
    """Shallow water; inputs are what is null (``radius`` unless said otherwise), and fields.

    A lake at rest stays at rest exactly, over any bed, islands included. Smooth flow converges with order 2, with
    bores order 1. The front is where the surface lies by `front_share` of upstream - downstream above what it rested
    on. ``gauge_depth`` is the largest depth at the gauge.
    """

    equation: ClassVar[str] = (
        "h_t + (h u)_x + (h v)_y = 0, (h u)_t + (h u^2 + g h^2 / 2)_x + (h u v)_y = -g h b_x, "
        "(h v)_t + (h u v)_x + (h v^2 + g h^2 / 2)_y = -g h b_y"
    )
    method: ClassVar[str] = (
        "finite volumes, linear in a cell (monotonised central limiter), hydrostatic reconstruction (Audusse and "
        "others 2004), HLL fluxes, Heun's method"
    )
    quantities: ClassVar[dict[str, tuple[str, str]]] = {
        "depth": ("m", "depth"),
        "discharge_x": ("m2/s", "discharge h u in x per unit width"),
        "discharge_y": ("m2/s", "discharge h v in y per unit width"),
    }
    means: ClassVar[dict[str, tuple[str, str]]] = {"mean_depth": ("m", "mean depth")}
    gauged: ClassVar[tuple[str, str, str]] = ("gauge_depth", "m", "depth")
    chosen: ClassVar[dict[str, dict[str, str]]] = {
        "dam": {**DAMS, "position": "m"},
        "radial_dam": {**DAMS, "radius": "m"},
        "bump": {"bump_height": "m", "bump_radius": "m", "bump_x": "m", "bump_y": "m"},
    }
    choices: ClassVar[dict[str, str]] = {"initial": "initial", "bed": "bed_level"}
    fronts: ClassVar[tuple[str, ...]] = ("dam", "radial_dam")
    positive: ClassVar[tuple[str, ...]] = ("bump_radius",)

    initial: Literal["dam", "radial_dam", "field"] = Field(
        default="radial_dam", description="Level at time 0: dam, radial_dam, or field for an input that is a field."
    )
    bed: Literal["flat", "bump", "field"] = Field(
        default="flat", description="Bed: flat (b = 0), bump, or field for an input bed_level that is a field, m."
    )
    gravity: float = Field(default=9.81, gt=0, allow_inf_nan=False, description="Gravity g, m/s2.")
    extent: float = Field(default=5.0, gt=0, allow_inf_nan=False, description="Length of a side, m.")
    time: float = Field(default=0.3, gt=0, allow_inf_nan=False, description="Final time, s.")
    upstream: Number | None = Field(default=2.0, description="Level behind the dam, m; null for an input.")
    downstream: Number | None = Field(default=1.0, description="Level ahead of the dam, m; null for an input.")
    position: Number | None = Field(default=None, description="x of the dam, m; null for an input.")
    radius: Number | None = Field(default=None, description="Radius of the dam about the middle, m; null for an input.")
    bump_height: Number | None = Field(
        default=0.2, description="Height of the bump b = height (1 - (r / radius)^2), m; null for an input."
    )
    bump_radius: Number | None = Field(default=0.5, description="Radius of the bump's foot, m; null for an input.")
    bump_x: Number | None = Field(default=3.5, description="x of the bump's top, m; null for an input.")
    bump_y: Number | None = Field(default=2.5, description="y of the bump's top, m; null for an input.")

    def start(self, given: dict[str, np.ndarray]) -> tuple[Law, np.ndarray]:
        """See `ConservationLaw.start`."""
        bed = self._bed(given)
        state = np.zeros((1 + self.dimensions, *bed.shape))
        state[0] = np.maximum(self._level(given), bed)
        grid = self.grid()
        cells, padded = grid.padded(state), grid.padded(bed)
        grid.fill(cells)
        grid.fill(padded[None], reflected=False)
        return Water(self.gravity, padded, cells), cells

    def start_words(self) -> str:
        """See `ConservationLaw.start_words`."""
        level = {
            "dam": "upstream where x < position, downstream beyond",
            "radial_dam": "upstream within radius of the middle, downstream around it",
            "field": "initial, in m",
        }[self.initial]
        bed = {"flat": "b = 0", "bump": "b = max(0, bump_height (1 - (r / bump_radius)^2))", "field": "b = bed_level"}
        return f"at rest; h + b = {level}, dry where the bed is higher; {bed[self.bed]}"

    def outputs(self, w: np.ndarray) -> dict[str, np.ndarray]:
        """See `ConservationLaw.outputs`."""
        return dict(zip(self.kept(), [w[-1], *(w[-1] * w[1:-1])], strict=True))

    def averages(self, w: np.ndarray) -> dict[str, np.ndarray]:
        """See `ConservationLaw.averages`."""
        return {"mean_depth": w[-1]}

    def rise(self, w: np.ndarray, given: dict[str, np.ndarray]) -> np.ndarray:
        """See `ConservationLaw.rise`: above `downstream`, or the bed where that was dry."""
        downstream = self.column(given, "downstream")
        rested = np.maximum(downstream, w[0] - w[-1])
        return np.asarray((w[0] - rested) / (self.column(given, "upstream") - downstream))

    def front(self, profile: np.ndarray) -> np.ndarray:
        """See `ConservationLaw.front`; from a circular dam, its distance from the middle."""
        if self.initial == "dam":
            return super().front(profile)
        half = self.cells // 2
        return np.maximum(super().front(profile[:, half:]) + half * self.spacing - 0.5 * self.extent, 0.0)

    def _level(self, given: dict[str, np.ndarray]) -> np.ndarray:
        """Level at time 0, (run, ...), whatever the bed."""
        if self.initial == "field":
            return given["initial"]
        if self.initial == "dam":
            share = self.share_before(self.column(given, "position"))
        else:
            # In a cell that the circle crosses, as if it were straight there: continuous in the radius.
            distance = np.sqrt(sum(place**2 for place in self.places()))
            across = sum(np.abs(place) for place in self.places()) / distance
            width = self.spacing * np.where(distance > 0, across, 1.0)
            share = np.clip(0.5 + (self.column(given, "radius") - distance) / width, 0.0, 1.0)
        return np.asarray(share * self.column(given, "upstream") + (1 - share) * self.column(given, "downstream"))

    def _bed(self, given: dict[str, np.ndarray]) -> np.ndarray:
        """b, (run, ...)."""
        shape = (len(next(iter(given.values()))), *(self.cells,) * self.dimensions)
        if self.bed == "field":
            return given["bed_level"]
        if self.bed == "flat":
            return np.zeros(shape)
        tops = [self.column(given, name) - 0.5 * self.extent for name in ("bump_x", "bump_y")[: self.dimensions]]
        square = sum((place - top) ** 2 for place, top in zip(self.places(), tops, strict=True))
        inside = np.maximum(1 - square / self.column(given, "bump_radius") ** 2, 0.0)
        return np.asarray(self.column(given, "bump_height") * inside)
