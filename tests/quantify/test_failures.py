"""Failed runs: the interval holds whatever they might have been within the declared bounds."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import xarray as xr

from surecast.quantify.estimators.control_variates import ControlVariates
from surecast.quantify.estimators.monte_carlo import MonteCarlo
from surecast.quantify.estimators.scrambled_sobol import ScrambledSobol
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
