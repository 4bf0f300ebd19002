"""The plate with a hole against Kirsch's and Inglis' stress concentrations, scalings, and a refined mesh."""

import numpy as np
import pytest
import xarray as xr
from pydantic import ValidationError

from surecast.simulate import kirsch
from surecast.simulate.checks import check_simulator
from surecast.simulate.elasticity import LinearElasticity
from surecast.simulate.plane_elasticity import Material
from surecast.study.errors import SimulationError

STEEL = {"young": 2e11, "poisson": 0.3, "load": 1e8, "radius": 0.2}


def given(**inputs):
    return xr.Dataset({name: ("run", np.asarray(values, dtype=float)) for name, values in inputs.items()})


def of(**settings):
    return LinearElasticity(**{**STEEL, **settings})


@pytest.mark.parametrize("plane", ["stress", "strain"])
def test_a_plate_cut_out_of_an_infinite_one_is_kirschs(plane):
    errors = []
    for cells in (8, 16):
        simulator = of(cells=cells, outer="infinite", plane=plane, radius=None)
        raw = simulator.run(given(radius=[0.2]))
        assert raw["failure"].values.tolist() == [""]
        x, y = raw["position_x"].values[0], raw["position_y"].values[0]
        material = Material(2e11, 0.3, plane)
        stress = kirsch.stress(x, y, 1e8, 0.2)
        displacement = kirsch.displacement(x, y, 1e8, 0.2, material.shear_modulus, material.kolosov)
        found = {
            "displacement_x": displacement[0],
            "displacement_y": displacement[1],
            "stress_x": stress[0],
            "stress_y": stress[1],
            "stress_xy": stress[2],
            "von_mises": material.von_mises(stress),
        }
        row = [np.sqrt(np.mean((raw[name].values[0] - exact) ** 2)) for name, exact in found.items()]
        peak = 3e8 * (1.0 if plane == "stress" else np.sqrt(1 - 0.3 + 0.3**2))
        errors.append([*row, abs(raw["max_von_mises"].values[0] - peak)])
    orders = np.log2(np.array(errors[0]) / errors[1])
    assert (orders[:2] > 2.8).all()  # 3, and more in the middle of elements
    np.testing.assert_allclose(orders[2:], 2.0, atol=0.25)
    assert errors[1][-1] < 3e-3 * peak


def test_small_holes_concentrate_stress_as_in_an_infinite_plate():
    """Inglis: 1 + 2 b / a, with b the semi-axis across the load; 3 for Kirsch's circle."""
    aspects = np.array([0.5, 1.0, 2.0])
    raw = of(cells=16, radius=0.02, aspect=None).run(given(aspect=aspects))
    assert (raw["failure"] == "").all()
    np.testing.assert_allclose(raw["max_von_mises"] / 1e8, 1 + 2 * aspects, rtol=0.04)
    circle = of(cells=32, radius=None).run(given(radius=[0.02]))
    np.testing.assert_allclose(circle["max_von_mises"] / 1e8, 3.0, rtol=2e-3)


@pytest.fixture(scope="module")
def raw():
    inputs = given(
        young=[2e11, 1e11, 2e11, 2e11, 2e11],
        poisson=[0.3, 0.3, 0.3, 0.1, 0.3],
        load=[1e8, 1e8, -2e8, 1e8, 1e8],
        radius=[0.2, 0.2, 0.2, 0.2, 0.5],
    )
    return LinearElasticity(cells=8).run(inputs)


def test_scalings(raw):
    """Stresses do not depend on the material (Michell), displacements go with load / E."""
    assert (raw["failure"] == "").all()
    assert float(raw["equilibrium"].max()) < 1e-12
    first, soft, pushed, other, wide = (raw.isel(run=run) for run in range(5))
    np.testing.assert_allclose(soft["stress_x"], first["stress_x"], rtol=1e-9)
    np.testing.assert_allclose(soft["displacement_x"], 2 * first["displacement_x"], rtol=1e-9)
    np.testing.assert_allclose(soft["strain_energy"], 2 * first["strain_energy"], rtol=1e-9)
    np.testing.assert_allclose(pushed["displacement_y"], -2 * first["displacement_y"], rtol=1e-9)
    np.testing.assert_allclose(pushed["strain_energy"], 4 * first["strain_energy"], rtol=1e-9)
    np.testing.assert_allclose(pushed["max_von_mises"], 2 * first["max_von_mises"], rtol=1e-9)
    np.testing.assert_allclose(other["stress_x"], first["stress_x"], rtol=0, atol=5e5)  # of 1e8: discretisation
    assert float(wide["max_von_mises"]) > float(first["max_von_mises"])
    assert float(wide["strain_energy"]) > float(first["strain_energy"]) > 1e8**2 / 2e11 / 2 * (4 - np.pi * 0.04)


def test_sides_and_lines_of_symmetry(raw):
    """The last elements carry the load at x = 1 and nothing at y = 1, the first ones nothing across the hole's edge."""
    first = raw.isel(run=0)
    loaded, free = first.isel(distance=-1, angle=slice(0, 3)), first.isel(distance=-1, angle=slice(5, 8))
    np.testing.assert_allclose(loaded["stress_x"], 1e8, rtol=0.03)
    np.testing.assert_allclose(free["stress_y"], 0.0, rtol=0, atol=3e6)
    assert (loaded["displacement_x"] > 0).all()
    assert (free["displacement_y"] < 0).all()
    hole = first.isel(distance=0)
    c, s = np.cos(np.radians(first["angle"])), np.sin(np.radians(first["angle"]))
    radial = hole["stress_x"] * c**2 + hole["stress_y"] * s**2 + 2 * hole["stress_xy"] * s * c
    assert float(np.abs(radial).max()) < 0.2 * float(hole["stress_x"].max())
    # The ray next to a line of symmetry hardly moves across it.
    assert float(np.abs(first["displacement_y"].isel(angle=0)).max()) < 0.1 * float(first["displacement_x"].max())


def test_the_mesh_moves_with_the_hole(raw):
    distance = np.hypot(raw["position_x"], raw["position_y"])
    for run, radius in ((0, 0.2), (4, 0.5)):
        nearest, farthest = distance[run].isel(distance=0), distance[run].isel(distance=-1)
        assert (nearest > radius).all()
        assert (nearest < radius * (1 / radius) ** (1 / 8) * 1.1).all()
        assert float(farthest.max()) < np.sqrt(2)
    angle = np.degrees(np.arctan2(raw["position_y"], raw["position_x"]))
    assert float(np.abs(angle - raw["angle"]).max()) < 1.0
    np.testing.assert_array_equal(raw["angle"], 90 * (np.arange(8) + 0.5) / 8)
    assert raw["angle"].attrs["units"] == "degree"


def test_a_refined_mesh_restricted_is_close(raw):
    simulator = LinearElasticity(cells=8)
    inputs = given(young=[2e11], poisson=[0.3], load=[1e8], radius=[0.2])
    fine = simulator.refined().run(inputs)
    restricted = simulator.restrict(fine)
    for name, bound in (("displacement_x", 1e-3), ("displacement_y", 1e-3), ("position_x", 1e-3), ("von_mises", 0.02)):
        assert restricted[name].dims == ("run", "angle", "distance")
        size = float(np.abs(raw[name][0]).max())
        difference = float(np.abs(restricted[name][0] - raw[name][0]).max())
        assert 0 < difference < bound * size
        # Without the positions in between, a mean of neighbours would be off by far more than the solutions are.
        if name.startswith("d"):
            means = fine[name].coarsen(angle=2, distance=2).mean()
            assert float(np.abs(means[0].values - raw[name][0].values).max()) > 3 * difference
    np.testing.assert_array_equal(restricted["angle"], raw["angle"])
    assert restricted["strain_energy"].values == fine["strain_energy"].values
    twice = simulator.coarser()[0].restrict(fine)
    assert twice.sizes["angle"] == twice.sizes["distance"] == 4


def test_restriction_is_exact_for_cubic_polynomials_on_either_side_of_the_corner():
    simulator = LinearElasticity(cells=8)
    fine, coarse = (simulator.model_copy(update={"cells": n})._coordinates() for n in (16, 8))

    def polynomial(coordinates):
        t, s = np.meshgrid(coordinates["angle"][1] / 90, coordinates["distance"][1], indexing="ij")
        return np.where(t < 0.5, 1 - s**3 * t + t**3, 5 * t**2 * s**2 - s)[None]

    field = xr.Dataset({"u": (("run", "angle", "distance"), polynomial(fine))})
    np.testing.assert_allclose(simulator.restrict(field)["u"], polynomial(coarse), rtol=0, atol=1e-14)


def test_what_every_simulator_passes():
    inputs = given(young=[2e11, 7e10, 1e11], poisson=[0.3, 0.33, 0.0], load=[1e8, 2e7, -1e8], radius=[0.1, 0.3, 0.5])
    check_simulator(LinearElasticity(cells=4, plane="strain"), inputs)


def test_runs_at_fault_fail_alone():
    simulator = LinearElasticity(cells=4, aspect=None)
    inputs = given(
        young=[2e11, -1.0, 2e11, 2e11, 2e11, np.nan],
        poisson=[0.3, 0.3, 0.5, 0.3, 0.3, 0.3],
        load=[1e8] * 6,
        radius=[0.2, 0.2, 0.2, 0.96, 0.5, 0.2],
        aspect=[1.0, 1.0, 1.0, 1.0, 2.0, 1.0],
    )
    raw = simulator.run(inputs)
    assert raw["failure"].values.tolist() == [
        "",
        "young is not positive",
        "poisson is not between -1 and 1/2",
        "radius is not between 0.005 and 0.95 m",
        "aspect radius is not between 0.005 and 0.95 m",
        "young is not finite",
    ]
    alone = simulator.run(inputs.isel(run=[0]))
    assert raw["stress_x"].values[0].tobytes() == alone["stress_x"].values[0].tobytes()
    extreme = of(cells=4, young=None).run(given(young=[1e-300, 5e-324]))
    assert extreme["failure"].values[0] == "the solution is not finite"
    assert extreme["failure"].values[1].startswith("the equations cannot be solved (")
    assert (extreme["stress_x"] == 0).all()
    with pytest.raises(SimulationError, match="lacks its input 'young'"):
        simulator.run(inputs.drop_vars("young"))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"cells": 5}, "multiple of 2"),
        ({"outer": "infinite", "aspect": None}, "is not 1: Kirsch's hole is a circle"),
        ({"radius": 0.99}, "radius is not between"),
        ({"poisson": 0.5}, "poisson is not between"),
        ({"young": 1e9, "poisson": 0.2, "load": 1.0, "radius": 0.1}, "leaves no input"),
    ],
)
def test_refused_settings(settings, message):
    with pytest.raises(ValidationError, match=message):
        LinearElasticity(**settings)


def test_card_and_grids():
    simulator = LinearElasticity(cells=16, outer="infinite", poisson=0.3)
    assert simulator.card()["parameters"] == {"poisson": "0.3", "aspect": "1"}
    assert "Kirsch" in simulator.card()["boundary_conditions"]
    assert simulator.input_names() == ("young", "load", "radius")
    assert simulator.input_units() == {"young": "Pa", "load": "Pa", "radius": "m"}
    assert [one.cells for one in simulator.coarser()] == [8, 4]
    assert LinearElasticity(cells=12).coarser()[0].cells == 6
    assert simulator.refined().work() == 4 * simulator.work()
