"""What every flow in a rectangle promises."""

import numpy as np
import pytest
import xarray as xr
from pydantic import ValidationError

from surecast.simulate import plane_flow
from surecast.simulate.boussinesq import Boussinesq
from surecast.simulate.checks import check_simulator
from surecast.simulate.cylinder import Cylinder
from surecast.simulate.lid_driven_cavity import LidDrivenCavity
from surecast.simulate.tube import Tube
from surecast.study.errors import SimulationError

EVERY = [LidDrivenCavity, Tube, Cylinder, Boussinesq]
INPUTS = {
    LidDrivenCavity: {"lid_speed": [1.0, 0.5, -2.0], "viscosity": [0.02, 0.1, 0.05], "width": [1.0, 2.0, 0.7]},
    Tube: {"viscosity": [0.02, 0.1, 0.05], "length": [3.0, 4.0, 2.0], "height": [1.0, 0.5, 2.0]},
    Cylinder: {"density": [1.0, 2.0, 0.5], "viscosity": [0.05, 0.1, 0.02], "centre_y": [1.5, 1.3, 1.61]},
    Boussinesq: {"rayleigh": [1e3, 2e3, 0.0], "aspect": [1.0, 2.0, 0.5]},
}
SETTINGS = {
    Cylinder: {"length": 4.0, "height": 3.0, "centre_x": 1.2, "time": 0.8},
    Boussinesq: {"time": 0.04},
    LidDrivenCavity: {"time": 0.4},
    Tube: {"time": 0.8},
}


def solver(kind, **settings):
    given = {"columns": 16, "rows": 12, "steps": 16} | SETTINGS[kind] | dict.fromkeys(INPUTS[kind]) | settings
    return kind(**given)


def inputs(kind, rows=slice(None)):
    return xr.Dataset({name: ("run", np.array(values)[rows]) for name, values in INPUTS[kind].items()})


def digest(raw):
    return {name: raw[name].values.tobytes() for name in raw.data_vars if name != "failure"}


@pytest.fixture(scope="module", params=EVERY, ids=lambda kind: kind.__name__)
def flow(request):
    simulator = solver(request.param, frames=4)
    return simulator, simulator.run(inputs(request.param))


@pytest.mark.parametrize("kind", EVERY)
def test_what_every_simulator_passes(kind):
    check_simulator(solver(kind), inputs(kind))


def test_bits_depend_neither_on_the_batch_nor_on_the_order(flow, monkeypatch):
    simulator, raw = flow
    for cells in (16 * 12, 2 * 16 * 12):  # one run and two runs at once
        monkeypatch.setattr(plane_flow, "CELLS_AT_ONCE", cells)
        assert digest(simulator.run(inputs(type(simulator)))) == digest(raw)
    order = [2, 0, 1]
    assert digest(simulator.run(inputs(type(simulator), order))) == digest(raw.isel(run=order))


def test_what_is_returned_is_what_is_stated(flow):
    simulator, raw = flow
    assert (raw["failure"] == "").all()
    assert set(simulator.variables()) == set(raw.data_vars) - {"failure"}
    assert set(simulator.diagnostics) <= set(raw.data_vars)
    assert simulator.input_names() == tuple(INPUTS[type(simulator)])
    assert set(simulator.input_units()) == set(simulator.input_names())
    for name in simulator.state():
        np.testing.assert_array_equal(raw[f"history_{name}"].isel(time=-1), raw[name])
    np.testing.assert_allclose(raw["time"], simulator.time * np.array([0.25, 0.5, 0.75, 1.0]))
    np.testing.assert_allclose(raw["x"], (np.arange(16) + 0.5) / 16)
    energy = 0.5 * (raw["velocity_x"] ** 2 + raw["velocity_y"] ** 2).mean(("y", "x"))
    np.testing.assert_allclose(raw["energy"], energy, rtol=1e-12)
    assert float(raw["divergence"].max()) < 1e-10


def test_frames_are_states_on_the_way(flow):
    simulator, raw = flow
    half = simulator.model_copy(update={"time": 0.5 * simulator.time, "steps": 8, "frames": 0})
    found = half.run(inputs(type(simulator)))
    assert "history_velocity_x" not in found
    np.testing.assert_array_equal(raw["history_velocity_y"].isel(time=1), found["velocity_y"])


def test_a_refined_run_is_close_on_the_same_grid(flow):
    simulator, raw = flow
    fine = simulator.restrict(simulator.refined().run(inputs(type(simulator))))
    assert fine["velocity_x"].shape == raw["velocity_x"].shape
    xr.testing.assert_allclose(fine["x"], raw["x"])
    xr.testing.assert_allclose(fine["y"], raw["y"])
    difference = np.sqrt(((fine["velocity_x"] - raw["velocity_x"]) ** 2).mean(("y", "x")))
    size = np.sqrt((raw["velocity_x"] ** 2).mean(("y", "x")))
    moving = size.values > 0
    assert (difference.values[moving] < 0.25 * size.values[moving]).all()
    assert simulator.refined().work() == 8 * simulator.work()


def test_a_run_at_fault_fails_alone(flow):
    simulator, raw = flow
    given = inputs(type(simulator))
    name = simulator.input_names()[-1]
    given[name][1] = np.nan
    found = simulator.run(given)
    assert found["failure"].values.tolist() == ["", f"{name} is not finite", ""]
    assert digest(found.isel(run=[0, 2])) == digest(raw.isel(run=[0, 2]))
    positive = next(name for name in simulator.input_names() if name in simulator.positive)
    given = inputs(type(simulator))
    given[positive][0] = 0.0
    assert simulator.run(given)["failure"].values.tolist() == [f"{positive} is not positive", "", ""]


def test_coarser_grids_keep_the_frames():
    simulator = LidDrivenCavity(columns=64, rows=48, steps=160, frames=10)
    sizes = [tuple(one.resolution().values()) for one in simulator.coarser()]
    assert sizes == [(32, 24, 80), (16, 12, 40), (8, 6, 20)]
    assert LidDrivenCavity(columns=6, rows=8).coarser() == []


def test_steps_that_are_too_long_fail_with_a_message():
    simulator = LidDrivenCavity(columns=16, rows=16, time=20.0, steps=40, viscosity=None)
    failure = simulator.run(xr.Dataset({"viscosity": ("run", [0.5, 1e-4])}))["failure"].values
    assert failure[0].startswith("the Courant number reaches ")
    assert failure[0].endswith(", above 1; take more steps")
    assert failure[1] == "the flow became unstable (not finite at 20 s); take more steps"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"steps": 10, "frames": 3}, "steps = 10 is no multiple of frames = 3"),
        ({"viscosity": 0.1}, "leaves no input"),
        ({"width": -1.0}, "is not positive"),
        ({"density": float("inf")}, "finite number"),
        ({"lid_speed": "fast"}, "valid number"),
    ],
)
def test_settings_that_are_impossible(settings, message):
    with pytest.raises(ValidationError, match=message):
        LidDrivenCavity(**settings)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (xr.Dataset({"width": ("run", [1.0])}), "lacks its input 'viscosity'"),
        (xr.Dataset({"viscosity": (("run", "x"), [[1.0, 2.0]])}), "viscosity has dimensions"),
        (xr.Dataset({"viscosity": ("run", np.empty(0))}), "no runs"),
    ],
)
def test_refused_inputs(given, message):
    with pytest.raises(SimulationError, match=message):
        LidDrivenCavity(columns=8, rows=8).run(given)


def test_cards_name_what_a_reader_needs():
    card = Tube(columns=8, rows=8, height=None).card()
    assert card["domain"] == "rectangle, 6 x height; 0 <= t <= 10 (s)"
    assert card["parameters"]["length"] == "6 m"
    assert "x over length" in card["grid"]
    assert card["units"]["pressure"] == "Pa"
    assert "1/s" in card["units"]["unsteadiness"]
    assert "inlet_speed" in card["boundary_conditions"]
    assert "no shear" in Cylinder().card()["boundary_conditions"]
    assert "velocity 0 at y = 0" in Cylinder(sides="walls", inlet="developed").card()["boundary_conditions"]
