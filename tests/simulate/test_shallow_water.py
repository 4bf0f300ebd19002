"""Shallow water against Ritter, Stoker and Thacker, lakes at rest, and mirror images."""

import numpy as np
import pytest
import xarray as xr
from scipy.optimize import brentq

from surecast.simulate.shallow_water import ShallowWater

GRAVITY = 9.81


def dam_break(place, time, upstream, downstream):
    """Depth at places from the dam (Stoker, or Ritter onto dry land), speed of the front, depth of the plateau."""
    sound, at = np.sqrt(GRAVITY * upstream), place / time
    fan = (2 * sound - at) ** 2 / (9 * GRAVITY)
    if downstream == 0:
        return np.where(at < -sound, upstream, np.where(at < 2 * sound, fan, 0.0)), 2 * sound, 0.0

    def gap(depth):
        bore = (depth - downstream) * np.sqrt(GRAVITY * (depth + downstream) / (2 * depth * downstream))
        return 2 * (sound - np.sqrt(GRAVITY * depth)) - bore

    plateau = brentq(gap, downstream, upstream)
    flow = 2 * (sound - np.sqrt(GRAVITY * plateau))
    front = plateau * flow / (plateau - downstream)
    tail = flow - np.sqrt(GRAVITY * plateau)
    ahead = np.where(at < front, plateau, downstream)
    return np.where(at < -sound, upstream, np.where(at < tail, fan, ahead)), front, plateau


def dam(**settings):
    return ShallowWater(**{"initial": "dam", "dimensions": 1, "extent": 1.0, "time": 0.06, "upstream": 1.0} | settings)


def at(position):
    return xr.Dataset({"position": ("run", np.atleast_1d(position).astype(float))})


@pytest.mark.parametrize("downstream", [0.5, 0.1, 0.0])
def test_dam_breaks_with_order_one_and_the_front_in_place(downstream):
    errors = []
    for cells in (50, 100, 200):
        simulator = dam(cells=cells, downstream=downstream, gauge_x=0.6)
        raw = simulator.run(at([0.5, 0.4]))
        assert (raw["failure"] == "").all()
        truth, speed, plateau = dam_break(simulator.centres() - 0.5, 0.06, 1.0, downstream)
        errors.append(np.abs(raw["depth"].values[0] - truth).mean())
        moved = raw["depth"].values[1] - dam_break(simulator.centres() - 0.4, 0.06, 1.0, downstream)[0]
        assert np.abs(moved).mean() < 1.5 * errors[-1]
    np.testing.assert_allclose(np.log2(errors[0] / errors[2]) / 2, 1.0, atol=0.2)
    if downstream:
        np.testing.assert_allclose(raw["front"], [0.5 + speed * 0.06, 0.4 + speed * 0.06], atol=2 / 200)
        np.testing.assert_allclose(raw["gauge_depth"][0], plateau, rtol=0.01)
    else:  # where the fan's depth is 5 % of the reservoir's; at the gauge it only grows
        place = 2 * np.sqrt(GRAVITY) - np.sqrt(9 * GRAVITY * 0.05)
        np.testing.assert_allclose(raw["front"], [0.5 + place * 0.06, 0.4 + place * 0.06], atol=2 / 200)
        grown = (2 * np.sqrt(GRAVITY) - 0.1 / 0.06) ** 2 / (9 * GRAVITY)
        np.testing.assert_allclose(raw["gauge_depth"][0], grown, rtol=0.02)


@pytest.mark.parametrize("downstream", [0.2, 0.0])
def test_a_dam_in_a_box(downstream):
    raw = dam(cells=48, dimensions=2, downstream=downstream, y_sides="wall").run(at(0.45))
    simulator = dam(cells=48)
    truth, speed, _ = dam_break(simulator.centres() - 0.45, 0.06, 1.0, downstream)
    assert not raw["discharge_y"].values.any()
    assert (raw["depth"] == raw["depth"].isel(y=0)).all()
    assert np.abs(raw["depth"].values[0, 0] - truth).mean() < 0.012
    if downstream:
        np.testing.assert_allclose(raw["front"], 0.45 + speed * 0.06, atol=2 / 48)


@pytest.mark.parametrize("sides", [("wall", "periodic"), ("outflow", "wall")])
def test_a_lake_stays_at_rest_to_the_last_bit(sides):
    bed = np.random.default_rng(0).standard_normal((3, 16, 16))
    level = np.broadcast_to(np.array([-0.4, 0.5, 3.3])[:, None, None], bed.shape)
    assert (bed[:2] > level[:2]).any(axis=(1, 2)).all()  # islands, and in the last run none
    settings = {"initial": "field", "bed": "field", "x_sides": sides[0], "y_sides": sides[1]}
    simulator = ShallowWater(cells=16, time=0.5, frames=2, gauge_x=1.0, gauge_y=2.0, **settings)
    given = {"initial": (("run", "y", "x"), level), "bed_level": (("run", "y", "x"), bed)}
    raw = simulator.run(xr.Dataset(given))
    assert (raw["failure"] == "").all()
    assert raw["steps"].values.min() > 10
    for name in ("discharge_x", "discharge_y", "history_discharge_x"):
        assert not raw[name].values.any()
    np.testing.assert_array_equal(raw["depth"], np.maximum(level, bed) - bed)


def test_a_basin_that_sloshes_over_dry_shores():
    # Thacker, J. Fluid Mech. 107 (1981) 499: b = h0 X^2, and a plane surface that swings.
    rest, pace = 0.5, np.sqrt(2 * GRAVITY * 0.5)

    def level(place, time):
        swing = 0.8 * np.cos(pace * time)
        return rest - swing * pace / GRAVITY * place - swing**2 / (2 * GRAVITY)

    errors = []
    for cells in (40, 80, 160):
        settings = {"initial": "field", "bed": "field", "dimensions": 1, "extent": 4.0}
        simulator = ShallowWater(cells=cells, time=1.5 * np.pi / pace, frames=3, **settings)
        place = simulator.centres() - 2.0
        bed = rest * place**2
        given = {"initial": (("run", "x"), level(place, 0.0)[None]), "bed_level": (("run", "x"), bed[None])}
        raw = simulator.run(xr.Dataset(given))
        assert raw["failure"].item() == ""
        depths = np.array([np.maximum(level(place, time) - bed, 0.0) for time in raw["time"].values])
        errors.append(np.abs(raw["history_depth"].values[0] - depths).mean())
    assert errors[-1] < 5e-4
    assert np.log2(errors[0] / errors[-1]) / 2 > 1.0


def test_waves_over_a_smooth_bed_with_order_two():
    settings = {"initial": "field", "bed": "field", "dimensions": 1, "x_sides": "periodic", "extent": 1.0, "time": 0.1}
    found = {}
    for cells in (64, 128, 256):
        simulator = ShallowWater(cells=cells, **settings)
        x = 2 * np.pi * simulator.centres()
        bed, level = 0.3 * np.cos(x), 1 + 0.05 * np.sin(x + 1)
        raw = simulator.run(
            xr.Dataset({"initial": (("run", "x"), level[None]), "bed_level": (("run", "x"), bed[None])})
        )
        found[cells] = (simulator, raw)
    orders = {}
    for name in ("depth", "discharge_x"):
        differences = [
            np.abs(found[n][0].restrict(found[2 * n][1])[name] - found[n][1][name]).mean() for n in (64, 128)
        ]
        orders[name] = np.log2(np.array(differences[:-1]) / np.array(differences[1:]))
    np.testing.assert_allclose(orders["depth"], 2.0, atol=0.2)
    assert orders["discharge_x"].min() > 1.8  # it is small at first, and its order seems higher


@pytest.mark.parametrize("downstream", [1.0, 0.0])
def test_water_from_a_round_dam_is_kept_and_its_own_mirror_image(downstream):
    simulator = ShallowWater(cells=24, downstream=downstream, x_sides="wall", y_sides="wall", time=0.5, frames=2)
    given = xr.Dataset({"radius": ("run", [0.6, 1.2])})
    raw = simulator.run(given)
    assert (raw["failure"] == "").all()
    depth = raw["depth"].values
    for other in (depth[:, ::-1], depth[:, :, ::-1], depth.swapaxes(1, 2)):
        np.testing.assert_array_equal(other, depth)
    np.testing.assert_array_equal(raw["discharge_y"], raw["discharge_x"].values.swapaxes(1, 2))
    before = simulator.model_copy(update={"time": 1e-9, "frames": 0}).run(given)["mean_depth"]
    np.testing.assert_allclose(raw["mean_depth"], before, rtol=1e-14)
    np.testing.assert_allclose(before, downstream + (2 - downstream) * np.pi * given["radius"] ** 2 / 25, rtol=5e-3)


def test_the_front_of_a_round_dam_is_its_distance_from_the_middle():
    start = ShallowWater(cells=40, time=1e-9).run(xr.Dataset({"radius": ("run", [0.6, 1.2])}))
    np.testing.assert_allclose(start["front"], [0.6, 1.2], atol=5 / 40)
    odd = ShallowWater(cells=41, time=0.2).run(xr.Dataset({"radius": ("run", [0.6])}))
    even = ShallowWater(cells=40, time=0.2).run(xr.Dataset({"radius": ("run", [0.6])}))
    np.testing.assert_allclose(odd["front"], even["front"], atol=5 / 40)
    assert even["front"].item() > 0.6 + 0.2 * np.sqrt(GRAVITY)


def test_a_bump_parts_the_flood_and_water_is_kept():
    settings = {"downstream": 0.0, "bed": "bump", "bump_height": None, "x_sides": "wall", "y_sides": "wall"}
    simulator = ShallowWater(cells=20, time=0.6, **settings)
    given = xr.Dataset({"radius": ("run", [0.7, 0.7, 0.7]), "bump_height": ("run", [0.0, 0.3, -0.3])})
    raw = simulator.run(given)
    assert (raw["failure"] == "").all()
    before = simulator.model_copy(update={"time": 1e-9}).run(given)["mean_depth"]
    np.testing.assert_allclose(raw["mean_depth"], before, rtol=1e-13)
    flat = ShallowWater(cells=20, time=0.6, downstream=0.0, x_sides="wall", y_sides="wall").run(given[["radius"]])
    np.testing.assert_array_equal(raw["depth"][0], flat["depth"][0])
    top = raw["depth"].sel(x=3.5, y=2.5, method="nearest")
    assert top[1] < top[0] < top[2]
    np.testing.assert_array_equal(raw["depth"], raw["depth"][:, ::-1])
    turned = simulator.model_copy(update={"bump_x": 2.5, "bump_y": 3.5}).run(given)
    np.testing.assert_array_equal(turned["depth"], raw["depth"].values.swapaxes(1, 2))


def test_the_level_of_a_cut_cell_changes_smoothly_with_the_dam():
    places = 0.5 + np.linspace(0.0, 0.1, 41)
    mean = dam(cells=20, time=1e-9, downstream=0.25).run(at(places))["mean_depth"]
    np.testing.assert_allclose(mean, 0.25 + 0.75 * places, rtol=1e-13)


def radial_depth(radius, time, cells=1500):
    """PDEBench's dam break along a radius, by the method of Lax, Friedrichs and Rusanov: r h_t + (r h u)_r = 0 ..."""
    width, clock = 2.5 / cells, 0.0
    edges = width * np.arange(cells + 1)
    middle = edges[1:] - 0.5 * width
    depth, flow = np.where(middle < radius, 2.0, 1.0), np.zeros(cells)
    while clock < time:
        h, q = np.pad(depth, 1, mode="edge"), np.concatenate([[-flow[0]], flow, [flow[-1]]])
        speed = np.abs(q / h) + np.sqrt(h)
        step = min(0.45 * width / speed.max(), time - clock)
        speed = 0.5 * np.maximum(speed[1:], speed[:-1])
        momentum = q**2 / h + h**2 / 2
        mass_flux = edges * (0.5 * (q[1:] + q[:-1]) - speed * np.diff(h))
        momentum_flux = edges * (0.5 * (momentum[1:] + momentum[:-1]) - speed * np.diff(q))
        flow = flow + step * (depth**2 / 2 - np.diff(momentum_flux) / width) / middle
        depth = depth - step * np.diff(mass_flux) / (width * middle)
        clock += step
    return middle, depth


def test_the_round_dam_of_pdebench_as_along_a_radius():
    middle, depth = radial_depth(0.5, 1.0)
    errors = []
    for cells in (32, 64):
        simulator = ShallowWater(cells=cells, gravity=1.0, time=1.0)
        x, y = simulator.places()
        distance = np.hypot(x, y)
        found = simulator.run(xr.Dataset({"radius": ("run", [0.5])}))["depth"].values[0]
        errors.append(np.abs(found - np.interp(distance, middle, depth))[distance < 2.4].mean())
    assert errors[1] < 0.0125
    np.testing.assert_allclose(np.log2(errors[0] / errors[1]), 1.0, atol=0.2)
