"""Failed runs: the interval holds whatever they might have been within the declared bounds."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import xarray as xr
from scipy.stats import qmc

from surecast.quantify.estimators.active_sampling import ActiveSampling
from surecast.quantify.estimators.control_variates import ControlVariates
from surecast.quantify.estimators.monte_carlo import MonteCarlo
from surecast.quantify.estimators.scrambled_sobol import ScrambledSobol
from surecast.quantify.estimators.surrogate_decomposition import SurrogateDecomposition
from surecast.quantify.expectations import Expectation, Expectations
from surecast.quantify.failures import completions
from surecast.quantify.moments import MomentsIntegrand
from surecast.quantify.sobol import SobolIntegrand
from surecast.study.errors import EstimationError, StudyError
from surecast.study.laws.continuous import Uniform
from surecast.study.laws.joint import JointLaw
from surecast.study.model import Study

BOUNDS = {"y": (-11.0, 18.0)}
ALL = [MonteCarlo(), ControlVariates(), ScrambledSobol()]
by_kind = pytest.mark.parametrize("estimator", ALL, ids=lambda e: e.kind)


def failing(known, fails):
    """The Ishigami function, failed where `fails` of its value says so."""

    def truth(inputs: xr.Dataset) -> xr.Dataset:
        outputs = known.ishigami(inputs)
        failed = fails(outputs["y"].values)
        message = np.where(failed, "it diverged", "").astype(object)
        kept = outputs.where(xr.DataArray(~failed, dims="run"))
        return kept.assign(failed=("run", failed.astype(np.int8)), message=("run", message))

    return truth


def integrand_of(known, *measures: str) -> MomentsIntegrand:
    return MomentsIntegrand(known.law, ["y"])


def test_completions_reach_the_extremes_of_every_way_to_complete(known):
    """All 5^m completions of m failed runs on a grid of their bounds lie between the extremes."""
    rng = np.random.default_rng(1)
    for low, high in ((-3.0, 2.0), (0.5, 4.0), (-9.0, -1.0)):
        rows = rng.normal(size=(12, 1, 1))
        rows[[2, 5, 6, 11]] = np.nan
        ways = completions(integrand_of(known), rows, {"y": (low, high)})
        means, variances = [way.mean() for way in ways], [way.var() for way in ways]
        grid = np.linspace(low, high, 5)
        filled = np.repeat(rows[None, :, 0, 0], 5**4, axis=0)
        filled[:, [2, 5, 6, 11]] = list(itertools.product(grid, repeat=4))
        assert min(means) == pytest.approx(filled.mean(axis=1).min())
        assert max(means) == pytest.approx(filled.mean(axis=1).max())
        assert max(variances) == pytest.approx(filled.var(axis=1).max())
        assert min(variances) <= filled.var(axis=1).min() + 1e-12


@by_kind
@pytest.mark.parametrize("where", ["highest", "rarest", "middle"])
def test_bounded_failures_are_covered_and_certified(known, chaos, estimator, where):
    """The failed runs are those with the most extreme (or the dullest) values: 3 % or 3 in a thousand."""
    sample = known.ishigami(known.law.from_uniform(np.random.default_rng(0).random((100_000, 3))))["y"].values
    top, rare, lower, upper = np.quantile(sample, [0.97, 0.997, 0.485, 0.515])
    fails = {
        "highest": lambda y: y > top,
        "rarest": lambda y: y > rare,
        "middle": lambda y: (y > lower) & (y < upper),
    }[where]
    seeds = 60
    covered, certified = {"mean": 0, "variance": 0}, {"mean": 0, "variance": 0}
    for seed in range(seeds):
        task = known.task(
            failing(known, fails), chaos, runs=400, seed=seed, bounds=BOUNDS, surrogate_runs=2048, chunk=10**6
        )
        for found in estimator.estimate(integrand_of(known), task):
            name = found.statistic.name
            if name in covered:
                covered[name] += found.low <= known.values[name] <= found.high
                certified[name] += found.verdict == "certified"
                assert ("value_of_finished_runs" in found.diagnostics) == (found.failed_runs > 0)
    print(f"{estimator.kind}, {where}: {covered} covered, {certified} certified of {seeds}")
    assert min(covered.values()) >= known.least_covered(seeds)
    assert min(certified.values()) >= 0.9 * seeds


@by_kind
def test_without_bounds_it_is_not_certified_and_says_what_to_declare(known, chaos, estimator):
    task = known.task(failing(known, lambda y: y > 10), chaos, runs=400, surrogate_runs=2048)
    for found in estimator.estimate(integrand_of(known), task):
        assert f"{found.failed_runs} runs failed and are left out" in found.verdict
        assert "declare `bounds` of the output" in found.verdict


@by_kind
def test_indices_are_not_certified_with_failed_runs_even_with_bounds(known, chaos, estimator):
    integrand = SobolIntegrand(known.law, ["y"], {"x1": ("x1",), "rest": ("x2", "x3")})
    task = known.task(failing(known, lambda y: y > 14), chaos, runs=800, bounds=BOUNDS, surrogate_runs=2048)
    assert all("runs failed" in found.verdict for found in estimator.estimate(integrand, task))


@pytest.mark.parametrize("estimator", [MonteCarlo(), ControlVariates()], ids=lambda e: e.kind)
def test_expectations_are_bounded_under_every_law_and_events_count_failures_both_ways(known, chaos, estimator):
    """The highest 3 % failed. Truths by 2^18 Sobol points, the events' by the quantile that they are."""
    points = known.law.from_uniform(qmc.Sobol(3, rng=1).random(2**18))
    y, inside = known.ishigami(points)["y"].values, np.abs(points["x1"].values) < 2.5
    top, high = map(float, np.quantile(y, [0.97, 0.85]))
    narrower = {"narrower": {"inputs": {"x1": {"kind": "uniform", "low": -2.5, "high": 2.5}}}}
    asked = Expectations(of=["y", {"output": "y", "power": 2}, {"event": f"y > {high!r}"}], laws=narrower)
    integrand = asked.integrand(known.law)
    phi = [y, y**2, (y > high).astype(float)]
    truths = [function[kept].mean() for function in phi for kept in (slice(None), inside)]
    seeds = 40
    covered, certified = np.zeros(6), np.zeros(6)
    for seed in range(seeds):
        truth = failing(known, lambda values: values > top)
        task = known.task(truth, chaos, runs=500, seed=seed, bounds=BOUNDS, surrogate_runs=2048, chunk=10**6)
        found = estimator.estimate(integrand, task)
        covered += [one.low <= value <= one.high for one, value in zip(found, truths, strict=True)]
        certified += [one.verdict == "certified" for one in found]
        errors = [one.standard_error for one in found]
        np.testing.assert_allclose(np.sqrt(np.diag([one.covariance for one in found])), errors)
    print(f"{estimator.kind}: {covered} covered, {certified} certified of {seeds}")
    assert covered.min() >= known.least_covered(seeds)
    assert certified.min() >= 0.9 * seeds
    plain = known.task(truth, chaos, runs=500, surrogate_runs=2048)
    mean, _, power, _, event, _ = estimator.estimate(integrand, plain)
    assert "declare `bounds` of the output" in mean.verdict
    assert "declare `bounds` of the output" in power.verdict
    assert event.verdict == "certified"


def test_the_range_of_a_power():
    def ends(power: int, low: float, high: float):
        return Expectation(output="y", power=power).ends({"y": (low, high)})

    assert ends(1, -2, 3) == (-2, 3)
    assert ends(2, -2, 1) == (0, 4)
    assert ends(2, -3, -2) == (4, 9)
    assert ends(3, -2, 1) == (-8, 1)
    assert Expectation(output="y").ends({}) is None


@pytest.mark.parametrize("declared", [{}, {"y": (-11.0, 18.0), "z": (-4.0, 4.0)}])
def test_nobody_is_told_to_declare_bounds_that_would_not_help(known, chaos, declared):
    def two(inputs: xr.Dataset) -> xr.Dataset:
        return failing(known, lambda y: y > 14)(inputs).assign(z=inputs["x1"])

    def near(inputs: xr.Dataset) -> xr.Dataset:
        return chaos(inputs).assign(z=inputs["x1"])

    task = known.task(two, near, runs=800, bounds=declared, surrogate_runs=2048)
    groups = {"x1": ("x1",), "rest": ("x2", "x3")}
    found = [
        *MonteCarlo().estimate(MomentsIntegrand(known.law, ["y", "z"], ["covariance", "correlation"]), task),
        *MonteCarlo().estimate(SobolIntegrand(known.law, ["y"], groups), task),
        *SurrogateDecomposition(terms=100).estimate(SobolIntegrand(known.law, ["y"], groups), task),
        *ActiveSampling().estimate(MomentsIntegrand(known.law, ["y"], ["variance", "standard_deviation"]), task),
    ]
    for one in found:
        assert "runs failed and are left out" in one.verdict
        assert "no `bounds` of the output can tell what they would have changed" in one.verdict
        assert "declare" not in one.verdict


def test_bounds_that_a_run_does_not_keep_are_not_believed(known):
    task = known.task(failing(known, lambda y: y > 14), runs=400, bounds={"y": (0.0, 18.0)})
    for found in MonteCarlo().estimate(integrand_of(known), task):
        assert "outside its declared bounds [0, 18]" in found.verdict


@by_kind
def test_all_runs_failed_is_an_error_with_the_first_message(known, chaos, estimator):
    with pytest.raises(EstimationError, match=r"all of the first \d+ runs failed.*it diverged"):
        estimator.estimate(integrand_of(known), known.task(failing(known, lambda y: y > -99), chaos, bounds=BOUNDS))


@pytest.mark.parametrize("bounds", ["[2, 1]", "[0, 0]", "[0, .inf]", "[1]", "1"])
def test_bad_bounds_are_refused(tmp_path, bounds):
    import yaml

    content = yaml.safe_load(f"""
simulator: {{kind: burgers}}
inputs: {{viscosity: {{kind: uniform, low: 1, high: 2}}}}
outputs: {{peak: {{kind: maximum, of: velocity, bounds: {bounds}}}}}
design: {{kind: sobol, train: 16, validation: 16, test: 16}}
""")
    with pytest.raises(StudyError, match=r"outputs.peak.bounds"):
        Study.from_content(content)


def test_bounds_do_not_make_a_run_another_one(known):
    """They decide intervals, never runs: the output's own settings do not hold them."""
    law = JointLaw({"x": Uniform(low=0, high=1)})
    assert law.dimension == 1
    spec = {"kind": "maximum", "of": "velocity", "bounds": [0.0, 1.0]}
    from surecast.study.settings import OutputSpec

    assert OutputSpec.model_validate(spec).settings == {"of": "velocity"}
