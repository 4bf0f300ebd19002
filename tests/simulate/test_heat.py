"""Heat in a plate, and the sine and cosine series that it rests on, against closed forms."""

import numpy as np
import pytest
import xarray as xr

from surecast.simulate.checks import check_simulator
from surecast.simulate.heat import Heat
from surecast.simulate.square_modes import SquareModes
from surecast.study.errors import SimulationError

SIDES = [("zero", "zero"), ("zero", "closed"), ("closed", "zero"), ("closed", "closed")]


def centres(cells):
    return (np.arange(cells) + 0.5) / cells


def term(number, sides, x):
    """Term of the series: sin(pi i x) or cos(pi i x)."""
    return np.sin(np.pi * number * x) if sides == "zero" else np.cos(np.pi * number * x)


def given(fields, diffusivity):
    return xr.Dataset({"initial": (("run", "y", "x"), fields), "diffusivity": ("run", diffusivity)})


@pytest.mark.parametrize(("x_sides", "y_sides"), SIDES)
def test_a_series_goes_through_the_values(x_sides, y_sides):
    series, values = SquareModes(x_sides, y_sides), np.random.default_rng(1).standard_normal((2, 3, 6, 6))
    coefficients = series.forward(values)
    np.testing.assert_allclose(series.backward(coefficients), values, atol=1e-14)
    x = centres(6)
    terms_x, terms_y = (
        np.array([term(k + (sides == "zero"), sides, x) for k in range(6)]) for sides in (x_sides, y_sides)
    )
    np.testing.assert_allclose(terms_y.T @ coefficients @ terms_x, values, atol=1e-13)


@pytest.mark.parametrize(("x_sides", "y_sides"), SIDES)
def test_every_mode_decays_exactly(x_sides, y_sides):
    simulator = Heat(cells=16, time=0.02, x_sides=x_sides, y_sides=y_sides)
    x, modes, rates = centres(16), [(1, 1), (2, 5), (4, 3), (15, 15)], np.array([0.5, 1.0, 2.0, 0.01])
    fields = np.array([np.outer(term(j, y_sides, x), term(i, x_sides, x)) for i, j in modes])
    decay = np.exp(-rates * np.pi**2 * np.array([i * i + j * j for i, j in modes]) * 0.02)
    raw = simulator.run(given(fields, rates))
    np.testing.assert_allclose(raw["solution"], decay[:, None, None] * fields, atol=1e-14)
    np.testing.assert_allclose(raw["energy"], 0.5 * (raw["solution"].values ** 2).mean(axis=(1, 2)), rtol=1e-13)
    np.testing.assert_allclose(raw["spectral_tail"], [0, 0, 0, 1], atol=1e-14)


@pytest.mark.parametrize(("x_sides", "y_sides"), SIDES)
def test_a_bell_and_its_images(x_sides, y_sides):
    cells, width, rate, time, middle = 48, 0.06, 1.0, 0.02, (0.4, 0.55)
    x = centres(cells)

    def line(sides, at, variance):
        sign = -1.0 if sides == "zero" else 1.0
        bells = [
            np.exp(-0.5 * (x - 2 * k - at) ** 2 / variance) + sign * np.exp(-0.5 * (x - 2 * k + at) ** 2 / variance)
            for k in range(-2, 3)
        ]
        return width / np.sqrt(variance) * np.sum(bells, axis=0)

    def field(variance):
        return np.outer(line(y_sides, middle[1], variance), line(x_sides, middle[0], variance))

    simulator = Heat(cells=cells, time=time, frames=4, x_sides=x_sides, y_sides=y_sides)
    raw = simulator.run(given([field(width**2)], [rate]))
    for frame in range(4):
        truth = field(width**2 + 2 * rate * raw["time"].values[frame])
        np.testing.assert_allclose(raw["history"].values[0, frame], truth, atol=1e-12)
    np.testing.assert_array_equal(raw["history"].isel(time=-1), raw["solution"])


def test_order_two_from_a_state_that_does_not_vanish_at_the_sides():
    odd, errors = np.arange(1, 60, 2), []
    for cells in (8, 16, 32, 64):
        x = centres(cells)
        line = np.sin(np.pi * np.outer(x, odd)) @ (4 / (np.pi * odd) * np.exp(-(np.pi**2) * odd**2 * 0.05))
        raw = Heat(cells=cells, time=0.05).run(given(np.ones((1, cells, cells)), [1.0]))
        errors.append(np.abs(raw["solution"].values[0] - np.outer(line, line)).max())
    orders = np.log2(np.array(errors[:-1]) / np.array(errors[1:]))
    np.testing.assert_allclose(orders, 2.0, atol=0.2)


def test_closed_sides_keep_the_mean():
    fields = np.random.default_rng(2).standard_normal((5, 16, 16))
    raw = Heat(cells=16, time=0.3, x_sides="closed", y_sides="closed").run(given(fields, np.linspace(0, 1, 5)))
    np.testing.assert_allclose(raw["mean"], fields.mean(axis=(1, 2)), atol=1e-15)
    np.testing.assert_allclose(raw["solution"][0], fields[0], atol=1e-14)  # diffusivity 0: nothing happens
    assert (raw["energy"][1:] < 0.5 * (fields[1:] ** 2).mean(axis=(1, 2))).all()


def test_bits_do_not_depend_on_the_batch():
    simulator, rng = Heat(cells=8, frames=2, y_sides="closed"), np.random.default_rng(3)
    inputs = given(rng.standard_normal((11, 8, 8)), rng.random(11))
    check_simulator(simulator, inputs)
    raw = simulator.run(inputs)
    assert set(simulator.variables()) == set(raw.data_vars) - {"failure"}
    assert simulator.card()["domain"] == "unit square, lengths in m, 0 <= t <= 0.01 (s)"
    assert simulator.card()["boundary_conditions"] == "u = 0 at x = 0 and x = 1, no flow at y = 0 and y = 1"


def test_a_hierarchy_of_grids():
    simulator = Heat(cells=16, frames=2)
    assert [one.cells for one in simulator.coarser()] == [8, 4]
    fine = simulator.refined()
    assert fine.cells == 32
    assert fine.work() == 4 * simulator.work()

    def inputs(cells):
        y, x = np.meshgrid(centres(cells), centres(cells), indexing="ij")
        waves = np.sin(np.pi * x) * np.sin(2 * np.pi * y) + 0.3 * np.sin(5 * np.pi * x) * np.sin(3 * np.pi * y)
        return given(waves[None], [0.5])

    found, refined = simulator.run(inputs(16)), simulator.restrict(fine.run(inputs(32)))
    assert set(refined.data_vars) == set(found.data_vars)
    for name in ("solution", "history"):
        np.testing.assert_allclose(refined[name], found[name], atol=1e-13)
        assert refined[name].dims == found[name].dims
    np.testing.assert_array_equal(refined["y"], found["y"])


def test_bad_inputs():
    fields = np.ones((4, 8, 8))
    fields[2, 1, 1] = np.nan
    raw = Heat(cells=8).run(given(fields, [1.0, -0.1, 1.0, np.inf]))
    expected = ["", "diffusivity is negative", "initial is not finite", "diffusivity is not finite"]
    assert raw["failure"].values.tolist() == expected
    sound = Heat(cells=8).run(given(fields[:1], [1.0]))
    assert raw["solution"].values[0].tobytes() == sound["solution"].values[0].tobytes()
    with pytest.raises(SimulationError, match="lacks its input 'diffusivity'"):
        Heat(cells=8).run(given(fields, np.ones(4)).drop_vars("diffusivity"))
    with pytest.raises(SimulationError, match="not run, y: 16, x: 16"):
        Heat(cells=16).run(given(fields, np.ones(4)))
    with pytest.raises(SimulationError, match="no runs"):
        Heat(cells=8).run(given(fields, np.ones(4)).isel(run=slice(0, 0)))
