"""Heston's model: prices by its characteristic function, moments, strong order, constant variance."""

from itertools import pairwise

import numpy as np
import pytest
import xarray as xr
from scipy.integrate import quad

from surecast.simulate.brownian import increments
from surecast.simulate.heston import Heston

VALUES = {
    "start": 1.0,
    "growth": 0.05,
    "variance": 0.09,
    "rate": 1.5,
    "level": 0.16,
    "volatility": 0.4,
    "correlation": -0.7,
}


def inputs(runs, **values):
    given = {name: ("run", np.full(runs, value)) for name, value in (VALUES | values).items()}
    seeds = np.random.default_rng(3).integers(0, 2**63, runs)
    return xr.Dataset({**given, "seed": ("run", seeds)})


def characteristic(u, time, start, growth, variance, rate, level, volatility, correlation):
    """E exp(i u log S), as Albrecher, Mayer, Schoutens and Tistaert (2007) write it, free of jumps of the logarithm."""
    pull = rate - correlation * volatility * 1j * u
    root = np.sqrt(pull**2 + volatility**2 * (1j * u + u * u))
    ratio = (pull - root) / (pull + root)
    decay = np.exp(-root * time)
    log = np.log((1 - ratio * decay) / (1 - ratio))
    by_level = rate * level / volatility**2 * ((pull - root) * time - 2 * log)
    by_start = variance / volatility**2 * (pull - root) * (1 - decay) / (1 - ratio * decay)
    return np.exp(1j * u * (np.log(start) + growth * time) + by_level + by_start)


def call(strike, time):
    """E max(S - strike, 0), by Heston's two probabilities."""

    def integrand(u, shift):
        ratio = characteristic(u - shift, time, **VALUES) / characteristic(-shift, time, **VALUES)
        return float((np.exp(-1j * u * np.log(strike)) * ratio / (1j * u)).real)

    first, second = (0.5 + quad(integrand, 0, 200, args=(shift,), limit=200)[0] / np.pi for shift in (1j, 0))
    return VALUES["start"] * np.exp(VALUES["growth"] * time) * first - strike * second


@pytest.fixture(scope="module")
def many():
    return Heston(steps=128).run(inputs(40_000))


@pytest.mark.parametrize("strike", [0.7, 1.0, 1.4])
def test_prices_are_those_of_the_closed_form(many, strike):
    paid = np.maximum(many["final"].values - strike, 0)
    error = paid.std() / np.sqrt(len(paid))
    assert paid.mean() == pytest.approx(call(strike, 1.0), abs=4 * error + 2e-4)  # and the error of the steps
    assert error < 0.002


def test_the_characteristic_function_is_the_closed_form(many):
    logs = np.log(many["final"].values)
    for u in (1.0, 3.0, 6.0):
        assert np.exp(1j * u * logs).mean() == pytest.approx(characteristic(u, 1.0, **VALUES), abs=4 / np.sqrt(40_000))


def test_the_mean_of_the_asset_is_right_whatever_the_steps(many):
    for found in (many["final"].values, Heston(steps=2).run(inputs(40_000))["final"].values):
        error = found.std() / np.sqrt(len(found))
        assert found.mean() == pytest.approx(VALUES["start"] * np.exp(VALUES["growth"]), abs=4 * error)


def test_moments_of_the_variance_and_its_correlation_with_the_asset(many):
    found, e = many["final_variance"].values, np.exp(-VALUES["rate"])
    rate, level, start, volatility = (VALUES[name] for name in ("rate", "level", "variance", "volatility"))
    mean = level + (start - level) * e
    spread = start * volatility**2 * (e - e * e) / rate + level * volatility**2 * (1 - e) ** 2 / (2 * rate)
    assert found.mean() == pytest.approx(mean, abs=4 * np.sqrt(spread / len(found)), rel=0.003)
    assert found.var() == pytest.approx(spread, rel=0.05)
    assert float(found.min()) >= 0
    assert np.corrcoef(found, np.log(many["final"].values))[0, 1] < -0.5


def test_paths_of_finer_steps_converge_at_order_one_half():
    given = inputs(2000)
    found = [Heston(steps=steps).run(given)["final"].values for steps in (16, 32, 64, 128, 256)]
    apart = np.array([np.sqrt(np.mean((one - two) ** 2)) for one, two in pairwise(found)])
    assert np.log2(apart[:-1] / apart[1:]) == pytest.approx(np.full(3, 0.5), abs=0.2)


def test_constant_variance_is_geometric_brownian_motion():
    given = inputs(50, volatility=0.0, variance=0.16)
    found = Heston(steps=24, time=2.0).run(given)["final"].values
    end = increments(given["seed"].values, 24, 2.0).sum(axis=0)
    np.testing.assert_allclose(found, np.exp(2 * (0.05 - 0.08) + 0.4 * end), rtol=1e-12)


def test_variances_at_zero_stay_finite():
    found = Heston(steps=64).run(inputs(2000, volatility=2.0))
    assert (found["failure"] == "").all()
    assert (found["final"] > 0).all()
    assert (found["final_variance"] == 0).any()


def test_runs_that_cannot_be_are_failed_runs():
    given = inputs(3)
    given["correlation"][1], given["level"][2] = -1.2, -0.1
    assert list(Heston(steps=4).run(given)["failure"].values) == [
        "",
        "correlation is not between -1 and 1",
        "level is negative",
    ]
