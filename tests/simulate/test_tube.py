"""Flow between plates: Poiseuille's parabola, the entrance before it, and mass."""

import numpy as np
import pytest
import xarray as xr

from surecast.simulate.tube import Tube, profile


@pytest.fixture(scope="module")
def entrance():
    """Uniform inflow of speed 2 m/s, Reynolds numbers 20 and 60 in plates 0.5 m apart."""
    simulator = Tube(columns=64, rows=24, time=8.0, steps=700, inlet_speed=2.0, density=3.0, length=4.0, height=0.5)
    return simulator.run(xr.Dataset({"viscosity": ("run", [0.15, 0.05])}))


def test_poiseuilles_parabola_downstream(entrance):
    assert (entrance["failure"] == "").all()
    y = entrance["y"].values
    truth = 6 * 2.0 * y * (1 - y)
    end = entrance["velocity_x"].isel(x=-1).values
    np.testing.assert_allclose(end, np.broadcast_to(truth, end.shape), atol=0.01 * truth.max())
    assert np.abs(entrance["velocity_y"].isel(x=-1)).max() < 1e-3
    np.testing.assert_allclose(entrance["outlet_speed"], 3.0, rtol=0.01)
    # p_x = -12 mu U / height^2
    slope = np.polyfit(4.0 * entrance["x"].values[-16:], entrance["pressure"].mean("y").values[:, -16:].T, 1)[0]
    np.testing.assert_allclose(slope, -12 * np.array([0.15, 0.05]) * 2.0 / 0.25, rtol=0.01)


def test_mass_is_conserved_in_every_column(entrance):
    np.testing.assert_allclose(entrance["outflow"], 2.0 * 0.5, rtol=1e-13)
    # Between the means of two faces, each of which passes what enters.
    np.testing.assert_allclose(entrance["velocity_x"].mean("y"), 2.0, rtol=1e-12)
    assert float(entrance["divergence"].max()) < 1e-12


def test_the_flow_develops_over_an_entrance_that_grows_with_reynolds_number(entrance):
    middle = entrance["velocity_x"].isel(y=slice(11, 13)).mean("y").values
    assert (np.diff(middle[0]) > -1e-9).all()
    at = [4.0 * float(np.interp(0.99 * row[-1], row, entrance["x"].values)) for row in middle]
    # Length to 99 % of the speed on the axis over the distance of the plates, (0.631^1.6 + (0.0442 Re)^1.6)^(1 / 1.6)
    # (Durst, Ray, Uensal and Bayoumi, J. Fluids Eng. 127 (2005) 1154), Re by that distance.
    known = [0.5 * (0.631**1.6 + (0.0442 * number) ** 1.6) ** (1 / 1.6) for number in (20, 60)]
    np.testing.assert_allclose(at, known, rtol=0.1)


def test_what_enters_developed_stays_so():
    simulator = Tube(columns=12, rows=16, time=10.0, steps=200, inlet="developed", length=3.0)
    raw = simulator.run(xr.Dataset({"viscosity": ("run", [0.05])}))
    across = raw["velocity_x"].values[0]
    np.testing.assert_allclose(across, np.broadcast_to(across[:, :1], across.shape), rtol=1e-10)
    assert np.abs(raw["velocity_y"]).max() < 1e-10
    # Over eleven of the twelve columns.
    assert raw["pressure_drop"].item() == pytest.approx(12 * 0.05 * 3.0 * 11 / 12, rel=0.01)


def test_the_profile_of_the_inlet_has_the_mean_one():
    np.testing.assert_allclose([profile(inlet, 7).mean() for inlet in ("uniform", "developed")], 1.0, rtol=1e-14)
    y = (np.arange(200) + 0.5) / 200
    np.testing.assert_allclose(profile("developed", 200)[:, 0], 6 * y * (1 - y), atol=1e-4)
