"""What every problem of nonlinear diffusion on an interval promises."""

import numpy as np
import pytest
import xarray as xr
from pydantic import ValidationError

from surecast.simulate import interval
from surecast.simulate.checks import check_simulator
from surecast.simulate.diffusion_sorption import DiffusionSorption
from surecast.simulate.porous_medium import PorousMedium
from surecast.simulate.stefan import Stefan
from surecast.study.errors import SimulationError

RUNS = 21
EVERY = [PorousMedium, Stefan, DiffusionSorption]
RANGES = {PorousMedium: ("exponent", 1.0, 6.0), Stefan: ("threshold", 0.5, 0.7), DiffusionSorption: ("initial", 0, 0.2)}


def solver(kind, **settings):
    return kind(**{"cells": 32, "steps": 40} | settings)


def inputs(kind, runs=RUNS):
    name, low, high = RANGES[kind]
    return xr.Dataset({name: ("run", np.linspace(low, high, RUNS)[:runs])})


def digest(raw):
    return {name: raw[name].values.tobytes() for name in raw.data_vars if name != "failure"}


@pytest.mark.parametrize("kind", EVERY)
def test_defaults_need_the_input_of_the_benchmark_alone(kind):
    simulator = solver(kind)
    assert simulator.input_names() == (RANGES[kind][0],)
    raw = simulator.run(inputs(kind))
    assert (raw["failure"] == "").all()
    assert float(raw["mass_balance"].max()) < 1e-12
    if kind is not DiffusionSorption:  # whose initial state is not empty
        np.testing.assert_allclose(raw["mass"], raw["inflow"] - raw["outflow"], rtol=1e-12)


@pytest.mark.parametrize("kind", EVERY)
def test_bits_depend_neither_on_the_batch_nor_on_the_order(kind):
    simulator, given = solver(kind), inputs(kind)
    whole = simulator.run(given)
    pieces = [simulator.run(given.isel(run=slice(start, start + 5))) for start in range(0, RUNS, 5)]
    assert digest(xr.concat(pieces, "run", data_vars="all")) == digest(whole)
    order = np.random.default_rng(5).permutation(RUNS)
    assert digest(simulator.run(given.isel(run=order))) == digest(whole.isel(run=order))


@pytest.mark.parametrize("kind", EVERY)
def test_what_every_simulator_passes(kind):
    simulator = solver(kind, frames=4, initial="field", left=None, right="closed")
    names = simulator.input_names()
    assert names[0] == "initial"
    rng = np.random.default_rng(2)
    given = {"left": 0.9, "exponent": 1.5, "threshold": 0.6}
    states = 0.2 + 0.8 * rng.random((3, 1)) * np.linspace(1.0, 0.0, 32) ** 2
    made = xr.Dataset({"initial": (("run", "x"), states)})
    made = made.assign({name: ("run", given[name] * np.array([1.0, 1.1, 0.9])) for name in names[1:]})
    check_simulator(simulator, made)
    raw = simulator.run(made)
    assert (raw["failure"] == "").all()
    np.testing.assert_array_equal(raw["history"].isel(time=-1), raw["solution"])
    half = simulator.model_copy(update={"time": 0.5 * simulator.time, "steps": 20, "frames": 0}).run(made)
    np.testing.assert_allclose(raw["history"].isel(time=1), half["solution"], rtol=1e-12)
    np.testing.assert_allclose(raw["time"], simulator.time * np.array([0.25, 0.5, 0.75, 1.0]))
    assert set(simulator.variables()) == set(raw.data_vars) - {"failure"}
    assert set(simulator.input_units()) == set(names)
    assert "no flow at x = extent" in simulator.card()["boundary_conditions"]


@pytest.mark.parametrize("kind", EVERY)
def test_what_is_closed_keeps_its_amount(kind):
    simulator = solver(kind, initial="field", left="closed", right="closed")
    given = xr.Dataset() if kind is DiffusionSorption else inputs(kind, 4)
    x = simulator.grids()["initial"]["x"]
    states = 0.2 + np.linspace(0.5, 1.0, 4)[:, None] * np.exp(-(((x - 0.4) / 0.1) ** 2))
    given["initial"] = (("run", "x"), states)
    raw = simulator.run(given)
    start = simulator.model_copy(update={"time": 1e-9 * simulator.time}).run(given)
    np.testing.assert_allclose(raw["mass"], start["mass"], rtol=1e-12)
    assert not raw["inflow"].values.any()
    assert not raw["outflow"].values.any()
    assert float(np.abs(raw["solution"] - states).max()) > 0.1


@pytest.mark.parametrize("kind", EVERY)
def test_a_hierarchy_of_grids(kind):
    simulator = solver(kind, frames=5)
    assert [(one.cells, one.steps) for one in simulator.coarser()] == [(16, 20), (8, 10), (4, 5)]
    fine = simulator.refined()
    assert (fine.cells, fine.steps) == (64, 80)
    assert fine.work() == 4 * simulator.work()
    given = inputs(kind, 3)
    found, refined = simulator.run(given), simulator.restrict(fine.run(given))
    np.testing.assert_allclose(refined["x"], found["x"])
    assert refined["history"].shape == found["history"].shape
    assert float(np.abs(refined["solution"] - found["solution"]).mean()) < 0.02
    np.testing.assert_allclose(refined["mass"], found["mass"], rtol=0.01)


@pytest.mark.parametrize("kind", EVERY)
def test_a_bad_input_is_a_failed_run_and_harms_no_other(kind):
    simulator, given = solver(kind, left=None), inputs(kind, 5).assign(left=("run", np.full(5, 0.8)))
    others = [0, 1, 2, 4]
    before = digest(simulator.run(given).isel(run=others))
    given = given.copy(deep=True)
    given["left"][3] = np.nan
    raw = simulator.run(given)
    assert raw["failure"].values.tolist() == ["", "", "", "left is not finite", ""]
    assert digest(raw.isel(run=others)) == before


def test_a_mass_balance_that_is_off_is_a_failed_run(monkeypatch):
    monkeypatch.setattr(interval, "LARGEST_IMBALANCE", -1.0)
    raw = solver(Stefan).run(inputs(Stefan, 2))
    assert raw["failure"].values.tolist() == ["the mass balance of a step is off by more than -1"] * 2


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda given: given.drop_vars("exponent"), "lacks its input 'exponent'"),
        (lambda given: given.isel(x=slice(0, 8)), r"initial has dimensions .*, not run: 2, x: 32"),
        (lambda given: given.isel(run=slice(0, 0)), "no runs"),
        (lambda given: given.assign(exponent=given["initial"]), "not run: 2. "),
    ],
)
def test_refused_inputs(change, message):
    given = inputs(PorousMedium, 2).assign(initial=(("run", "x"), np.ones((2, 32))))
    with pytest.raises(SimulationError, match=message):
        solver(PorousMedium, initial="field").run(change(given))


@pytest.mark.parametrize(
    ("kind", "settings", "message"),
    [
        (PorousMedium, {"steps": 40, "frames": 3}, "no multiple"),
        (PorousMedium, {"exponent": -1.0}, "exponent is negative"),
        (PorousMedium, {"diffusivity": 0.0}, "diffusivity is not positive"),
        (PorousMedium, {"exponent": 0.0, "initial": None}, "wave needs a positive one"),
        (PorousMedium, {"exponent": 2.0}, "leaves no input"),
        (PorousMedium, {"right": "wave"}, "closed"),
        (Stefan, {"right": "open"}, "closed"),
        (Stefan, {"diffusivity_below": -0.1}, "diffusivity_below is negative"),
        (DiffusionSorption, {"porosity": 1.2}, "porosity is above 1"),
        (DiffusionSorption, {"porosity": 0.0}, "porosity is not positive"),
        (DiffusionSorption, {"initial": -0.1, "exponent": None}, "initial is negative"),
    ],
)
def test_refused_settings(kind, settings, message):
    with pytest.raises(ValidationError, match=message):
        kind(**settings)
