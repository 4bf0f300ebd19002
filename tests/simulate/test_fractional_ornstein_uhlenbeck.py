"""Fractional Ornstein-Uhlenbeck process: mean and variance, the ordinary process for H = 1/2, strong order."""

from itertools import pairwise

import numpy as np
import pytest
import xarray as xr
from scipy import stats
from scipy.integrate import quad

from surecast.simulate.fractional_ornstein_uhlenbeck import FractionalOrnsteinUhlenbeck

VALUES = {"start": 0.7, "rate": 1.5, "level": 1.2, "volatility": 0.6}


def inputs(runs, hurst):
    given = {name: ("run", np.full(runs, value)) for name, value in (VALUES | {"hurst": hurst}).items()}
    return xr.Dataset({**given, "seed": ("run", np.random.default_rng(4).integers(0, 2**63, runs))})


def moments(hurst, time):
    rate, decay = VALUES["rate"], np.exp(-VALUES["rate"] * time)
    # Substituting s^2H takes the singularity at 0 away.
    integral, _ = quad(
        lambda power: 0.5 * sum(np.exp(-rate * r) for r in (power ** (0.5 / hurst), 2 * time - power ** (0.5 / hurst))),
        0,
        time ** (2 * hurst),
    )
    return VALUES["level"] + (VALUES["start"] - VALUES["level"]) * decay, VALUES["volatility"] ** 2 * integral


@pytest.mark.parametrize("hurst", [0.2, 0.5, 0.8])
def test_law_of_the_final_state(hurst):
    runs, time = 8000, 2.0
    found = FractionalOrnsteinUhlenbeck(steps=128, time=time).run(inputs(runs, hurst))["final"].values
    mean, variance = moments(hurst, time)
    assert found.mean() == pytest.approx(mean, abs=4 * np.sqrt(variance / runs) + 0.003)
    assert found.var() == pytest.approx(variance, rel=4 * np.sqrt(2 / runs) + 0.015)
    assert stats.kstest(found, "norm", args=(found.mean(), found.std())).pvalue > 1e-3


def test_an_index_of_one_half_is_the_ordinary_process():
    rate, time = VALUES["rate"], 2.0
    ordinary = VALUES["volatility"] ** 2 * (1 - np.exp(-2 * rate * time)) / (2 * rate)
    mean, variance = moments(0.5, time)
    assert variance == pytest.approx(ordinary, rel=1e-9)
    found = FractionalOrnsteinUhlenbeck(steps=256, time=time).run(inputs(4000, 0.5))["final"].values
    assert stats.kstest(found, "norm", args=(mean, np.sqrt(ordinary))).pvalue > 1e-3


@pytest.mark.parametrize(("hurst", "order"), [(0.2, 0.7), (0.4, 0.9), (0.8, 1.0)])
def test_paths_of_finer_steps_converge_in_the_strong_sense(hurst, order):
    given = inputs(500, hurst)
    sizes = (32, 64, 128, 256, 512)
    found = [FractionalOrnsteinUhlenbeck(steps=steps).run(given)["final"].values for steps in sizes]
    apart = np.array([np.sqrt(np.mean((one - two) ** 2)) for one, two in pairwise(found)])
    assert np.log2(apart[:-1] / apart[1:]) == pytest.approx(np.full(3, order), abs=0.2)


def test_an_index_that_cannot_be_is_a_failed_run():
    given = inputs(4, 0.3)
    given["hurst"][1:] = [0.0, 1.0, 1.5]
    failure = FractionalOrnsteinUhlenbeck(steps=8).run(given)["failure"].values
    assert list(failure) == [""] + 3 * ["hurst is not between 0 and 1"]
