"""Stefan's problem against its similarity solutions."""

import numpy as np
import pytest
import xarray as xr
from scipy.optimize import brentq
from scipy.special import erf, erfc, erfcx

from surecast.simulate.stefan import Stefan

THRESHOLDS = np.array([0.3, 0.5, 0.55, 0.6, 0.7])
TIME = 0.05


def similarity(x, threshold, above, below):
    """u (x,), the front, and the amount that has come in, at `TIME`."""
    ratio = np.sqrt(above / below) if below else 0.0

    def balance(z):
        if not below:
            return (1 - threshold) * np.exp(-z * z) - threshold * np.sqrt(np.pi) * z * erf(z)
        return (1 - threshold) * np.exp(-z * z) * ratio * erfcx(ratio * z) - threshold * erf(z)

    z = brentq(balance, 1e-9, 4.0)
    width = 2 * np.sqrt(above * TIME)
    hot = 1 - (1 - threshold) * erf(x / width) / erf(z)
    cold = threshold * erfc(x / width * ratio) / erfc(z * ratio) if below else np.zeros_like(x)
    return np.where(x < z * width, hot, cold), z * width, (1 - threshold) / erf(z) * width / np.sqrt(np.pi)


def compared(cells, above=1.0, below=0.0):
    """Errors of the amount, of u far from the front, of u on the average, and of the front in cells, (run,) each."""
    simulator = Stefan(cells=cells, steps=2 * cells, time=TIME, diffusivity=above, diffusivity_below=below)
    raw = simulator.run(xr.Dataset({"threshold": ("run", THRESHOLDS)}))
    assert (raw["failure"] == "").all()
    assert float(raw["mass_balance"].max()) < 1e-12
    x = raw["x"].values
    truth = [similarity(x, threshold, above, below) for threshold in THRESHOLDS]
    u, front, amount = (np.array(values) for values in zip(*truth, strict=True))
    error = np.abs(raw["solution"].values - u)
    return np.abs(raw["inflow"].values - amount), error.mean(axis=1), (raw["front"].values - front) * cells


@pytest.mark.parametrize("below", [0.0, 0.1])
def test_the_amount_is_of_order_two_and_the_front_within_a_cell(below):
    found = [compared(cells, below=below) for cells in (32, 64, 128)]
    amounts = np.array([one[0] for one in found])
    np.testing.assert_allclose(np.log2(amounts[0] / amounts[-1]) / 2, 2.0, atol=0.2)
    assert amounts[-1].max() < 4e-5
    for cells, (_, mean, front) in zip((32, 64, 128), found, strict=True):
        assert mean.max() < 0.5 / cells
        assert np.abs(front).max() < (0.7 if below else 0.06)


def test_diffusivities_scale_time():
    fast = compared(64, above=2.0, below=0.2)
    assert fast[0].max() < 2e-4
    assert np.abs(fast[2]).max() < 0.7


def test_a_front_runs_like_the_root_of_time():
    simulator = Stefan(cells=128, steps=160, frames=4, time=0.08)
    raw = simulator.run(xr.Dataset({"threshold": ("run", THRESHOLDS)}))
    given = {"threshold": THRESHOLDS[:, None], "diffusivity_below": np.zeros((5, 1))}
    fronts = np.array([simulator.front(raw["history"].values[:, frame], given) for frame in range(4)])
    np.testing.assert_array_equal(fronts[-1], raw["front"])
    np.testing.assert_allclose(fronts / np.sqrt([[0.25], [0.5], [0.75], [1.0]]), fronts[-1:].repeat(4, 0), atol=2e-3)


def test_at_rest_nothing_moves_where_nothing_conducts():
    simulator = Stefan(cells=32, steps=10, initial="field", left="closed", right="closed")
    x = simulator.grids()["initial"]["x"]
    start = np.array([0.5 * x, 0.3 * np.sin(9 * x) ** 2])
    raw = simulator.run(xr.Dataset({"threshold": ("run", [0.55, 0.6]), "initial": (("run", "x"), start)}))
    np.testing.assert_array_equal(raw["solution"], start)
    assert raw["front"].values.tolist() == [0.0, 0.0]


def test_a_front_that_has_passed_through():
    simulator = Stefan(cells=32, steps=60, time=3.0, right="closed")
    raw = simulator.run(xr.Dataset({"threshold": ("run", [0.55])}))
    assert float(raw["front"][0]) == 1.0
    assert float(raw["solution"].min()) > 0.9
