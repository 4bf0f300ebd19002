"""Cavity, tube, cylinder and dam break swept over boundary values, fluid and geometry, split by case."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from surecast.simulate.cylinder import Cylinder
from surecast.simulate.lid_driven_cavity import LidDrivenCavity
from surecast.simulate.shallow_water import ShallowWater
from surecast.simulate.simulator import Simulator
from surecast.simulate.tube import Tube
from surecast.study.errors import SurecastError

TRAINING, INSIDE, BEYOND = 28, 4, 4
"""Cases that are learnt from, unseen ones of the same range, and unseen ones beyond it for each kind of parameter."""
LEARNT = 0.8
"""Share of the range of every parameter, from its lower end, that is learnt from."""
FRAMES, COARSENING = 21, 2
"""States kept of a case; cells of the solver to one of a state, along an axis."""


class Law(NamedTuple):
    """A parameter uniform in its logarithm, and its kind: ``bc`` (boundary), ``prop`` (fluid) or ``geo`` (geometry)."""

    low: float
    high: float
    kind: str


class Flow(NamedTuple):
    """A solver, the laws of its parameters, and its fields, the two of the velocity or discharge last."""

    simulator: Simulator
    laws: Mapping[str, Law]
    fields: tuple[str, ...] = ("velocity_x", "velocity_y")


def flows(cells: int = 32, steps: int = 420) -> dict[str, Flow]:
    """The four flows; `cells` are those across, `steps` are of the three viscous ones, a multiple of the frames."""
    grid: dict[str, Any] = {"columns": cells, "rows": cells, "steps": steps, "frames": FRAMES}
    viscosity = Law(0.02, 0.1, "prop")
    cavity = Flow(
        LidDrivenCavity(**grid, time=1.2, lid_speed=None, width=None, height=None),
        {
            "lid_speed": Law(0.5, 5.0, "bc"),
            "viscosity": viscosity,
            "width": Law(0.5, 1.5, "geo"),
            "height": Law(0.5, 1.5, "geo"),
        },
    )
    tube = Flow(
        Tube(**grid, time=2.0, inlet_speed=None, length=None, height=None),
        {
            "inlet_speed": Law(0.5, 5.0, "bc"),
            "viscosity": viscosity,
            "length": Law(2.0, 6.0, "geo"),
            "height": Law(0.5, 1.5, "geo"),
        },
    )
    free: dict[str, Any] = {"inlet_speed": None, "diameter": None, "centre_y": None}
    cylinder = Flow(
        Cylinder(**grid | {"columns": 2 * cells}, **free, time=10.0, length=8.0, height=4.0, centre_x=2.0),
        {
            "inlet_speed": Law(0.4, 2.0, "bc"),
            "viscosity": viscosity,
            "diameter": Law(0.7, 1.3, "geo"),
            "centre_y": Law(1.7, 2.3, "geo"),
        },
    )
    # Without viscosity: no kind of parameter is one of the fluid.
    free = {"upstream": None, "downstream": None, "bump_height": None, "bump_radius": None}
    dam = Flow(
        ShallowWater(**free, cells=cells, frames=FRAMES, time=0.6, initial="dam", bed="bump"),
        {
            "upstream": Law(1.5, 3.0, "bc"),
            "downstream": Law(0.5, 1.0, "bc"),
            "position": Law(1.0, 2.5, "geo"),
            "bump_height": Law(0.15, 0.4, "geo"),
            "bump_radius": Law(0.5, 1.0, "geo"),
        },
        ("depth", "discharge_x", "discharge_y"),
    )
    return {"cavity": cavity, "tube": tube, "cylinder": cylinder, "dam": dam}


def drawn(flow: Flow, random: np.random.Generator) -> xr.Dataset:
    """Parameters of all cases, and to which part each belongs, a coordinate `part`.

    The parts are ``training``, ``inside`` and the kinds of parameter: in a case of a kind the parameters of that kind
    lie in the upper end of their ranges, from which no training case is, and the others where training cases are.
    """
    kinds = sorted({law.kind for law in flow.laws.values()})
    part = np.repeat(["training", "inside", *kinds], [TRAINING, INSIDE, *(BEYOND for _ in kinds)])
    cases = xr.Dataset(coords={"part": ("run", part)})
    for name, law in flow.laws.items():
        place = LEARNT * random.random(len(part))
        place = np.where(part == law.kind, LEARNT + (1 - LEARNT) / LEARNT * place, place)
        cases[name] = ("run", law.low * (law.high / law.low) ** place)
    return cases


def simulated(flow: Flow, cases: xr.Dataset) -> xr.Dataset:
    """States of the cases (run, time, y, x), means over blocks of the solver's cells; parameters are coordinates.

    Raises
    ------
    SurecastError
        If a run failed: a set without its difficult cases would not be that which is stated.
    """
    raw = flow.simulator.run(cases.reset_coords(drop=True))
    if failed := [message for message in raw["failure"].values if message]:
        raise SurecastError(f"{len(failed)} of {cases.sizes['run']} cases failed: {failed[0]}.", "take more steps.")
    states = raw[[f"history_{name}" for name in flow.fields]].rename({f"history_{name}": name for name in flow.fields})
    return states.coarsen(y=COARSENING, x=COARSENING).mean().assign_coords({**cases.coords, **cases.data_vars})
