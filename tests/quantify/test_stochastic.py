"""Stochastic simulators: the noise of a run is part of its output, and every run has a seed of its own."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from scipy.special import ndtr, ndtri

from surecast.quantify.estimators.control_variates import ControlVariates
from surecast.quantify.estimators.monte_carlo import MonteCarlo
from surecast.quantify.estimators.scrambled_sobol import ScrambledSobol
from surecast.quantify.exceedance import ExceedanceIntegrand
from surecast.quantify.moments import MomentsIntegrand
from surecast.study.laws.continuous import Uniform
from surecast.study.laws.joint import JointLaw
from surecast.study.model import Study

NOISE = 0.5
LAW = JointLaw({"x": Uniform(low=0, high=1)})


def noisy(inputs: xr.Dataset) -> xr.Dataset:
    """y = x + N(0, 0.5^2), the noise a function of the seed alone."""
    noise = NOISE * ndtri((inputs["seed"].values + 0.5) / 2**62)
    return xr.Dataset({"y": ("run", inputs["x"].values + noise)})


def smooth(inputs: xr.Dataset) -> xr.Dataset:
    return xr.Dataset({"y": ("run", inputs["x"].values)})


@pytest.mark.parametrize(
    "estimator",
    [MonteCarlo(), ScrambledSobol(), pytest.param(ControlVariates(), marks=pytest.mark.counted)],
    ids=lambda e: e.kind,
)
def test_moments_and_probabilities_hold_the_noise(known, estimator):
    """Var y = 1/12 + 0.5^2; P(y > 1) = int_0^1 Phi((x - 1)/0.5) dx by the midpoint rule."""
    middle = (np.arange(10_000) + 0.5) / 10_000
    truths = {
        "mean": 0.5,
        "variance": 1 / 12 + NOISE**2,
        "probability": float(ndtr((middle - 1) / NOISE).mean()),
    }
    seeds, covered = 120, dict.fromkeys(truths, 0)
    for seed in range(seeds):
        for integrand in (MomentsIntegrand(LAW, ["y"]), ExceedanceIntegrand(LAW, "y > 1")):
            task = known.task(noisy, smooth, runs=400, seed=seed, surrogate_runs=1024, chunk=10**6)
            for found in estimator.estimate(integrand, task):
                name = found.statistic.name
                if name in truths:
                    covered[name] += found.low <= truths[name] <= found.high
    print(estimator.kind, covered)
    assert min(covered.values()) >= known.least_covered(seeds)


FUNCTION = """
import numpy as np

def noisy(inputs, size):
    return (inputs["x"] + size * (inputs["seed"] % 1000)).to_dataset(name="y")

noisy_by_itself = lambda inputs: noisy(inputs, 1.0)
noisy_by_itself.stochastic = True
"""


@pytest.mark.parametrize(
    ("simulator", "stochastic"),
    [
        ("{kind: 'seeded_function:noisy', size: 1.0, stochastic: true}", True),
        ("{kind: 'seeded_function:noisy', size: 1.0}", False),
        ("{kind: 'seeded_function:noisy_by_itself'}", True),
        ("{kind: 'seeded_function:noisy_by_itself', stochastic: false}", False),
    ],
)
def test_a_study_says_that_its_function_is_stochastic(tmp_path, simulator, stochastic):
    import yaml

    (tmp_path / "seeded_function.py").write_text(FUNCTION)
    content = yaml.safe_load(f"""
simulator: {simulator}
inputs: {{x: {{kind: uniform, low: 0, high: 1}}}}
outputs: {{y: {{units: m}}}}
design: {{kind: sobol, train: 16, validation: 16, test: 16}}
""")
    study = Study.from_content(content, tmp_path / "noisy.yaml")
    assert study.build_simulator().stochastic == stochastic
