"""Outputs against their definitions; the volume form of the outflow against the boundary's faces."""

import numpy as np
import pytest
import xarray as xr

from surecast.simulate.groundwater import Groundwater
from surecast.simulate.outputs import BoundaryFlux, Maximum, Mean, Minimum, Reduction, Variable, as_simulated
from surecast.study.errors import SimulationError


@pytest.fixture(scope="module")
def simulation():
    rng = np.random.default_rng(0)
    simulator = Groundwater(cells=16, tolerance=1e-13)
    inputs = xr.Dataset(
        {
            "permeability": (("run", "y", "x"), rng.standard_normal((6, 16, 16))),
            "head": ("run", rng.uniform(0.5, 1.5, 6)),
            "well": ("run", rng.uniform(0.2, 2.0, 6)),
        }
    )
    return simulator, inputs, simulator.run(inputs)


@pytest.mark.parametrize("side", ["left", "right"])
def test_volume_form_of_the_outflow(simulation, side):
    simulator, inputs, raw = simulation
    output = BoundaryFlux(side=side)
    exact = output.from_simulation(inputs, raw)
    np.testing.assert_array_equal(exact, raw["boundary_flux"].sel(side=side))
    volume = output.from_prediction(inputs, raw[["flux_x"]], simulator)
    np.testing.assert_allclose(volume, exact, rtol=0, atol=1e-10)
    assert exact.attrs["units"] == volume.attrs["units"] == "m2/day"
    assert exact.dims == volume.dims == ("run",)


def test_volume_form_needs_the_flux(simulation):
    simulator, inputs, raw = simulation
    assert BoundaryFlux(side="right").from_prediction(inputs, raw[["pressure"]], simulator) is None


def test_maximum_minimum_mean(simulation):
    simulator, inputs, raw = simulation
    values = raw["pressure"].values
    for kind, function in ((Maximum, np.max), (Minimum, np.min), (Mean, np.mean)):
        output = kind(of="pressure")
        array = output.from_simulation(inputs, raw)
        np.testing.assert_allclose(array, function(values, axis=(1, 2)), rtol=1e-14)
        assert array.attrs["units"] == "m"
        assert not output.is_field(simulator)
        assert output.from_prediction(inputs, raw[["flux_x"]], simulator) is None
        np.testing.assert_array_equal(output.from_prediction(inputs, raw[["pressure"]], simulator), array)


def test_nan_stays_nan(simulation):
    _, inputs, raw = simulation
    broken = raw.copy(deep=True)
    broken["pressure"][2, 0, 0] = np.nan
    assert np.isnan(Maximum(of="pressure").from_simulation(inputs, broken)).values.tolist() == [0, 0, 1, 0, 0, 0]


def test_variable_and_units(simulation):
    simulator, inputs, raw = simulation
    output = Variable(of="pressure", units="cm")
    assert output.is_field(simulator)
    assert output.dimensions(simulator) == ("y", "x")
    array = output.from_simulation(inputs, raw)
    np.testing.assert_allclose(array, 100 * raw["pressure"], rtol=1e-14)
    assert array.attrs["units"] == "cm"
    assert raw["pressure"].attrs["units"] == "m"


def trajectory():
    times = [0.0, 0.5, 1.0]
    values = np.arange(24.0).reshape(2, 3, 4)
    return xr.Dataset({"u": (("run", "time", "x"), values, {"units": "m/s"})}, coords={"time": times})


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"at": {"time": 0.5}}, [[4, 5, 6, 7], [16, 17, 18, 19]]),
        ({"reduce": Reduction(over="time", by="max")}, [[8, 9, 10, 11], [20, 21, 22, 23]]),
        ({"reduce": Reduction(over="time", by="first")}, [[0, 1, 2, 3], [12, 13, 14, 15]]),
        ({"reduce": Reduction(over=["time", "x"], by="last")}, [11, 23]),
        ({"at": {"time": 1.0}, "reduce": Reduction(over="x", by="mean")}, [9.5, 21.5]),
        ({"reduce": Reduction(over=["time", "x"], by="min")}, [0, 12]),
    ],
)
def test_slices_and_reductions(settings, expected):
    array = Variable(of="u", **settings).from_simulation(xr.Dataset(), trajectory())
    np.testing.assert_array_equal(array, expected)
    assert array.attrs["units"] == "m/s"


@pytest.mark.parametrize(
    ("output", "message"),
    [
        (Variable(of="v"), "returned no 'v'"),
        (Variable(of="u", at={"time": 0.3}), "not given at time = 0.3"),
        (Variable(of="u", at={"depth": 0.3}), "no dimension 'depth'"),
        (Variable(of="u", reduce=Reduction(over="y", by="max")), "no dimension 'y'"),
        (BoundaryFlux(side="right"), "returned no 'boundary_flux'"),
    ],
)
def test_what_the_simulation_lacks(output, message):
    with pytest.raises(SimulationError, match=message):
        output.from_simulation(xr.Dataset(), trajectory())


def test_maximum_of_a_scalar():
    with pytest.raises(SimulationError, match="one number per run"):
        Maximum(of="y").from_simulation(xr.Dataset(), xr.Dataset({"y": ("run", [1.0, 2.0])}))


def test_check_names_what_there_is():
    with pytest.raises(SimulationError, match=r"no 'presure'.*pressure"):
        Maximum(of="presure").check(Groundwater(cells=16))


def test_predicted_fields_get_the_simulators_names():
    outputs = {
        "p": Variable(of="pressure"),
        "slice": Variable(of="u", at={"time": 1.0}),
        "peak": Maximum(of="pressure"),
    }
    predicted = xr.Dataset({"p": ("x", [1.0]), "slice": ("x", [2.0]), "peak": 3.0})
    found = as_simulated(outputs, predicted)
    assert set(found.data_vars) == {"pressure"}
