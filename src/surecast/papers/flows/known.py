"""How far the solvers of the flows are from what is known of these flows."""

from __future__ import annotations

import numpy as np
import xarray as xr

from surecast.simulate.cylinder import Cylinder
from surecast.simulate.lid_driven_cavity import LidDrivenCavity
from surecast.simulate.tube import Tube

# Ghia, Ghia and Shin (1982), Table I, Reynolds number 100: u over the lid's speed on the vertical centre line.
Y = (
    0.0547, 0.0625, 0.0703, 0.1016, 0.1719, 0.2813, 0.4531, 0.5, 0.6172, 0.7344, 0.8516, 0.9531, 0.9609, 0.9688, 0.9766,
)  # fmt: skip
U = (
    -0.03717, -0.04192, -0.04775, -0.06434, -0.10150, -0.15662, -0.21090, -0.20581, -0.13641, 0.00332, 0.23151, 0.68717,
    0.73722, 0.78871, 0.84123,
)  # fmt: skip
STROUHAL = 0.18
"""In the middle of what is measured at Reynolds numbers from 100 to 200, 0.16 to 0.2 (Williamson 1996)."""


def distance_from_table(reynolds: float) -> float:
    """Largest |u - table| on the centre line of a cavity, over the table's largest; the table's is Reynolds 100."""
    cavity = LidDrivenCavity(columns=32, rows=32, time=20.0, steps=800)
    u = cavity.run(xr.Dataset({"viscosity": ("run", [1 / reynolds])}))["velocity_x"]
    line = u.isel(run=0, x=slice(15, 17)).mean("x")
    found = np.interp(Y, [0.0, *line["y"].values, 1.0], [0.0, *line.values, 1.0])
    return float(np.abs(found - U).max() / np.abs(U).max())


def distances_from_parabola() -> tuple[float, float]:
    """Largest |u - Poiseuille's| over its largest, at the outlet of a tube and in its first column."""
    tube = Tube(columns=64, rows=32, time=12.0, steps=900, length=4.0)
    u = tube.run(xr.Dataset({"viscosity": ("run", [1 / 20])}))["velocity_x"].isel(run=0)
    y = u["y"].values
    parabola = 6 * y * (1 - y)
    outlet, inlet = (float(np.abs(u.isel(x=x).values - parabola).max() / parabola.max()) for x in (-1, 0))
    return outlet, inlet


def distances_of_strouhal() -> tuple[float, float]:
    """|St - 0.18| at the Reynolds numbers 100 and, where no vortices are shed and St = 0, 20."""
    wake = Cylinder(columns=84, rows=48, length=14.0, time=72.0, steps=1120, centre_x=3.0)
    found = wake.run(xr.Dataset({"viscosity": ("run", [1 / 100, 1 / 20])}))["strouhal"].values
    shed, steady = np.abs(found - STROUHAL)
    return float(shed), float(steady)
