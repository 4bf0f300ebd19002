"""Importance sampling: honest where the surrogate misses part of the event, and efficient where it does not."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from surecast.quantify.estimators.importance_sampling import ImportanceSampling
from surecast.quantify.exceedance import ExceedanceIntegrand
from surecast.quantify.moments import MomentsIntegrand
from surecast.study.errors import EstimationError

FAST = {"chunk": 10**6, "surrogate_chunk": 10**6, "surrogate_runs": 4096}


def fourbranch(u: np.ndarray) -> np.ndarray:
    curved = 3 + 0.1 * (u[:, 0] - u[:, 1]) ** 2
    slope, away = (u[:, 0] + u[:, 1]) / np.sqrt(2), u[:, 0] - u[:, 1]
    return -np.minimum.reduce([curved - slope, curved + slope, away + 7 / np.sqrt(2), 7 / np.sqrt(2) - away])


def one_branch(u: np.ndarray) -> np.ndarray:
    return (u[:, 0] + u[:, 1]) / np.sqrt(2) - 3 - 0.1 * (u[:, 0] - u[:, 1]) ** 2


def rp25(u: np.ndarray) -> np.ndarray:
    return -np.maximum(u[:, 0] ** 2 - 8 * u[:, 1] + 16, -16 * u[:, 0] + u[:, 1] + 32)


def linear(u: np.ndarray) -> np.ndarray:
    return 0.8 * u[:, 0] + 0.6 * u[:, 1] - 3.2


def two_sided(u: np.ndarray) -> np.ndarray:
    return np.maximum(u[:, 0] - 3, -u[:, 0] - 3.2)


def one_sided(u: np.ndarray) -> np.ndarray:
    return u[:, 0] - 3


TWO_SIDED = 1.3498980316300946e-3 + 6.871379379158484e-4  # Phi(-3) + Phi(-3.2)


@pytest.mark.parametrize(
    ("truth", "surrogate", "dimension", "p"),
    [
        (fourbranch, one_branch, 2, 2.222795e-3),
        (rp25, linear, 2, 4.148566e-5),
        (two_sided, one_sided, 2, TWO_SIDED),
        (two_sided, one_sided, 10, TWO_SIDED),
        (one_sided, lambda u: np.zeros(len(u)) - 1, 2, 1.3498980316300946e-3),
    ],
    ids=["fourbranch", "rp25", "two-sided", "two-sided-10d", "constant"],
)
def test_a_surrogate_that_misses_a_mode_is_covered_or_not_certified(known, truth, surrogate, dimension, p):
    integrand = ExceedanceIntegrand(known.normals(dimension), "g > 0")
    for seed in range(2):
        task = known.task(known.model(truth), known.model(surrogate), runs=400, seed=seed, **FAST)
        (estimate,) = ImportanceSampling(samples=512).estimate(integrand, task)
        assert estimate.verdict != "certified" or estimate.low <= p <= estimate.high


@pytest.mark.parametrize(
    ("truth", "dimension", "p", "error"),
    [
        (fourbranch, 2, 2.222795e-3, 0.06),
        (rp25, 2, 4.148566e-5, 0.05),
        pytest.param(lambda u: u.sum(axis=1) - 5 * np.sqrt(10), 10, 2.866516e-7, 0.05, marks=pytest.mark.counted),
    ],
    ids=["fourbranch", "rp25", "rp107"],
)
def test_a_good_surrogate_is_certified_and_precise(known, truth, dimension, p, error):
    """A relative error that plain Monte Carlo would need more than a million runs for."""
    integrand = ExceedanceIntegrand(known.normals(dimension), "g > 0")
    for seed in range(2):
        task = known.task(known.model(truth), known.model(truth), runs=1000, seed=seed, **FAST)
        (estimate,) = ImportanceSampling().estimate(integrand, task)
        assert estimate.low <= p <= estimate.high
        assert estimate.value == pytest.approx(p, rel=error)
        assert estimate.verdict == "certified"
        assert estimate.diagnostics["effective_failures"] >= 80
        assert estimate.simulator_runs == 1000
        # No disagreement was seen, yet the rule-of-three floor keeps the interval open.
        assert (estimate.high - estimate.low) / 2 > 0.01 * p


@pytest.mark.parametrize(
    ("truth", "dimension", "p", "runs"),
    [
        (fourbranch, 2, 2.222795e-3, 600),
        (rp25, 2, 4.148566e-5, 800),
        (lambda u: u.sum(axis=1) - 5 * np.sqrt(10), 10, 2.866516e-7, 400),
    ],
    ids=["fourbranch", "rp25", "rp107"],
)
def test_without_a_surrogate_one_is_trained_within_the_runs(known, truth, dimension, p, runs):
    integrand = ExceedanceIntegrand(known.normals(dimension), "g > 0")
    (estimate,) = ImportanceSampling().estimate(integrand, known.task(known.model(truth), runs=runs, **FAST))
    assert estimate.low <= p <= estimate.high
    assert estimate.value == pytest.approx(p, rel=0.08)
    assert estimate.verdict == "certified"
    assert estimate.simulator_runs == runs
    assert estimate.diagnostics["refitted"] == 1


def test_a_joint_event_of_two_outputs_is_refined(known):
    """P(a > 2 and b > 2) of independent normals, from runs alone."""

    def both(inputs: xr.Dataset) -> xr.Dataset:
        return xr.Dataset({"a": ("run", inputs["u1"].values), "b": ("run", 3 * inputs["u2"].values)})

    integrand = ExceedanceIntegrand(known.normals(3), "a > 2 and b > 6")
    (estimate,) = ImportanceSampling().estimate(integrand, known.task(both, runs=400, **FAST))
    assert estimate.low <= 0.022750131948179195**2 <= estimate.high
    assert estimate.verdict == "certified"


@pytest.mark.counted
def test_thirty_dimensions_with_a_surrogate_that_is_nearly_right(known):
    """y = exp(0.6 u) + (Q - 29)/(4 sqrt(58)) > 6.417817646676759, u normal and Q chi-square with 29 degrees: p = 1e-3.

    The surrogate knows exp(0.6 u) alone (correlation 0.95). A proposal as narrow as its event leaves heavy weights to
    the failures outside of it, and the estimate far too low most of the time.
    """
    d = 30

    def right(z: np.ndarray) -> np.ndarray:
        u = z.sum(axis=1) / np.sqrt(d)
        return nearly(z) + (np.square(z).sum(axis=1) - u**2 - (d - 1)) / (4 * np.sqrt(2 * (d - 1)))

    def nearly(z: np.ndarray) -> np.ndarray:
        return np.exp(0.6 * z.sum(axis=1) / np.sqrt(d))

    integrand = ExceedanceIntegrand(known.normals(d), "g > 6.417817646676759")
    values = []
    for seed in range(6):
        task = known.task(known.model(right), known.model(nearly), runs=700, seed=seed, **FAST)
        (estimate,) = ImportanceSampling(refinement=0.1, samples=256).estimate(integrand, task)
        values.append(estimate.value)
        assert estimate.verdict != "certified" or estimate.low <= 1e-3 <= estimate.high
    assert np.mean(values) == pytest.approx(1e-3, rel=0.08)


def test_runs_that_all_fail_are_refused(known):
    def failing(inputs: xr.Dataset) -> xr.Dataset:
        return known.model(one_sided)(inputs).assign(failed=("run", np.ones(inputs.sizes["run"], dtype=np.int8)))

    integrand = ExceedanceIntegrand(known.normals(2), "g > 0")
    with pytest.raises(EstimationError, match="all of the first 70 runs failed: nothing can be said") as caught:
        ImportanceSampling().estimate(integrand, known.task(failing, runs=800, **FAST))
    assert "by hand" in caught.value.remedy


def test_an_effective_number_below_the_floor_is_reported(known):
    integrand = ExceedanceIntegrand(known.normals(2), "g > 0")
    task = known.task(known.model(one_sided), known.model(one_sided), runs=60, **FAST)
    (estimate,) = ImportanceSampling().estimate(integrand, task)
    assert "effective number of failures" in estimate.verdict


def test_failed_runs_widen_the_interval(known):
    def failing(inputs: xr.Dataset) -> xr.Dataset:
        values = known.model(one_sided)(inputs)
        failed = (np.arange(inputs.sizes["run"]) % 10 == 0).astype(np.int8)
        return values.assign(failed=("run", failed))

    integrand = ExceedanceIntegrand(known.normals(2), "g > 0")
    widths, estimates = [], []
    for truth in (known.model(one_sided), failing):
        (estimate,) = ImportanceSampling().estimate(
            integrand, known.task(truth, known.model(one_sided), runs=800, **FAST)
        )
        widths.append(estimate.high - estimate.low)
        estimates.append(estimate)
    assert estimates[0].failed_runs == 0
    assert estimates[1].failed_runs == pytest.approx(80, abs=3)
    assert widths[1] > 1.5 * widths[0]
    assert estimates[1].low <= 1.3498980316300946e-3 <= estimates[1].high


def test_chunks_do_not_change_a_number(known):
    integrand = ExceedanceIntegrand(known.normals(3), "g > 0")
    results = []
    for chunk, surrogate_chunk in [(7, 1000), (256, 2048), (256, 2048)]:
        task = known.task(
            known.model(one_sided),
            known.model(one_sided),
            runs=300,
            steps=4,
            chunk=chunk,
            surrogate_chunk=surrogate_chunk,
            surrogate_runs=2048,
        )
        results.append(ImportanceSampling().estimate(integrand, task))
    assert results[0] == results[1] == results[2]


def test_what_it_cannot_do_is_refused(known):
    question = ExceedanceIntegrand(known.normals(2), "g > 0")
    with pytest.raises(EstimationError, match="exceedance questions only"):
        ImportanceSampling().estimate(MomentsIntegrand(known.normals(2), ["g"]), known.task(known.model(one_sided)))
    with pytest.raises(EstimationError, match="49 runs are too few"):
        ImportanceSampling().estimate(question, known.task(known.model(one_sided), runs=49))
    bad = known.model(lambda u: np.full(len(u), np.nan))
    with pytest.raises(EstimationError, match="not finite"):
        ImportanceSampling().estimate(question, known.task(known.model(one_sided), bad))
