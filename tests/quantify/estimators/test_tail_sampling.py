"""Far quantiles: closed forms, both sides, wrong surrogates, what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from surecast.quantify.answer import ask
from surecast.quantify.estimators.tail_sampling import Drawn, TailSampling
from surecast.quantify.moments import MomentsIntegrand
from surecast.quantify.quantiles import Quantiles, random_sample
from surecast.study.errors import EstimationError

SEEDS = range(60)


def asked(known, truth, surrogate, seed=0, **settings):
    question = Quantiles(of="g", surrogate="best", **{"levels": [0.999], "runs": 500, **settings})
    return ask(
        question,
        question.integrand(known.normals(2)),
        truth,
        [surrogate],
        lambda _: np.random.SeedSequence([seed, 5]),
        steps=0,
    )


def test_far_levels_are_sampled_in_the_tail_by_default():
    assert Quantiles(of="g", levels=[0.999], surrogate="best").default_estimator() == "tail_sampling"
    assert Quantiles(of="g", levels=[0.5, 0.999], surrogate="best").default_estimator() == "control_variates"
    assert Quantiles(of="g", levels=[0.999]).default_estimator() == "monte_carlo"


def test_equal_weights_are_plain_runs():
    values = np.random.default_rng(0).normal(size=2000)
    weighted = Drawn(values, np.ones(2000), 0.95).quantile(0.9, 0.95)
    plain = random_sample(values, 0.95).quantile(0.9, 0.95)
    assert weighted.value == plain.value
    assert weighted.high - weighted.low == pytest.approx(plain.high - plain.low, rel=0.15)


@pytest.mark.parametrize("surrogate", ["good", pytest.param("linear", marks=pytest.mark.counted)])
def test_a_far_quantile_is_covered_and_certified(known, surrogate):
    """The quantile 0.999 of a lognormal output: 500 runs, of which Monte Carlo could not even bound it."""
    truth = known.model(lambda u: np.exp(0.8 * u[:, 0] + 0.6 * u[:, 1]))
    aid = {
        "good": known.model(lambda u: np.exp(0.8 * u[:, 0] + 0.04 * np.sin(9 * u[:, 0]) + 0.6 * u[:, 1])),
        "linear": known.model(lambda u: u[:, 0] + 0.5 * u[:, 1]),
    }[surrogate]
    value = stats.lognorm(1).ppf(0.999)
    covered, certified, half = 0, 0, []
    for seed in SEEDS:
        (found,) = asked(known, truth, aid, seed, surrogate_runs=2048)
        covered += found.low <= value <= found.high
        certified += found.verdict == "certified"
        half.append(0.5 * (found.high - found.low) / value)
    print(f"{surrogate}: {covered} of {len(SEEDS)} covered, {certified} certified, half-width {np.median(half):.3f}")
    assert covered >= known.least_covered(len(SEEDS))
    assert certified >= {"good": 0.9, "linear": 0.7}[surrogate] * len(SEEDS)
    assert np.median(half) < 0.06


@pytest.mark.counted
def test_a_tolerance_stops_it_on_a_declared_look_at_no_cost_in_coverage(known):
    truth = known.model(lambda u: np.exp(0.8 * u[:, 0] + 0.6 * u[:, 1]))
    aid = known.model(lambda u: np.exp(0.8 * u[:, 0] + 0.04 * np.sin(9 * u[:, 0]) + 0.6 * u[:, 1]))
    value = stats.lognorm(1).ppf(0.999)
    covered, spent = 0, []
    for seed in SEEDS:
        (found,) = asked(known, truth, aid, seed, surrogate_runs=2048, runs=2000, tolerance=0.055)
        covered += found.low <= value <= found.high
        spent.append(found.simulator_runs)
        assert 0.5 * (found.high - found.low) <= 0.055 * found.value
    print(f"{covered} of {len(SEEDS)} covered, runs {sorted(set(spent))}")
    assert covered >= known.least_covered(len(SEEDS))
    assert set(spent) <= {250, 500, 1000, 2000}
    assert np.median(spent) < 2000


def test_several_quantiles_stop_together_and_a_hopeless_tolerance_is_doubted(known):
    truth = known.model(lambda u: np.exp(0.8 * u[:, 0] + 0.6 * u[:, 1]))
    both = asked(known, truth, truth, levels=[0.001, 0.999], runs=4000, tolerance=0.3, surrogate_runs=2048)
    assert {found.simulator_runs for found in both} == {500}
    (loose,) = asked(known, truth, truth, levels=[0.9999], runs=1000, tolerance=0.9, surrogate_runs=2048)
    assert loose.verdict == "certified"
    assert loose.simulator_runs == 250  # the first look, at 125, has too few runs beyond the quantile
    (found,) = asked(known, truth, truth, runs=400, tolerance=1e-4, surrogate_runs=2048)
    assert found.simulator_runs == 400
    assert "the budget of 400 runs was spent before the tolerance" in found.verdict


def test_a_deleted_mode_is_covered_or_not_certified(known):
    """The surrogate sees one side of |x| only."""
    truth = known.model(lambda u: np.abs(0.8 * u[:, 0] + 0.6 * u[:, 1]))
    aid = known.model(lambda u: np.maximum(0.8 * u[:, 0] + 0.6 * u[:, 1], 0))
    value = stats.halfnorm().ppf(0.999)
    for seed in range(25):
        (found,) = asked(known, truth, aid, seed, surrogate_runs=2048)
        assert found.low <= value <= found.high or found.verdict != "certified"


def test_the_lower_side_is_the_upper_side_of_the_negative_output(known):
    truth, negative = known.model(lambda u: u[:, 0] ** 3), known.model(lambda u: -(u[:, 0] ** 3))
    (low,), (high,) = asked(known, truth, truth, levels=[0.001]), asked(known, negative, negative, levels=[0.999])
    assert low.value == pytest.approx(-high.value, rel=1e-9)
    assert (low.low, low.high) == pytest.approx((-high.high, -high.low), rel=1e-9)
    assert low.low <= -(3.0902323**3) <= low.high


def test_more_failed_runs_than_lie_beyond_leave_it_unbounded(known):
    truth = known.model(lambda u: np.where(np.abs(u[:, 1]) < 0.02, np.nan, u[:, 0]))
    (found,) = asked(known, truth, known.model(lambda u: u[:, 0]))
    assert found.failed_runs > 2
    assert found.high == np.inf
    assert found.low <= stats.norm.ppf(0.999)
    assert "too many failed" in found.verdict


def test_what_cannot_be_answered_is_refused(known):
    truth = known.model(lambda u: u[:, 0])
    with pytest.raises(EstimationError, match="too far out") as error:
        asked(known, truth, truth, levels=[1e-6], estimators=["tail_sampling"])
    assert "exceedance" in error.value.remedy
    with pytest.raises(EstimationError, match="too few for 2 quantiles"):
        asked(known, truth, truth, levels=[0.001, 0.999], runs=150)
    with pytest.raises(EstimationError, match="quantiles only"):
        TailSampling().estimate(MomentsIntegrand(known.normals(2), ["g"]), known.task(truth, truth))
