"""Poisson's and Helmholtz's equation on the unit square against single modes, series and manufactured solutions."""

import numpy as np
import pytest
import xarray as xr
from pydantic import ValidationError

from surecast.simulate.checks import check_simulator
from surecast.simulate.helmholtz import Helmholtz
from surecast.simulate.poisson_2d import Poisson2D
from surecast.study.errors import SimulationError

SIDES = [("zero", "zero"), ("zero", "closed"), ("closed", "zero")]


def square(cells):
    """x and y of the cell centres, (y, x)."""
    x = (np.arange(cells) + 0.5) / cells
    return np.meshgrid(x, x)


def given(fields, wave_number=None):
    found = xr.Dataset({"source": (("run", "y", "x"), np.asarray(fields))})
    return found if wave_number is None else found.assign(wave_number=("run", np.asarray(wave_number, dtype=float)))


def term(number, sides, x):
    return np.sin(np.pi * number * x) if sides == "zero" else np.cos(np.pi * number * x)


@pytest.mark.parametrize(("x_sides", "y_sides"), SIDES)
def test_every_mode_is_divided_by_its_eigenvalue(x_sides, y_sides):
    x, y = square(16)
    modes = [(1, 1), (3, 2), (7, 12)]
    fields = np.array([term(i, x_sides, x) * term(j, y_sides, y) for i, j in modes])
    values = np.pi**2 * np.array([i * i + j * j for i, j in modes])
    raw = Poisson2D(cells=16, x_sides=x_sides, y_sides=y_sides).run(given(fields))
    np.testing.assert_allclose(raw["solution"], fields / values[:, None, None], atol=1e-15)
    np.testing.assert_allclose(raw["energy"], 0.125 / values, rtol=1e-12)
    assert (raw["failure"] == "").all()
    numbers = np.array([4.0, 9.0, 20.0])
    raw = Helmholtz(cells=16, x_sides=x_sides, y_sides=y_sides).run(given(fields, numbers))
    np.testing.assert_allclose(raw["solution"], fields / (values - numbers**2)[:, None, None], atol=1e-14)


def test_a_uniform_load_is_of_order_two():
    # -Laplace u = 1 (torsion of a square bar), whose mean is 0.0351442581...
    found = []
    for cells in (8, 16, 32, 64):
        raw = Poisson2D(cells=cells).run(given(np.ones((1, cells, cells))))
        found.append([raw["mean"].values[0], 2 * raw["energy"].values[0]])
    odd = np.arange(1, 400, 2)
    squares = odd[:, None] ** 2 + odd**2
    mean = (64 / np.pi**6 / (odd[:, None] ** 2 * odd**2 * squares)).sum()
    assert mean == pytest.approx(0.0351442581, rel=1e-6)
    errors = np.abs(np.array(found) - mean)  # the work of the load is twice the energy
    np.testing.assert_allclose(np.log2(errors[:-1] / errors[1:]), 2.0, atol=0.2)


@pytest.mark.parametrize("number", [0.0, 3.0, 10.0, 25.0])
def test_a_manufactured_solution_is_of_order_two(number):
    """u = x (1 - x) y (1 - y) e^x, whose source does not vanish at the sides."""
    errors = []
    for cells in (16, 32, 64, 128):
        x, y = square(cells)
        u = x * (1 - x) * y * (1 - y) * np.exp(x)
        second_x = -(3 * x + x**2) * np.exp(x) * y * (1 - y)
        source = -second_x + 2 * x * (1 - x) * np.exp(x) - number**2 * u
        raw = Helmholtz(cells=cells).run(given(source[None], [number]))
        assert raw["failure"].values.tolist() == [""]
        errors.append(np.abs(raw["solution"].values[0] - u).max())
    assert np.log2(errors[-2] / errors[-1]) == pytest.approx(2.0, abs=0.2)
    assert errors[-1] < 2e-3 * np.abs(u).max()


def test_without_waves_it_is_poissons():
    fields = np.random.default_rng(1).standard_normal((2, 16, 16))
    found = Helmholtz(cells=16, y_sides="closed").run(given(fields, [0.0, 0.0]))
    np.testing.assert_array_equal(
        found["solution"], Poisson2D(cells=16, y_sides="closed").run(given(fields))["solution"]
    )


def test_resonance_is_a_failed_run_and_harms_no_other():
    own = np.pi * np.sqrt(1 + 4)
    numbers = [5.0, own, own * (1 + 1e-4), own * 1.01, -1.0, np.nan, 100.0]
    fields = np.random.default_rng(2).standard_normal((7, 16, 16))
    raw = Helmholtz(cells=16).run(given(fields, numbers))
    failed = raw["failure"].values.tolist()
    assert failed[0] == failed[3] == ""
    for text in failed[1:3]:
        assert text.startswith("wave_number = 7.02")
        assert text.endswith("resonance with a mode of the square, whose own is 7.02481")
    assert failed[4:6] == ["wave_number is negative", "wave_number is not finite"]
    assert "shorter than two of the 16 cells" in failed[6]
    alone = Helmholtz(cells=16).run(given(fields[[0, 3]], [5.0, own * 1.01]))
    assert raw["solution"].values[[0, 3]].tobytes() == alone["solution"].values.tobytes()
    assert Helmholtz(cells=16, resonance=1e-6).run(given(fields[[2]], [numbers[2]]))["failure"].values[0] == ""
    closed = Helmholtz(cells=16, x_sides="closed", y_sides="closed").run(given(fields[:2], [0.0, 5.0]))
    assert [bool(text) for text in closed["failure"].values] == [True, False]


def test_resonance_does_not_depend_on_the_grid():
    numbers = np.linspace(0.5, 12.0, 200)
    failed = [
        (
            Helmholtz(cells=cells, resonance=0.01).run(given(np.ones((200, cells, cells)), numbers))["failure"] != ""
        ).values
        for cells in (8, 16)
    ]
    assert 5 <= failed[0].sum() <= 9  # five pairs of modes, each of them a hundredth of k wide
    np.testing.assert_array_equal(failed[0], failed[1])


@pytest.mark.parametrize("kind", [Poisson2D, Helmholtz])
def test_what_every_simulator_passes(kind):
    simulator, rng = kind(cells=8, x_sides="closed"), np.random.default_rng(3)
    inputs = given(rng.standard_normal((7, 8, 8)), rng.uniform(1.0, 2.5, 7) if kind is Helmholtz else None)
    check_simulator(simulator, inputs)
    raw = simulator.run(inputs)
    assert set(simulator.variables()) == set(raw.data_vars) - {"failure"}
    assert simulator.card()["boundary_conditions"] == "no flow at x = 0 and x = 1, u = 0 at y = 0 and y = 1"
    assert simulator.refined().cells == 16
    assert [one.cells for one in simulator.coarser()] == [4]
    with pytest.raises(SimulationError, match="lacks its input 'source'"):
        simulator.run(inputs.drop_vars("source"))


def test_closed_on_all_sides_is_refused():
    with pytest.raises(ValidationError, match="known up to a constant"):
        Poisson2D(x_sides="closed", y_sides="closed")
