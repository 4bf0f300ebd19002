"""What every conservation law promises: bits, frames, gauges, grids, and messages for what is bad."""

import numpy as np
import pytest
import xarray as xr
from pydantic import ValidationError

from surecast.simulate.checks import check_simulator
from surecast.simulate.euler import Euler
from surecast.simulate.shallow_water import ShallowWater
from surecast.study.errors import SimulationError

CASES = [
    (ShallowWater, {"initial": "radial_dam", "dimensions": 2}),
    (ShallowWater, {"initial": "dam", "dimensions": 1, "bed": "bump", "bump_height": None, "upstream": None}),
    (ShallowWater, {"initial": "field", "bed": "field", "dimensions": 2, "x_sides": "periodic", "y_sides": "wall"}),
    (Euler, {"initial": "shock_tube", "dimensions": 1, "density_right": None, "position": None}),
    (Euler, {"initial": "vortex", "dimensions": 2, "velocity_y": None, "x_sides": "periodic", "y_sides": "periodic"}),
    (Euler, {"initial": "field", "dimensions": 1, "pressure": None, "x_sides": "wall"}),
]
LOWS = {
    "radius": 0.5,
    "upstream": 2.0,
    "position": 0.45,
    "bump_height": 0.1,
    "pressure_left": 1.0,
    "density_right": 0.1,
}


def solver(kind, settings, **more):
    return kind(**{"cells": 12, "time": 0.1} | settings | more)


def inputs(simulator, runs=5):
    rng, made = np.random.default_rng(1), {}
    for name in simulator.input_names():
        grid = simulator.grids().get(name, {})
        if grid:
            made[name] = (("run", *grid), 0.3 * rng.standard_normal((runs, *(len(axis) for axis in grid.values()))))
        else:
            made[name] = ("run", LOWS.get(name, 1.0) * (1 + rng.random(runs)))
    return xr.Dataset(made)


def digest(raw):
    return {name: raw[name].values.tobytes() for name in raw.data_vars if name != "failure"}


@pytest.mark.parametrize(("kind", "settings"), CASES)
def test_what_every_simulator_passes(kind, settings):
    simulator = solver(kind, settings, frames=2, gauge_x=0.3)
    given = inputs(simulator, 2)
    check_simulator(simulator, given)
    raw = simulator.run(given)
    assert (raw["failure"] == "").all()
    assert set(simulator.variables()) == set(raw.data_vars) - {"failure"}
    for name in simulator.quantities:
        if name in raw:
            np.testing.assert_array_equal(raw[f"history_{name}"].isel(time=-1), raw[name])
            assert raw[name].dims == ("run", "y", "x")[:: 1 if simulator.dimensions == 2 else 2]
    half = simulator.model_copy(update={"time": 0.05, "frames": 0}).run(given)
    first = next(iter(simulator.quantities))
    np.testing.assert_array_equal(raw[f"history_{first}"].isel(time=0), half[first])
    np.testing.assert_allclose(raw["time"], [0.05, 0.1])


@pytest.mark.parametrize(("kind", "settings"), [CASES[1], CASES[3]])
def test_bits_depend_neither_on_the_batch_nor_on_the_order(kind, settings):
    simulator = solver(kind, settings, cells=60, time=0.1, gauge_x=0.5)
    given = inputs(simulator, 45)  # more than one batch
    whole = simulator.run(given)
    assert len(np.unique(whole["steps"])) > 1  # of runs beside each other, some have arrived before others
    pieces = [simulator.run(given.isel(run=slice(start, start + 7))) for start in range(0, 45, 7)]
    assert digest(xr.concat(pieces, "run", data_vars="all")) == digest(whole)
    order = np.random.default_rng(5).permutation(45)
    assert digest(simulator.run(given.isel(run=order))) == digest(whole.isel(run=order))


@pytest.mark.parametrize(("kind", "settings"), CASES)
def test_a_hierarchy_of_grids(kind, settings):
    simulator = solver(kind, settings, cells=16, frames=2)
    fine = simulator.refined()
    assert [one.cells for one in (fine, *simulator.coarser())] == [32, 8]
    assert solver(kind, settings, cells=64).coarser()[-1].cells == 8
    assert fine.work() == 2 ** (1 + simulator.dimensions) * simulator.work()
    if simulator.grids():
        return  # its fields would be others
    given = inputs(simulator, 2)
    found, refined = simulator.run(given), simulator.restrict(fine.run(given))
    np.testing.assert_allclose(refined["x"], found["x"])
    first = next(iter(simulator.quantities))
    assert refined[f"history_{first}"].shape == found[f"history_{first}"].shape
    assert float(np.abs(refined[first] - found[first]).mean()) < 0.05
    mean = next(iter(simulator.means))
    np.testing.assert_allclose(refined[first].mean(simulator.dims), refined[mean], rtol=1e-13)


def test_a_gauge_records_the_largest_value_at_any_time():
    settings = {"initial": "dam", "dimensions": 1, "cells": 50, "x_sides": "wall", "extent": 1.0, "frames": 20}
    given = xr.Dataset({"position": ("run", [0.3, 0.5])})
    raw = ShallowWater(**settings, gauge_x=0.81, time=0.4).run(given)
    history = raw["history_depth"]
    at_gauge = history.sel(x=0.81, method="nearest").max("time")
    assert (raw["gauge_depth"] >= at_gauge - 1e-12).all()
    np.testing.assert_allclose(raw["gauge_depth"], at_gauge, rtol=0.02)
    assert (raw["gauge_depth"] > history.sel(x=0.81, method="nearest").isel(time=-1)).all()
    edge = ShallowWater(**settings, gauge_x=1.0, time=1e-9).run(given)
    np.testing.assert_array_equal(edge["gauge_depth"], 1.0)


def test_a_gauge_in_a_square_is_linear_between_centres():
    settings = {"initial": "field", "bed": "field", "cells": 8, "extent": 8.0, "time": 1e-9}
    simulator = ShallowWater(**settings, gauge_x=3.2, gauge_y=6.1)
    x, y = np.meshgrid(simulator.centres(), simulator.centres())
    level, bed = np.full((1, 8, 8), 2.0), (0.1 * x + 0.05 * y)[None]
    raw = simulator.run(xr.Dataset({"initial": (("run", "y", "x"), level), "bed_level": (("run", "y", "x"), bed)}))
    np.testing.assert_allclose(raw["gauge_depth"], 2 - 0.32 - 0.305, rtol=1e-13)


@pytest.mark.parametrize("kind", [ShallowWater, Euler])
def test_a_wall_is_a_mirror(kind):
    given = {"initial": 0.3 * np.random.default_rng(2).standard_normal((1, 32))}
    settings = {"initial": "field", "dimensions": 1, "time": 0.3}
    if kind is ShallowWater:
        settings["bed"], given["bed_level"] = "field", given["initial"][:, ::-1] - 0.5
    wide = {name: np.concatenate([values, values[:, ::-1]], axis=1) for name, values in given.items()}

    def run(values, **more):
        return kind(**settings, **more).run(xr.Dataset({name: (("run", "x"), values[name]) for name in values}))

    half = run(given, cells=32, extent=1.0, x_sides="wall")
    whole = run(wide, cells=64, extent=2.0, x_sides="periodic")
    for name in kind.quantities:
        if name in half:
            np.testing.assert_array_equal(whole[name][:, :32], half[name])


@pytest.mark.parametrize("kind", [ShallowWater, Euler])
def test_what_flows_out_does_not_come_back(kind):
    simulator = kind(initial="field", dimensions=1, cells=64, extent=1.0, time=0.3 if kind is ShallowWater else 0.8)
    level = 1 if kind is ShallowWater else 0
    pulse = level + 0.01 * np.exp(-(((simulator.centres() - 0.5) / 0.1) ** 2))
    raw = simulator.run(xr.Dataset({"initial": (("run", "x"), pulse[None])}))
    rest = raw[simulator.gauged[2]]
    assert np.abs(rest - 1).max() < 1e-4


def test_the_card():
    card = ShallowWater(cells=32, bed="bump", x_sides="wall").card()
    assert card["parameters"]["upstream"] == "2 m"
    assert "radius" not in card["parameters"]
    assert card["domain"] == "0 <= x, y <= 5 (m), 0 <= t <= 0.3 (s)"
    assert card["boundary_conditions"] == "wall at x = 0 and x = extent, outflow at y = 0 and y = extent"
    assert card["resolution"] == "32 x 32 cells, Courant number 0.4"
    assert "bump_height" in card["initial_condition"]
    card = Euler(dimensions=1).card()
    assert card["domain"] == "0 <= x <= 1 (m), 0 <= t <= 0.2 (s)"
    assert card["units"]["velocity_x"] == "m/s"
    assert "velocity_y" not in card["units"]


def test_defaults_need_one_input():
    assert ShallowWater().input_names() == ("radius",)
    assert ShallowWater(initial="dam").input_names() == ("position",)
    assert Euler().input_names() == ("pressure_left",)
    assert Euler(initial="vortex").input_names() == ("strength",)
    assert Euler(initial="field").input_names() == ("initial",)
    assert ShallowWater(bed="field", upstream=None).input_names() == ("bed_level", "upstream", "radius")
    assert ShallowWater(bed="field", upstream=None).input_units() == {"upstream": "m", "radius": "m"}


@pytest.mark.parametrize(
    ("kind", "settings", "key", "message"),
    [
        (ShallowWater, {"radius": 0.5}, "upstream", "leaves no input"),
        (ShallowWater, {"position": 0.5}, "position", "has no part in what is chosen"),
        (ShallowWater, {"bump_height": 0.5}, "bump_height", "has no part in what is chosen"),
        (ShallowWater, {"bed": "bump", "bump_radius": 0.0}, "bump_radius", "bump_radius is not positive"),
        (ShallowWater, {"bed": "bump", "dimensions": 1, "bump_y": 1.0}, "bump_y", "has no part in what is chosen"),
        (ShallowWater, {"dimensions": 1, "y_sides": "wall"}, "y_sides", "has no part in what is chosen"),
        (ShallowWater, {"gauge_y": 1.0}, "gauge_y", "has no part in what is chosen"),
        (ShallowWater, {"gauge_x": 5.5}, "gauge_x", "lies beyond extent = 5"),
        (ShallowWater, {"x_sides": "open"}, None, "'wall', 'outflow' or 'periodic'"),
        (ShallowWater, {"courant": 0.6}, None, "less than or equal to 0.5"),
        (Euler, {"strength": None}, "strength", "has no part in what is chosen"),
        (Euler, {"density_right": 0.0}, "density_right", "density_right is not positive"),
        (Euler, {"pressure_left": np.inf}, None, "finite number"),
        (Euler, {"initial": "vortex", "dimensions": 1}, "dimensions", "is too few for a vortex"),
    ],
)
def test_refused_settings(kind, settings, key, message):
    with pytest.raises(ValidationError, match=message) as caught:
        kind(**settings)
    assert caught.value.errors()[0].get("ctx", {}).get("key") == key


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda given: given.drop_vars("upstream"), "lacks its input 'upstream'"),
        (lambda given: given.isel(x=slice(0, 8)), r"bed_level has dimensions .*, not run: 2, y: 12, x: 12"),
        (lambda given: given.isel(run=slice(0, 0)), "no runs"),
        (lambda given: given.assign(upstream=given["bed_level"]), "not run: 2. "),
    ],
)
def test_refused_inputs(change, message):
    simulator = ShallowWater(cells=12, bed="field", upstream=None)
    with pytest.raises(SimulationError, match=message):
        simulator.run(change(inputs(simulator, 2)))


@pytest.mark.parametrize(("kind", "settings"), CASES)
def test_a_bad_input_is_a_failed_run_and_harms_no_other(kind, settings):
    simulator = solver(kind, settings, cells=8)
    given = inputs(simulator, 4)
    before = digest(simulator.run(given).isel(run=[0, 1, 3]))
    name = simulator.input_names()[0]
    given = given.copy(deep=True)
    given[name][2] = np.nan
    raw = simulator.run(given)
    assert raw["failure"].values.tolist() == ["", "", f"{name} is not finite", ""]
    assert digest(raw.isel(run=[0, 1, 3])) == before
