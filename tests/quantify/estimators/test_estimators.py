"""What all estimators share: reproducibility, failed runs, tolerance, convergence, and words for what they refuse."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from surecast.quantify.estimators.control_variates import ControlVariates, coefficients
from surecast.quantify.estimators.monte_carlo import MonteCarlo
from surecast.quantify.estimators.scrambled_sobol import ScrambledSobol, layout
from surecast.quantify.exceedance import ExceedanceIntegrand
from surecast.quantify.moments import MomentsIntegrand
from surecast.quantify.sobol import SobolIntegrand
from surecast.study.errors import EstimationError

ALL = [MonteCarlo(), ScrambledSobol(), ControlVariates()]
by_kind = pytest.mark.parametrize("estimator", ALL, ids=lambda e: e.kind)


def questions(known) -> list:
    return [
        MomentsIntegrand(known.law, ["y"]),
        SobolIntegrand(known.law, ["y"], {"x1": ("x1",), "rest": ("x2", "x3")}),
        ExceedanceIntegrand(known.law, "y > 10"),
    ]


@by_kind
def test_chunks_do_not_change_a_number_and_twice_is_the_same(known, chaos, estimator):
    for integrand in questions(known):
        results = []
        for chunk in (10, 999, 999):
            task = known.task(
                known.ishigami,
                known.constant,
                runs=400,
                steps=5,
                chunk=chunk,
                surrogate_chunk=3 * chunk,
                surrogate_runs=2048,
            )
            results.append(estimator.estimate(integrand, task))
        assert results[0] == results[1] == results[2]


@by_kind
def test_convergence_ends_at_the_answer(known, chaos, estimator):
    for integrand in questions(known):
        for estimate in estimator.estimate(integrand, known.task(known.ishigami, chaos, runs=640, steps=6)):
            runs = [point.simulator_runs for point in estimate.convergence]
            assert len(runs) >= 2
            assert runs == sorted(set(runs))
            last = estimate.convergence[-1]
            assert (last.value, last.low, last.high) == (estimate.value, estimate.low, estimate.high)
            assert last.simulator_runs == estimate.simulator_runs <= 640


def failing(known, share: int):
    def truth(inputs: xr.Dataset) -> xr.Dataset:
        assert "seed" in inputs
        outputs = known.ishigami(inputs)
        failed = inputs["x3"].values > np.pi * (1 - 2 / share)
        return outputs.where(xr.DataArray(~failed, dims="run")).assign(failed=("run", failed.astype(np.int8)))

    return truth


@by_kind
def test_failed_runs_of_moments_are_counted_and_not_certified(known, chaos, estimator):
    estimates = estimator.estimate(questions(known)[0], known.task(failing(known, 20), chaos, runs=1000))
    for estimate in estimates:
        assert 20 < estimate.failed_runs < 80
        assert f"{estimate.failed_runs} runs failed and are left out" in estimate.verdict


@by_kind
def test_failed_runs_of_a_probability_are_counted_both_ways(known, chaos, estimator):
    """Whatever the failed runs were, the interval holds the truth: here they were the likeliest events."""
    truth = known.ishigami(known.law.from_uniform(np.random.default_rng(0).random((400_000, 3))))["y"].values
    p = float(np.mean(truth > 10))
    for seed in range(5):
        task = known.task(failing(known, 20), chaos, runs=1000, seed=seed)
        (estimate,) = estimator.estimate(questions(known)[2], task)
        assert estimate.verdict == "certified"
        assert estimate.failed_runs > 20
        assert estimate.low <= p <= estimate.high
        assert estimate.high - estimate.low > estimate.failed_runs / 1000


@by_kind
def test_everything_failed_is_an_error(known, chaos, estimator):
    def truth(inputs: xr.Dataset) -> xr.Dataset:
        return known.ishigami(inputs) * np.nan

    with pytest.raises(EstimationError, match="nothing can be said"):
        estimator.estimate(questions(known)[0], known.task(truth, chaos))


def test_a_tolerance_not_reached_is_not_certified(known):
    integrand = questions(known)[0]
    estimates = MonteCarlo().estimate(integrand, known.task(known.ishigami, runs=1000, tolerance=0.001))
    assert all("wider than the tolerance 0.001" in e.verdict for e in estimates)
    estimates = MonteCarlo().estimate(integrand, known.task(known.ishigami, runs=1000, tolerance=0.5))
    assert all(e.verdict == "certified" for e in estimates)


def test_plain_monte_carlo_is_worth_its_own_runs(known):
    """Runs that plain Monte Carlo would need for the same interval: as many as it made, t and log scale aside."""
    for integrand in questions(known)[:2]:
        for estimate in MonteCarlo().estimate(integrand, known.task(known.ishigami, runs=4000)):
            assert estimate.equivalent_monte_carlo_runs == pytest.approx(estimate.simulator_runs, rel=0.03)


def test_a_good_surrogate_is_worth_many_runs(known, chaos):
    (mean, variance) = ControlVariates().estimate(questions(known)[0], known.task(known.ishigami, chaos, runs=1000))
    assert mean.equivalent_monte_carlo_runs > 5 * mean.simulator_runs
    assert variance.equivalent_monte_carlo_runs > 1.1 * variance.simulator_runs
    assert mean.diagnostics["coefficient_0"] == pytest.approx(1, abs=0.1)


def test_an_exact_surrogate_leaves_only_the_error_of_its_own_mean(known):
    class Exact:
        def __call__(self, inputs: xr.Dataset) -> xr.Dataset:
            return known.ishigami(inputs)

        def exact_statistics(self, integrand) -> np.ndarray:
            return np.array([known.values["mean"], known.values["variance"]])

    for estimate in ControlVariates().estimate(questions(known)[0], known.task(known.ishigami, Exact(), runs=200)):
        assert estimate.value == pytest.approx(known.values[estimate.statistic.name], rel=1e-10)
        assert estimate.surrogate_runs == 200


def test_no_run_chooses_its_own_coefficient():
    rng = np.random.default_rng(0)
    controls, response = rng.normal(size=(60, 1)), rng.normal(size=60)
    before, _ = coefficients(response, controls, 10, np.zeros((1, 1)))
    response[7] += 1000
    after, _ = coefficients(response, controls, 10, np.zeros((1, 1)))
    same = np.arange(60) % 10 == 7
    assert np.array_equal(before[same], after[same])
    assert not np.isclose(before[~same], after[~same]).any()


def test_coefficients_are_least_squares_and_shrink_with_the_controls_own_error():
    rng = np.random.default_rng(1)
    controls = rng.normal(size=(5000, 2))
    response = controls @ [2.0, -1.0] + 0.1 * rng.normal(size=5000)
    found, _ = coefficients(response, controls, 5, np.zeros((2, 2)))
    assert found.mean(axis=0) == pytest.approx([2, -1], abs=0.01)
    shrunk, _ = coefficients(response, controls, 5, np.eye(2) / 4000)  # n noise = 1: half
    assert shrunk.mean(axis=0) == pytest.approx([1, -0.5], abs=0.03)


def test_sobol_layout_uses_the_runs_up():
    for rows in range(24, 5000, 37):
        scramblings, points = layout(rows, 12)
        assert 12 <= scramblings < 24 or points == 2
        assert points & (points - 1) == 0
        assert rows - points < scramblings * points <= rows


@pytest.mark.parametrize("estimator", [MonteCarlo(), ControlVariates()], ids=lambda e: e.kind)
def test_too_few_runs_are_refused(known, chaos, estimator):
    with pytest.raises(EstimationError, match="too few for an interval") as error:
        estimator.estimate(questions(known)[1], known.task(known.ishigami, chaos, runs=100))
    assert "120 or more" in error.value.remedy


def test_control_variates_need_a_finite_surrogate(known):
    with pytest.raises(EstimationError, match="needs a surrogate"):
        ControlVariates().estimate(questions(known)[0], known.task(known.ishigami))
    with pytest.raises(EstimationError, match="not finite"):
        ControlVariates().estimate(questions(known)[0], known.task(known.ishigami, lambda x: known.ishigami(x) / 0))
