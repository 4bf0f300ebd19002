"""Flow past a cylinder against the channel of Schaefer and Turek, known Strouhal numbers, and geometry that varies."""

import numpy as np
import pytest
import xarray as xr

from surecast.simulate.cylinder import Cylinder, frequency

# Schaefer and Turek's channel in diameters: walls, a parabola of the mean speed 1.
CHANNEL = {
    "columns": 88, "rows": 41, "length": 8.8, "height": 4.1, "centre_x": 2.0, "centre_y": 2.0, "sides": "walls",
    "inlet": "developed",
}  # fmt: skip


def test_drag_and_lift_in_a_channel():
    # Test case 2D-1: Reynolds number 20, steady; drag 5.5795 and lift 0.010619 (Nabh 1998, by a spectral method).
    raw = Cylinder(**CHANNEL, time=15.0, steps=540).run(xr.Dataset({"viscosity": ("run", [1 / 20])}))
    assert raw["failure"].item() == ""
    assert raw["drag"].item() == pytest.approx(5.5795, rel=0.015)
    assert raw["lift"].item() == pytest.approx(0.010619, rel=0.15)
    assert raw["strouhal"].item() == 0.0
    assert raw["unsteadiness"].item() < 1e-3
    assert raw["divergence"].item() < 1e-12


@pytest.fixture(scope="module")
def street():
    """A wide stream at the Reynolds number 120, six cells across the cylinder."""
    simulator = Cylinder(columns=84, rows=48, length=14.0, time=72.0, steps=1120, frames=2, centre_x=3.0)
    return simulator.run(xr.Dataset({"viscosity": ("run", [1 / 120])}))


def test_vortices_are_shed_with_the_known_strouhal_number(street):
    assert street["failure"].item() == ""
    assert 0.14 < street["strouhal"].item() < 0.22
    assert 1.2 < street["drag"].item() < 1.7
    assert 0.1 < street["lift_amplitude"].item() < 0.6
    assert abs(street["lift"].item()) < 0.03
    assert street["unsteadiness"].item() > 0.1


def test_fluid_in_the_cylinder_is_still(street):
    x, y = 14.0 * street["x"].values - 3.0, 8.0 * street["y"].values[:, None] - 4.0
    speed = np.hypot(street["velocity_x"].values[0], street["velocity_y"].values[0])
    assert speed[np.hypot(x, y) < 0.3].max() < 0.05
    assert speed[:, 0].max() > 0.9


@pytest.mark.parametrize("name", ["diameter", "centre_x", "centre_y"])
def test_drag_varies_smoothly_with_the_geometry(name):
    """A mask that were all or nothing would make drag piecewise constant."""
    start = {"diameter": 1.0, "centre_x": 1.5, "centre_y": 2.0}[name]
    values = start + 0.25 * np.arange(9) / 9  # a cell
    settings = {"columns": 16, "rows": 16, "length": 4.0, "height": 4.0, "centre_x": 1.5, "centre_y": 2.0, name: None}
    simulator = Cylinder(**settings, time=4.0, steps=80, viscosity=0.05)
    raw = simulator.run(xr.Dataset({name: ("run", values)}))
    assert (raw["failure"] == "").all()
    drag = raw["drag"].values
    if name == "diameter":
        changes = np.diff(drag * values)  # the force
        assert (changes > 0).all()
        assert changes.max() < 4 * changes.min()
    else:
        assert np.ptp(drag) < 0.15 * drag.mean()
        assert np.abs(np.diff(drag)).max() < 0.08 * drag.mean()


def test_half_of_the_force_is_that_of_half_the_density():
    given = xr.Dataset({"density": ("run", [1.0, 2.0])})
    settings = {"columns": 16, "rows": 12, "length": 4.0, "height": 3.0, "centre_x": 1.5, "centre_y": 1.5}
    simulator = Cylinder(**settings, time=2.0, steps=40, viscosity=0.1, density=None)
    raw = simulator.run(given)
    one = simulator.model_copy(update={"density": 1.0, "viscosity": None}).run(
        xr.Dataset({"viscosity": ("run", [0.05])})
    )
    for name in ("drag", "velocity_x"):
        np.testing.assert_allclose(raw[name].values[1], one[name].values[0], rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(raw["pressure"].values[1], 2 * one["pressure"].values[0], rtol=1e-10, atol=1e-11)


def test_coarser_grids_resolve_the_cylinder_as_far_as_its_size_is_known():
    assert [one.resolution()["columns"] for one in Cylinder().coarser()] == [64]
    assert [one.resolution()["columns"] for one in Cylinder(diameter=None).coarser()] == [64, 32, 16]


def test_frequency_of_a_wave():
    time = np.arange(400)
    assert frequency(np.sin(2 * np.pi * 0.0173 * time + 1)) == pytest.approx(0.0173, rel=1e-3)
    assert frequency(np.ones(10)) == 0.0
    assert frequency(np.linspace(-1, 1, 10)) == 0.0


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"centre_x": 0.4}, "the cylinder does not lie inside the domain"),
        ({"centre_y": 2.6}, "the cylinder does not lie inside the domain"),
        ({"diameter": 0.9}, "the cylinder is less than 4 cells across; take more"),
        ({"diameter": -1.0}, "diameter is not positive"),
    ],
)
def test_geometry_that_is_none(given, message):
    settings = {"columns": 16, "rows": 12, "length": 4.0, "height": 3.0, "viscosity": 0.1}
    varied = {"diameter": 1.0, "centre_x": 1.5, "centre_y": 1.5}
    simulator = Cylinder(**settings, time=0.2, steps=4, **dict.fromkeys(varied))
    rows = {name: ("run", [value, given.get(name, value)]) for name, value in varied.items()}
    assert simulator.run(xr.Dataset(rows))["failure"].values.tolist() == ["", message]
