"""Diffusion and sorption against the linear isotherm's series, a nonlinear wave, and its own refinement."""

import itertools

import numpy as np
import pytest
import xarray as xr
from scipy.optimize import brentq
from scipy.special import erfc

from surecast.simulate.diffusion_sorption import DiffusionSorption
from surecast.simulate.nonlinear_diffusion import End, Stepper

START = np.array([0.0, 0.1, 0.2])
DIFFUSIVITY, PORES = 5e-4, 0.71 / 0.29 * 2880


def series(x, time, outflow, start, retardation):
    """u_t = D/R u_xx, u = 1 at x = 0, -D u_x = v u at x = 1, by its eigenfunctions sin(l x)."""
    balance = lambda root: DIFFUSIVITY * root * np.cos(root) + outflow * np.sin(root)  # noqa: E731
    roots = np.array([brentq(balance, (n + 0.5) * np.pi - 1e-9, (n + 1) * np.pi) for n in range(60)])
    slope = outflow / (DIFFUSIVITY + outflow)
    norms = 0.5 - np.sin(2 * roots) / (4 * roots)
    # Integrals of (start - 1 + slope x) sin(l x).
    weights = (start - 1) * (1 - np.cos(roots)) / roots
    weights += slope * (np.sin(roots) / roots**2 - np.cos(roots) / roots)
    decay = np.exp(-DIFFUSIVITY / retardation * roots**2 * time)
    return 1 - slope * x + np.sin(np.outer(x, roots)) @ (weights / norms * decay)


@pytest.mark.parametrize("outflow", [1.0, 1e-3, 0.0])
def test_a_linear_isotherm_retards(outflow):
    coefficient, errors = 1e-4, []
    for cells in (16, 32, 64):
        simulator = DiffusionSorption(
            cells=cells, steps=cells, time=1500.0, exponent=1.0, coefficient=coefficient, outflow=outflow
        )
        raw = simulator.run(xr.Dataset({"initial": ("run", START)}))
        retardation = 1 + PORES * coefficient
        truth = [series(raw["x"].values, 1500.0, outflow, start, retardation) for start in START]
        errors.append(np.abs(raw["solution"].values - truth).max(axis=1))
        amount = retardation * START + raw["inflow"].values - raw["outflow"].values
        np.testing.assert_allclose(raw["mass"], amount, rtol=1e-12)
    orders = np.log2(np.array(errors[:-1]) / np.array(errors[1:]))
    np.testing.assert_allclose(orders, 2.0, atol=0.2)
    assert np.max(errors[-1]) < 3e-5


def test_early_times_are_those_of_a_half_space():
    # u = start + (1 - start) erfc(x / 2 sqrt(D t / R)), before the right end matters.
    simulator = DiffusionSorption(cells=256, steps=64, time=20.0, exponent=1.0, coefficient=1e-4, right="closed")
    raw = simulator.run(xr.Dataset({"initial": ("run", START)}))
    width = 2 * np.sqrt(DIFFUSIVITY * 20.0 / (1 + PORES * 1e-4))
    truth = START[:, None] + (1 - START[:, None]) * erfc(raw["x"].values / width)
    np.testing.assert_allclose(raw["solution"], truth, rtol=0, atol=2e-3)
    crossing = [brentq(lambda s, a=a: a + (1 - a) * erfc(s / width) - 0.5, 0, 1) for a in START]
    np.testing.assert_allclose(raw["front"], crossing, atol=2e-4)


def test_without_sorption_it_is_diffusion():
    for nothing in ({"coefficient": 0.0}, {"porosity": 1.0}):
        raw = DiffusionSorption(cells=64, steps=64, **nothing).run(xr.Dataset({"initial": ("run", START)}))
        truth = [series(raw["x"].values, 500.0, 1.0, start, 1.0) for start in START]
        np.testing.assert_allclose(raw["solution"], truth, rtol=0, atol=4e-5)


@pytest.mark.parametrize("exponent", [0.3, 0.5, 0.8])
def test_the_wave_ahead_of_which_nothing_is(exponent):
    """(u + a u^n)_t = D u_xx has a wave of speed 1 that starts from u = 0, where R is infinite."""
    sorption, diffusivity = 2.0, 0.05
    given = {"exponent": exponent, "diffusivity": diffusivity, "porosity": 0.5, "density": sorption, "coefficient": 1.0}
    medium = DiffusionSorption().medium({name: np.full((1, 1), value) for name, value in given.items()})

    def wave(x, time):
        inside = np.expm1((1 - exponent) * np.maximum(time - x, 0) / diffusivity)
        return (sorption * inside) ** (1 / (1 - exponent))

    errors = []
    for cells in (32, 64, 128):
        h, x = 1 / cells, (np.arange(cells) + 0.5) / cells

        def ends(time, h=h):
            return tuple(End.held(medium, np.full((1, 1), wave(place, time)), h) for place in (0.0, 1.0))

        stepper = Stepper(medium, ends, np.zeros((1, cells)), h, 0.5 / cells)
        for _ in range(cells):
            stepper.advance()
        assert not stepper.failed[0]
        found, truth = medium.value(stepper.z)[0], wave(x, 0.5)
        errors.append(np.abs(found - truth).mean() / truth.mean())
        assert found[x > 0.5 + 2 * h].max() < 1e-6 * truth.max()
    assert np.log2(errors[1] / errors[2]) == pytest.approx(2.0, abs=0.2)


@pytest.mark.parametrize("exponent", [0.5, 0.874, 1.3])
def test_second_order_by_refinement(exponent):
    states = []
    for cells in (32, 64, 128):
        simulator = DiffusionSorption(cells=cells, steps=cells, exponent=exponent)
        raw = simulator.run(xr.Dataset({"initial": ("run", START)}))
        assert (raw["failure"] == "").all()
        assert float(raw["mass_balance"].max()) < 1e-10
        assert float(raw["solution"].min()) >= 0
        states.append(raw["solution"].values.reshape(3, 32, -1).mean(axis=2))
    first, second = (np.abs(fine - coarse).mean(axis=1) for coarse, fine in itertools.pairwise(states))
    np.testing.assert_allclose(np.log2(first / second), 2.0, atol=0.2)


def test_all_that_is_known_of_the_soil_may_be_uncertain():
    names = ("diffusivity", "porosity", "density", "coefficient", "exponent", "outflow")
    simulator = DiffusionSorption(cells=32, steps=32, **dict.fromkeys(names))
    assert simulator.input_names() == ("initial", *names)
    assert simulator.input_units()["coefficient"] == "m3/kg"
    values = {"initial": 0.1} | {name: DiffusionSorption.model_fields[name].default for name in names}
    given = xr.Dataset({name: ("run", np.full(3, value)) for name, value in values.items()})
    fixed = DiffusionSorption(cells=32, steps=32).run(given[["initial"]])
    assert simulator.run(given)["solution"].values.tobytes() == fixed["solution"].values.tobytes()
    given["exponent"][1], given["porosity"][2] = 0.0, 1.5
    assert simulator.run(given)["failure"].values.tolist() == ["", "exponent is not positive", "porosity is above 1"]
