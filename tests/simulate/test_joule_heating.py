"""Joule heating against a manufactured solution, closed forms of a bar, and the balance of energy."""

import numpy as np
import pytest
import xarray as xr
from pydantic import ValidationError

from surecast.simulate.checks import check_simulator
from surecast.simulate.joule_heating import Conductor, JouleHeating
from surecast.study.errors import SimulationError
from surecast.study.laws.gaussian_field import GaussianField

LAW = GaussianField(variance=1.0, length=0.25, terms=32)


def fields(cells, runs, seed=0):
    """Random log conductivities, the same functions on every grid."""
    centre = (np.arange(cells) + 0.5) / cells
    return LAW.realise(np.random.default_rng(seed).standard_normal((runs, LAW.terms)), centre, centre)


def given(field, **scalars):
    found = xr.Dataset({"conductivity": (("run", "y", "x"), np.asarray(field))})
    return found.assign({name: ("run", np.asarray(values, dtype=float)) for name, values in scalars.items()})


def bar(cells, voltage, coefficient, conductivity=1.0, thermal=1.0):
    """Runs of a uniform bar."""
    runs = len(voltage)
    simulator = JouleHeating(cells=cells, thermal_conductivity=thermal, temperature_coefficient=None)
    field = np.full((runs, cells, cells), np.log(conductivity))
    return simulator.run(given(field, voltage=voltage, temperature_coefficient=coefficient))


def manufactured(cells, sides, coefficient):
    """Largest errors of V and T with the sources that make them the solution; k = 0.7."""
    pi, thermal = np.pi, 0.7
    centre = (np.arange(cells) + 0.5) / cells
    x, y = np.meshgrid(centre, centre)
    potential = 1.3 - x + 0.2 * np.sin(2 * x + 0.3) * np.cos(pi * y)
    vx, vy = -1 + 0.4 * np.cos(2 * x + 0.3) * np.cos(pi * y), -0.2 * pi * np.sin(2 * x + 0.3) * np.sin(pi * y)
    laplace_v = -(0.8 + 0.2 * pi**2) * np.sin(2 * x + 0.3) * np.cos(pi * y)
    if sides == "insulated":
        temperature = np.sin(pi * x) * (1 + 0.3 * np.cos(pi * y))
        tx, ty = pi * np.cos(pi * x) * (1 + 0.3 * np.cos(pi * y)), -0.3 * pi * np.sin(pi * x) * np.sin(pi * y)
        laplace_t = -(pi**2) * np.sin(pi * x) * (1 + 0.6 * np.cos(pi * y))
    else:
        temperature = np.sin(pi * x) * np.sin(pi * y) * (1 + x)
        tx = (pi * np.cos(pi * x) * (1 + x) + np.sin(pi * x)) * np.sin(pi * y)
        ty = pi * np.sin(pi * x) * np.cos(pi * y) * (1 + x)
        laplace_t = -2 * pi**2 * temperature + 2 * pi * np.cos(pi * x) * np.sin(pi * y)
    log_sigma = 0.6 * np.sin(2 * x) * np.cos(2 * y) + 0.3 * y
    resistivity = 1 + coefficient * temperature
    sigma = np.exp(log_sigma) / resistivity
    gx = 1.2 * np.cos(2 * x) * np.cos(2 * y) - coefficient * tx / resistivity
    gy = -1.2 * np.sin(2 * x) * np.sin(2 * y) + 0.3 - coefficient * ty / resistivity
    conductor = Conductor(
        log_sigma[None],
        np.array([thermal]),
        np.array([coefficient]),
        (1.3 + 0.2 * np.sin(0.3) * np.cos(pi * centre))[None],
        (0.3 + 0.2 * np.sin(2.3) * np.cos(pi * centre))[None],
        sides,
        charge=(-sigma * (laplace_v + gx * vx + gy * vy))[None],
        heating=(-thermal * laplace_t - sigma * (vx**2 + vy**2))[None],
    )
    settled = conductor.settle(tolerance=1e-10)
    assert settled.converged[0]
    flow, _, found = conductor.heated(settled.u)
    return np.abs(flow.pressure[0] - potential).max(), np.abs(found[0] - temperature).max()


@pytest.mark.parametrize(("sides", "coefficient"), [("insulated", 1.5), ("cooled", 0.8), ("insulated", -0.3)])
def test_a_manufactured_solution_is_of_order_two(sides, coefficient):
    errors = np.array([manufactured(cells, sides, coefficient) for cells in (16, 32, 64)])
    np.testing.assert_allclose(np.log2(errors[:-1] / errors[1:]), 2.0, atol=0.2)


def test_a_constant_conductivity_heats_to_a_parabola():
    """T = sigma U^2 x (1 - x) / 2 k; finite volumes add exactly h^2 / 8 times its curvature, and find the current."""
    cells, voltage = 16, np.array([1.0, -2.0, 0.0])
    raw = bar(cells, voltage, [0.0, 0.0, 0.0], conductivity=3.0, thermal=0.5)
    x = raw["x"].values
    heat = 3.0 * voltage**2
    exact = heat[:, None] / (2 * 0.5) * (x * (1 - x) + 0.25 / cells**2)
    np.testing.assert_allclose(raw["temperature"], np.tile(exact[:, None], (1, cells, 1)), rtol=0, atol=1e-9)
    np.testing.assert_allclose(raw["current"], 3.0 * voltage, rtol=1e-10)
    np.testing.assert_allclose(raw["power"], heat, rtol=1e-10)
    potential = np.tile((voltage[:, None] * (1 - x))[:, None], (1, cells, 1))
    np.testing.assert_allclose(raw["potential"], potential, rtol=0, atol=1e-10)
    assert (raw["failure"] == "").all()


def closed_form(x, voltage, coefficient):
    """T and the current where sigma = 1 / (1 + a T) and k = 1.

    k T' = I (V - U/2), as the bar is symmetric, and sigma V' = -I: (1 + a T)^2 = A - a (V - U/2)^2 with
    A = 1 + a U^2 / 4, and V(x) is a sine for a > 0, a hyperbolic one for a < 0.
    """
    size, rate = 1 + coefficient * voltage**2 / 4, np.sqrt(np.abs(coefficient))
    inverse, shape = (np.arccos, np.cos) if coefficient > 0 else (np.arccosh, np.cosh)
    turn = 2 * inverse(1 / np.sqrt(size))
    return (np.sqrt(size) * shape(turn * (x - 0.5)) - 1) / coefficient, turn / rate


def test_a_bar_whose_resistivity_grows_or_falls_with_temperature():
    voltage, coefficient = np.array([2.0, 2.0, 10.0, 1.8]), np.array([0.5, -0.5, 2.0, -0.9])
    errors = []
    for cells in (16, 32, 64):
        raw = bar(cells, voltage, coefficient)
        assert (raw["failure"] == "").all()
        truth = [closed_form(raw["x"].values, *one) for one in zip(voltage, coefficient, strict=True)]
        temperature = np.array([one[0] for one in truth])
        assert np.ptp(raw["temperature"].values, axis=1).max() < 1e-8  # the same at every height
        error = np.abs(raw["temperature"].values[:, 0] - temperature).max(axis=1)
        errors.append([error, np.abs(raw["current"].values - [one[1] for one in truth])])
    np.testing.assert_allclose(np.log2(np.array(errors[1]) / errors[2]), 2.0, atol=0.2)
    np.testing.assert_allclose(np.log2(np.array(errors[0]) / errors[1]), 2.0, atol=0.2)


def test_beyond_the_critical_voltage_it_runs_away():
    """|a| sigma_0 U^2 / 4 k = 1 is critical: none above it has a steady state, and those close below it are found."""
    share = np.array([0.5, 0.9, 0.97, 1.01, 2.0, 10.0])
    raw = bar(32, 2 * np.sqrt(share / 0.4), np.full(6, -0.4))
    failure = raw["failure"].values
    assert failure[:3].tolist() == ["", "", ""]
    for text in failure[3:]:
        assert text.startswith("thermal runaway: after ")
        assert text.endswith("where 1 + temperature_coefficient T is not positive")
    assert np.isfinite(raw["temperature"].values).all()
    assert float(raw["hottest"][1]) == pytest.approx((1 - np.sqrt(0.1)) / 0.4, rel=0.01)
    # Metals never do.
    assert bar(16, 2 * np.sqrt(share / 0.4), np.full(6, 0.4))["failure"].values.tolist() == [""] * 6


@pytest.fixture(scope="module")
def raw():
    field = fields(32, 4)
    scalars = {"voltage": [1.0, 2.0, -3.0, 1.0], "temperature_coefficient": [0.0, 1.0, 3.0, -0.2]}
    return {
        sides: JouleHeating(cells=32, sides=sides, temperature_coefficient=None).run(given(field, **scalars))
        for sides in ("insulated", "cooled")
    }


@pytest.mark.parametrize("sides", ["insulated", "cooled"])
def test_heat_out_is_electric_power(raw, sides):
    found = raw[sides]
    assert (found["failure"] == "").all()
    assert float(found["energy_balance"].max()) < 1e-9
    np.testing.assert_allclose(found["power"], found["current"] * [1.0, 2.0, -3.0, 1.0], rtol=1e-12)
    np.testing.assert_allclose(found["heat"].mean(("y", "x")), found["power"], rtol=1e-8)
    assert (found["temperature"] > 0).all()
    np.testing.assert_array_equal(found["hottest"], found["temperature"].max(("y", "x")))
    # The current is the same through every line x = constant.
    through = found["current_x"].mean("y")
    np.testing.assert_allclose(through, np.repeat(found["current"].values[:, None], 32, axis=1), rtol=1e-8)


def test_cooled_sides_are_colder(raw):
    assert (raw["cooled"]["temperature"] < raw["insulated"]["temperature"]).all()


def test_scales_and_signs(raw):
    """T depends on sigma_0 U^2 / k alone, and -U turns the current round."""
    base = raw["insulated"].isel(run=[1])
    simulator = JouleHeating(cells=32, temperature_coefficient=1.0, thermal_conductivity=None)
    field = fields(32, 4)[1]
    scaled = simulator.run(
        given([field + np.log(5.0), field, field], voltage=[2.0, -4.0, -2.0], thermal_conductivity=[5.0, 4.0, 1.0])
    )
    temperature = np.repeat(base["temperature"].values, 3, axis=0)
    np.testing.assert_allclose(scaled["temperature"], temperature, rtol=0, atol=1e-7)
    np.testing.assert_allclose(scaled["current"] / float(base["current"][0]), [5.0, -2.0, -1.0], rtol=1e-7)
    np.testing.assert_allclose(scaled["potential"].values[2], -base["potential"].values[0], rtol=0, atol=1e-7)


def test_fields_converge_to_a_refined_grid(raw):
    scalars = {"voltage": [1.0, 2.0, -3.0, 1.0], "temperature_coefficient": [0.0, 1.0, 3.0, -0.2]}
    simulator = JouleHeating(cells=32, temperature_coefficient=None)
    coarse = simulator.coarser()[0].run(given(fields(16, 4), **scalars))
    fine = simulator.refined().run(given(fields(64, 4), **scalars))
    differences = [
        [float(np.abs(found[name] - one.restrict(fine)[name]).max()) for name in ("potential", "temperature", "power")]
        for one, found in ((simulator.coarser()[0], coarse), (simulator, raw["insulated"]))
    ]
    # Order 2, and the reference has an error too: (4^2 - 1) / (2^2 - 1) = 5.
    np.testing.assert_allclose(np.log2(np.divide(*differences)), np.log2(5), atol=0.3)


def test_what_every_simulator_passes():
    scalars = {
        "voltage": [1.0, 0.5, 2.0, 3.0, -1.0, 0.1, 1.0],
        "thermal_conductivity": [1.0, 0.5, 2.0, 3.0, 4.0, 5.0, 1.0],
        "temperature_coefficient": [0.0, 0.1, 1.0, 2.0, -0.2, 1.0, 0.5],
    }
    simulator = JouleHeating(cells=8, thermal_conductivity=None, temperature_coefficient=None)
    check_simulator(simulator, given(fields(8, 7), **scalars))
    assert simulator.input_names() == ("conductivity", *scalars)
    assert simulator.input_units() == dict(zip(scalars, ("V", "W/m/K", "1/K"), strict=True))


def test_a_run_that_is_at_fault_fails_alone():
    field = fields(16, 6)
    field[1, 2, 3] = np.inf
    scalars = {"voltage": [1.0, 1.0, np.nan, 1.0, 50.0, 1.0], "thermal_conductivity": [1.0, 1.0, 1.0, 0.0, 1.0, 1.0]}
    simulator = JouleHeating(cells=16, thermal_conductivity=None, temperature_coefficient=-0.1)
    raw = simulator.run(given(field, **scalars))
    failure = raw["failure"].values.tolist()
    assert failure[:4] == [
        "",
        "conductivity is not finite",
        "voltage is not finite",
        "thermal_conductivity is not positive",
    ]
    assert failure[4].startswith("thermal runaway: after 1 iterations the temperature rises to ")
    assert failure[5] == ""
    alone = simulator.run(given(field[5:], voltage=[1.0], thermal_conductivity=[1.0]))
    for name in simulator.variables():
        assert raw[name].values[5].tobytes() == alone[name].values[0].tobytes()
    few = JouleHeating(cells=16, max_iterations=2, temperature_coefficient=1.0).run(given(field[:1], voltage=[3.0]))
    assert "still changes by" in few["failure"].values[0]
    assert "after 2 iterations: there is no steady state, or simulator.max_iterations" in few["failure"].values[0]
    lost = JouleHeating(cells=16).run(given(1000 * field[:1], voltage=[1.0]))  # sigma_0 overflows
    assert "the linear solver stopped at relative residual" in lost["failure"].values[0]


def test_card_and_refusals():
    simulator = JouleHeating(cells=16, sides="cooled")
    assert simulator.card()["parameters"] == {"thermal_conductivity": "1 W/m/K", "temperature_coefficient": "0.004 1/K"}
    assert simulator.card()["boundary_conditions"].endswith("T = 0 at x = 0 and x = 1, T = 0 at y = 0 and y = 1")
    with pytest.raises(ValidationError, match="thermal_conductivity is not positive"):
        JouleHeating(thermal_conductivity=-1.0)
    with pytest.raises(SimulationError, match="lacks its input 'voltage'"):
        simulator.run(given(fields(16, 1)))
