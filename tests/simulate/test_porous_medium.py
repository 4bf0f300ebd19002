"""The porous medium equation against waves, source solutions, and the heat equation's Fourier modes."""

import numpy as np
import pytest
import xarray as xr

from surecast.simulate.porous_medium import PorousMedium

EXPONENTS = np.array([1.0, 2.0, 3.0, 4.5, 6.0])


def means(function, cells, runs):
    """Means of functions (run, x) over each cell."""
    x = (np.arange(64 * cells) + 0.5) / (64 * cells)
    return np.broadcast_to(function(x), (runs, len(x))).reshape(runs, cells, 64).mean(axis=2)


def wave(x, t, speed=1.0, diffusivity=1.0):
    m = EXPONENTS[:, None]
    return (m * speed / diffusivity * np.maximum(speed * t - x, 0)) ** (1 / m)


def source(x, t, m, size=0.3, diffusivity=1.0):
    """Barenblatt's and Pattle's solution around x = 1/2."""
    a = 1 / (m + 2)
    return t**-a * np.maximum(size - m * a / (2 * diffusivity) * ((x - 0.5) / t**a) ** 2, 0) ** (1 / m)


def test_the_wave_of_the_benchmark():
    found = {}
    for cells in (32, 64, 128):
        simulator = PorousMedium(cells=cells, steps=cells, time=0.75)
        raw = simulator.run(xr.Dataset({"exponent": ("run", EXPONENTS)}))
        error = np.abs(raw["solution"].values - wave(raw["x"].values, 0.75))
        mass = EXPONENTS ** (1 + 1 / EXPONENTS) / (EXPONENTS + 1) * 0.75 ** (1 + 1 / EXPONENTS)
        front = 0.75 - simulator.front_level**EXPONENTS / EXPONENTS
        found[cells] = (
            error[:, raw["x"].values < 0.6].mean(axis=1),
            raw["mass"].values - mass,
            raw["front"].values - front,
        )
        assert raw["solution"].values.min() >= 0
        assert not raw["outflow"].values.any()
    # Behind the front; for larger exponents the error is so small that the place of the front in its cell shows.
    behind = np.array([found[cells][0] for cells in found])
    assert np.log2(behind[0] / behind[-1])[:3] / 2 == pytest.approx(2.0 * np.ones(3), abs=0.2)
    assert behind[-1].max() < 2e-5
    assert behind[-1, 3:].max() < 3e-6
    assert np.abs(found[128][1]).max() < 4e-4
    for cells, (_, _, front) in found.items():
        assert np.abs(front).max() < 1.0 / cells


def test_the_front_runs_at_the_speed_of_the_wave():
    simulator = PorousMedium(cells=128, steps=150, frames=3, time=0.3, speed=2.0, diffusivity=3.0, front_level=0.05)
    raw = simulator.run(xr.Dataset({"exponent": ("run", EXPONENTS)}))
    x = raw["x"].values
    for frame, time in enumerate((0.1, 0.2, 0.3)):
        truth = wave(x, time, 2.0, 3.0)
        behind = x < 2 * time - 0.1
        state = raw["history"].values[:, frame]
        np.testing.assert_allclose(state[:, behind], truth[:, behind], rtol=0, atol=3e-4)
        assert (state[:, x > 2 * time + 0.02] < 1e-3).all()
    np.testing.assert_allclose(raw["front"], 0.6 - 0.05**EXPONENTS * 3 / (2 * EXPONENTS), rtol=0, atol=1 / 128)


def test_source_solutions():
    m, start, end = np.array([0.5, 1.0, 2.0, 3.0])[:, None], 5e-3, 1.5e-2
    errors, amounts = [], []
    for cells in (32, 64, 128):
        simulator = PorousMedium(
            cells=cells, steps=cells, time=end - start, initial="field", left="closed", right="closed"
        )
        first, last = (means(lambda x, t=t: source(x, t, m), cells, 4) for t in (start, end))
        raw = simulator.run(xr.Dataset({"exponent": ("run", m[:, 0]), "initial": (("run", "x"), first)}))
        error = np.abs(raw["solution"].values - last)
        errors.append(error[:, np.abs(raw["x"].values - 0.5) < 0.1].mean(axis=1))
        amounts.append(error.mean(axis=1))
        np.testing.assert_allclose(raw["mass"], first.mean(axis=1), rtol=1e-12)
        assert float(raw["mass_balance"].max()) < 1e-10
    errors = np.array(errors)
    assert np.log2(errors[0] / errors[-1])[:3] / 2 == pytest.approx(2.0 * np.ones(3), abs=0.2)
    assert errors[-1].max() < 2e-4
    assert (amounts[0] / amounts[-1] > 3).all()  # at the fronts, where u is a root of x, the order is lower


def test_exponent_zero_is_heat():
    # Modes that are 0 at the ends decay by exp(-D pi^2 k^2 t), those of insulated ends likewise.
    diffusivity = np.array([0.5, 1.0])
    for ends, mode in (({"left": 0.0}, np.sin), ({"left": "closed", "right": "closed"}, np.cos)):
        errors = []
        for cells in (16, 32, 64):
            simulator = PorousMedium(
                cells=cells, steps=cells, time=0.05, exponent=0.0, diffusivity=None, initial="field", **ends
            )
            x = simulator.grids()["initial"]["x"]
            start = 0.3 * mode(np.pi * x) + 0.2 * mode(3 * np.pi * x)
            decay = np.exp(-diffusivity[:, None] * np.pi**2 * 0.05)
            truth = 0.3 * decay * mode(np.pi * x) + 0.2 * decay**9 * mode(3 * np.pi * x)
            given = {"initial": (("run", "x"), np.tile(start, (2, 1))), "diffusivity": ("run", diffusivity)}
            errors.append(np.abs(simulator.run(xr.Dataset(given))["solution"].values - truth).max(axis=1))
        orders = np.log2(np.array(errors[:-1]) / np.array(errors[1:]))
        np.testing.assert_allclose(orders, 2.0, atol=0.2)


def test_steady_states_between_two_values():
    # |u|^m u is a straight line, with a change of sign too.
    simulator = PorousMedium(cells=32, steps=40, time=40.0, left=None, right=None, initial=0.5)
    ends = {"left": [1.0, 2.0, 1.0], "right": [0.5, 0.1, -1.0], "exponent": [1.0, 3.0, 2.0]}
    raw = simulator.run(xr.Dataset({name: ("run", values) for name, values in ends.items()}))
    assert raw["failure"].values.tolist() == ["", "", ""]
    left, right, m = (np.array(values)[:, None] for values in ends.values())
    line = left ** (m + 1) + (np.sign(right) * np.abs(right) ** (m + 1) - left ** (m + 1)) * raw["x"].values
    np.testing.assert_allclose(raw["solution"], np.sign(line) * np.abs(line) ** (1 / (m + 1)), rtol=1e-6, atol=1e-6)


def test_a_sudden_start_that_crosses_many_cells_in_a_step():
    # Newton's iterates would run away ahead of the front, were they not kept below what is held at the end.
    simulator = PorousMedium(cells=64, steps=16, time=0.5, left=None)
    left, exponents = np.array([0.5, 3.0, 8.0, 8.0]), np.array([1.0, 6.0, 4.0, 8.0])
    raw = simulator.run(xr.Dataset({"exponent": ("run", exponents), "left": ("run", left)}))
    assert raw["failure"].values.tolist() == [""] * 4
    assert float(raw["mass_balance"].max()) < 1e-12
    assert float(raw["solution"].min()) >= 0
    assert (raw["solution"].max("x") < left).all()
    # By the last time the last three are at rest.
    line = left[1:, None] ** (exponents[1:, None] + 1) * (1 - raw["x"].values)
    np.testing.assert_allclose(raw["solution"][1:], line ** (1 / (exponents[1:, None] + 1)), rtol=1e-3)


def test_values_that_overflow_are_a_failed_run():
    simulator = PorousMedium(cells=16, steps=4, left=None)
    raw = simulator.run(xr.Dataset({"exponent": ("run", [3.0, 3.0]), "left": ("run", [1e30, 1.0])}))
    assert raw["failure"].values.tolist() == ["Newton's method does not converge; take more steps", ""]
    alone = simulator.run(xr.Dataset({"exponent": ("run", [3.0]), "left": ("run", [1.0])}))
    assert raw["solution"].values[1].tobytes() == alone["solution"].values[0].tobytes()
