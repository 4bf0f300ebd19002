"""Euler's equations against exact shock tubes, a vortex that is carried along, and sound."""

import numpy as np
import pytest
import xarray as xr

from surecast.simulate.euler import Euler
from surecast.simulate.riemann import ShockTube, State

# Toro (2009), table 4.1: left and right (rho, u, p), time; largest L1 error of the density with 100 cells, relative.
TORO = [
    ((1.0, 0.0, 1.0), (0.125, 0.0, 0.1), 0.2, 0.01),
    ((1.0, -2.0, 0.4), (1.0, 2.0, 0.4), 0.15, 0.016),
    ((1.0, 0.0, 1000.0), (1.0, 0.0, 0.01), 0.012, 0.15),
    ((1.0, 0.0, 0.01), (1.0, 0.0, 100.0), 0.035, 0.14),
    ((5.99924, 19.5975, 460.894), (5.99242, -6.19633, 46.0950), 0.02, 0.045),
]
STATE = [f"{name}_{side}" for side in ("left", "right") for name in ("density", "velocity", "pressure")]


def tube(cells, time, **settings):
    return Euler(dimensions=1, cells=cells, time=time, **{**dict.fromkeys(STATE), **settings})


def states(*runs):
    columns = np.array([[*left, *right] for left, right in runs]).T
    return xr.Dataset({name: ("run", column) for name, column in zip(STATE, columns, strict=True)})


def errors(simulator, raw, left, right, run=0):
    """L1 errors of density, velocity and pressure, relative to the mean size of the truth."""
    exact = ShockTube(State(*left), State(*right)).at((simulator.centres() - 0.5) / simulator.time)
    names = ("density", "velocity_x", "pressure")
    found = [np.abs(raw[name].values[run] - truth).mean() for name, truth in zip(names, exact, strict=True)]
    return np.array(found) / [np.abs(truth).mean() for truth in exact]


@pytest.mark.parametrize(("left", "right", "time", "bound"), TORO)
def test_shock_tubes(left, right, time, bound):
    simulator = tube(100, time)
    raw = simulator.run(states((left, right), ((right[0], -right[1], right[2]), (left[0], -left[1], left[2]))))
    assert raw["failure"].values.tolist() == ["", ""]
    assert errors(simulator, raw, left, right)[0] < bound
    for name, sign in (("density", 1), ("velocity_x", -1), ("pressure", 1)):
        np.testing.assert_allclose(sign * raw[name].values[1, ::-1], raw[name].values[0], rtol=1e-9, atol=1e-12)


def test_sods_tube_with_order_one_and_the_shock_in_place():
    left, right = TORO[0][:2]
    found, speed = [], 1.7521557320301779  # of the shock
    for cells in (50, 100, 200):
        simulator = tube(cells, 0.2, gauge_x=0.75)
        raw = simulator.run(states((left, right)))
        found.append(errors(simulator, raw, left, right))
        np.testing.assert_allclose(raw["front"], 0.5 + 0.2 * speed, atol=2 / cells)
    orders = np.log2(found[0] / found[-1]) / 2
    np.testing.assert_allclose(orders[1:], 1.0, atol=0.2)  # velocity and pressure
    assert 0.7 < orders[0] < 1.1  # the contact spreads
    np.testing.assert_allclose(raw["gauge_pressure"], ShockTube(State(*left), State(*right)).star()[0], rtol=0.01)


def test_the_front_to_the_right_may_be_a_rarefaction():
    raw = tube(200, 0.1).run(states(((0.125, 0.0, 0.1), (1.0, 0.0, 1.0)), ((1.0, 0.0, 1.0), (1.0, 0.0, 1.0))))
    np.testing.assert_allclose(raw["front"], [0.5 + 0.1 * np.sqrt(1.4), 0.0], atol=0.02)


def test_a_tube_in_a_box_is_the_same_everywhere():
    raw = Euler(cells=32, time=0.1, y_sides="wall").run(xr.Dataset({"pressure_left": ("run", [1.0, 2.0])}))
    assert (raw["failure"] == "").all()
    assert not raw["velocity_y"].values.any()
    assert (raw["pressure"] == raw["pressure"].isel(y=0)).all()
    line = Euler(cells=32, time=0.1, dimensions=1).run(xr.Dataset({"pressure_left": ("run", [1.0, 2.0])}))
    np.testing.assert_allclose(raw["pressure"][:, 0], line["pressure"], atol=0.02)


@pytest.mark.parametrize("extent", [10.0, 2.0])
def test_a_vortex_is_carried_along(extent):
    # By (1, 1) in tenths of the extent, whatever that is.
    found = []
    for cells in (32, 64) if extent == 10 else (32,):
        settings = {"initial": "vortex", "extent": extent, "x_sides": "periodic", "y_sides": "periodic"}
        simulator = Euler(cells=cells, time=0.1 * extent, frames=2, **settings)
        raw = simulator.run(xr.Dataset({"strength": ("run", [5.0])}))
        x = 10 * simulator.centres() / extent - 6
        y = x[:, None]
        swirl = 5 / (2 * np.pi) * np.exp(0.5 * (1 - x**2 - y**2))
        heat = 1 - 0.4 / 2.8 * swirl**2
        truth = {"density": heat**2.5, "velocity_x": 1 - swirl * y, "velocity_y": 1 + swirl * x, "pressure": heat**3.5}
        found.append([np.abs(raw[name].values[0] - values).mean() for name, values in truth.items()])
        np.testing.assert_array_equal(raw["history_density"].isel(time=-1), raw["density"])
    assert max(found[0]) < 0.01
    if len(found) == 2:
        assert np.log2(np.array(found[0]) / np.array(found[1])).min() > 1.8


def test_a_small_sound_obeys_the_wave_equation():
    small, sound = 1e-5, np.sqrt(1.4)
    settings = {"initial": "field", "dimensions": 1, "x_sides": "periodic", "density": 2.0, "pressure": 2.0}
    simulator = Euler(cells=256, time=0.3, **settings)
    wave = 2 * np.pi * simulator.centres()
    raw = simulator.run(xr.Dataset({"initial": (("run", "x"), small * np.cos(wave)[None])}))
    standing = np.cos(wave) * np.cos(2 * np.pi * sound * 0.3)
    np.testing.assert_allclose((raw["pressure"][0] / 2 - 1) / small, standing, atol=5e-3)
    np.testing.assert_allclose((raw["density"][0] / 2 - 1) * 1.4 / small, standing, atol=5e-3)
    moving = np.sin(wave) * np.sin(2 * np.pi * sound * 0.3) / sound
    np.testing.assert_allclose(raw["velocity_x"][0] / small, moving, atol=5e-3)


@pytest.mark.parametrize("sides", ["periodic", "wall"])
def test_mass_and_energy_are_kept(sides):
    fields = np.random.default_rng(4).standard_normal((3, 16, 16))
    settings = {"initial": "field", "density": None, "x_sides": sides, "y_sides": sides}
    given = xr.Dataset({"initial": (("run", "y", "x"), fields), "density": ("run", [0.5, 1.0, 2.0])})
    raw = Euler(cells=16, time=0.2, **settings).run(given)
    assert (raw["failure"] == "").all()
    density = given["density"].values * np.exp(fields / 1.4).mean(axis=(1, 2))
    np.testing.assert_allclose(raw["mean_density"], density, rtol=1e-14)
    np.testing.assert_allclose(raw["mean_energy"], np.exp(fields).mean(axis=(1, 2)) / 0.4, rtol=1e-14)
    if sides == "periodic":
        for name in ("velocity_x", "velocity_y"):
            assert np.abs((raw["density"] * raw[name]).mean(("y", "x"))).max() < 1e-15
    assert raw["pressure"].min() > 0
    assert raw["velocity_x"].std() > 0.05


def test_a_coarser_grid_keeps_mass_momentum_and_energy():
    fields = np.random.default_rng(5).standard_normal((2, 32, 32))
    fine = Euler(cells=32, time=0.05, frames=2, initial="field").run(
        xr.Dataset({"initial": (("run", "y", "x"), fields)})
    )
    coarse = Euler(cells=16, time=0.05, frames=2, initial="field").restrict(fine)

    def amounts(raw, prefix):
        density, u, v, pressure = (raw[prefix + name] for name in ("density", "velocity_x", "velocity_y", "pressure"))
        energy = pressure / 0.4 + 0.5 * density * (u**2 + v**2)
        return [amount.mean(("y", "x")) for amount in (density, density * u, density * v, energy)]

    assert coarse["density"].shape == (2, 16, 16)
    assert coarse["density"].attrs == fine["density"].attrs
    for prefix in ("", "history_"):
        for found, expected in zip(amounts(coarse, prefix), amounts(fine, prefix), strict=True):
            np.testing.assert_allclose(found, expected, rtol=1e-13, atol=1e-15)


def test_what_cannot_go_on_fails():
    simulator = tube(50, 0.2)
    raw = simulator.run(
        states(
            ((1.0, 0.0, 1.0), (0.125, 0.0, 0.1)),
            ((1.0, 0.0, -1.0), (0.125, 0.0, 0.1)),
            ((0.0, 0.0, 1.0), (0.125, 0.0, 0.1)),
            ((1.0, 0.0, np.nan), (0.125, 0.0, 0.1)),
            ((1.0, 0.0, 1e12), (0.125, 0.0, 0.1)),
            ((1.0, 1e200, 1.0), (0.125, 0.0, 0.1)),
        )
    )
    assert raw["failure"].values.tolist() == [
        "",
        "pressure_left is not positive",
        "density_left is not positive",
        "pressure_left is not finite",
        "more than 100000 time steps would be needed at t = 0 s",
        "density or pressure is not positive, or not finite, at t = 0 s",
    ]
    alone = simulator.run(states(((1.0, 0.0, 1.0), (0.125, 0.0, 0.1))))
    assert raw["density"].values[0].tobytes() == alone["density"].values[0].tobytes()
