"""Many expectations with one sample against closed forms: bias, coverage, signs, laws, failed runs, refusals."""

from __future__ import annotations

import math

import numpy as np
import pytest
import xarray as xr

from surecast.quantify.answer import ask
from surecast.quantify.estimators.full_gaussians import fit_one, fit_pair
from surecast.quantify.estimators.mixture_controls import Targets, learn
from surecast.quantify.estimators.mixture_shares import best_shares
from surecast.quantify.expectations import Expectations
from surecast.quantify.moments import Moments
from surecast.study.errors import EstimationError
from surecast.study.laws.continuous import Normal, Uniform
from surecast.study.laws.integer import Integer
from surecast.study.laws.joint import JointLaw

LAW = JointLaw({"a": Normal(mean=0, standard_deviation=1), "b": Normal(mean=0, standard_deviation=1)})
SHIFTED = {"wet": {"inputs": {"a": {"kind": "normal", "mean": 1.0, "standard_deviation": 1.2}}}}
OF = [{"output": "y", "power": 4}, "z", {"event": "y > 1"}]


def tail(x: float) -> float:
    return 0.5 * math.erfc(x / math.sqrt(2))


# y = a, z = a b + b^2 - 1 changes sign
TRUE = {
    ("y", "mean of power 4"): 3.0,
    ("y", "mean of power 4 under wet"): 1.0 + 6 * 1.44 + 3 * 1.44**2,
    ("z", "mean"): 0.0,
    ("z", "mean under wet"): 0.0,
    ("y > 1", "probability"): tail(1.0),
    ("y > 1", "probability under wet"): 0.5,
}


def simulator(inputs: xr.Dataset) -> xr.Dataset:
    a, b = inputs["a"], inputs["b"]
    return xr.Dataset({"y": a, "z": a * b + b**2 - 1})


def answers(seed=0, truth=simulator, law=LAW, bounds=None, **settings):
    given = {"of": OF, "laws": SHIFTED, "runs": 1000, "estimators": [{"kind": "aiscv", "gaussians": 1}], **settings}
    question = Expectations(**given)
    question.check_law(law)
    stream = lambda kind: np.random.SeedSequence(seed)  # noqa: E731
    return ask(question, question.integrand(law), truth, [], stream, steps=0, bounds=bounds)


def test_intervals_cover_and_the_mean_is_unbiased(known):
    seeds = 40
    hits, values = np.zeros(len(TRUE)), np.empty((seeds, len(TRUE)))
    for seed in range(seeds):
        for place, one in enumerate(answers(seed)):
            true = TRUE[one.statistic.output, one.statistic.name]
            hits[place] += one.low <= true <= one.high
            values[seed, place] = one.value - true
    assert hits.min() >= known.least_covered(seeds)
    z = values.mean(axis=0) / (values.std(axis=0, ddof=1) / math.sqrt(seeds))
    assert np.abs(z).max() < 3.5


def test_it_needs_fewer_runs_than_monte_carlo_and_states_the_covariance():
    found = answers(3)
    assert all(not one.doubts for one in found)
    fourth = found[0]
    assert fourth.plain_variance == pytest.approx(96.0, rel=0.5)  # 105 - 9
    assert fourth.equivalent_monte_carlo_runs > 5 * fourth.simulator_runs
    matrix = np.array([one.covariance for one in found])
    assert np.allclose(matrix, matrix.T)
    assert np.allclose(np.diag(matrix), [one.standard_error**2 for one in found])
    assert np.linalg.eigvalsh(matrix / np.sqrt(np.outer(np.diag(matrix), np.diag(matrix)))).min() > -1e-9
    assert found[0].simulator_runs == 1000
    assert 0 < found[0].diagnostics["learning_runs"] <= 500


def test_same_seed_same_numbers():
    assert answers(5) == answers(5)
    assert answers(5)[0].value != answers(6)[0].value


def test_a_tolerance_stops_at_a_declared_look():
    found = answers(1, of=[{"output": "y", "power": 2}], laws={}, runs=4000, tolerance=0.05)
    assert found[0].simulator_runs < 4000
    assert not found[0].doubts
    assert abs(found[0].value - 1) < 0.1


def test_failed_runs_widen_what_has_bounds_and_deny_a_certificate_to_the_rest():
    def fails(inputs: xr.Dataset) -> xr.Dataset:
        return simulator(inputs).assign(failed=("run", np.abs(inputs["b"].values) > 1.9))

    found = {one.statistic.output: one for one in answers(2, fails, laws={}, bounds={"y": (-6.0, 6.0)})}
    assert all(one.failed_runs > 0 for one in found.values())
    lost = 2 * tail(1.9)
    event = found["y > 1"]
    assert not event.doubts
    assert event.low < tail(1.0) * (1 - lost)
    assert event.high > tail(1.0) * (1 - lost) + lost
    assert not [doubt for doubt in found["y"].doubts if "failed" in doubt]
    assert found["y"].high > 3 * (1 - lost) + 6**4 * lost > 3.0 > found["y"].low
    assert any("runs failed and are left out" in doubt for doubt in found["z"].doubts)
    assert all(np.isfinite([one.value, one.low, one.high]).all() for one in found.values())


def test_an_event_that_is_hardly_seen_is_not_certified():
    found = answers(0, of=[{"event": "y > 30"}], laws={})[0]
    assert "effective runs lie on one side" in found.verdict
    still = answers(0, lambda inputs: xr.Dataset({"y": 0 * inputs["a"] + 2.0}), of=["y"], laws={})[0]
    assert still.value == pytest.approx(2.0, rel=0.05)
    assert "the same value" in still.verdict


def test_what_is_refused():
    with pytest.raises(EstimationError, match="150 runs are too few"):
        answers(runs=150)
    discrete = JointLaw({"a": Normal(mean=0, standard_deviation=1), "b": Integer(low=0, high=3)})
    with pytest.raises(EstimationError, match="aiscv cannot treat input 'b'"):
        answers(law=discrete, laws={})
    with pytest.raises(EstimationError, match="all of the first 100 runs failed"):
        answers(truth=lambda inputs: simulator(inputs).assign(failed=("run", np.ones(inputs.sizes["run"], bool))))
    with pytest.raises(ValueError, match="cannot answer this question"):
        Moments(of="y", estimators=["aiscv"])


def test_uniform_inputs_go_through_the_normal_map():
    law = JointLaw({"u": Uniform(low=0, high=1)})
    found = answers(0, lambda inputs: xr.Dataset({"y": inputs["u"] ** 3}), law, of=["y"], laws={})[0]
    assert found.low <= 0.25 <= found.high
    assert found.high - found.low < 0.05


def test_gaussians_are_those_of_weighted_points():
    rng = np.random.default_rng(1)
    z = rng.standard_normal((20_000, 2))
    moved = fit_one(z, np.exp(z[:, 0]))  # e^z N(0, 1) is N(1, 1)
    assert np.allclose(moved.mean, [1, 0], atol=0.05)
    assert np.allclose(moved.factor @ moved.factor.T, np.eye(2), atol=0.08)
    pair = sorted(fit_pair(z, z[:, 0] ** 4), key=lambda part: part.mean[0])
    middle = math.sqrt(2) * math.gamma(3) / math.gamma(2.5)  # |z| has a chi law of five degrees of freedom
    assert [part.mean[0] for part in pair] == pytest.approx([-middle, middle], abs=0.1)
    one = fit_pair(np.concatenate([z, [[30.0, 0.0]]]), np.append(np.ones(len(z)), 1e-6))
    assert abs(one[0].mean[0]) < 1


def test_shares_are_those_of_the_closed_form():
    """With components of disjoint support the best share of each is proportional to its root mean square."""
    parts = np.zeros((400, 4))
    parts[np.arange(400), np.arange(400) % 4] = 4.0
    square = np.array([1.0, 4.0, 9.0, 16.0])[np.arange(400) % 4]
    found = best_shares(parts, square, np.full(4, 0.25), 1e-6)
    assert np.allclose(found, np.array([1, 2, 3, 4]) / 10, atol=2e-3)


def test_no_learning_is_thrown_away_for_a_worse_proposal():
    """An integrand at odds with every Gaussian: the proposal kept is no worse than the law itself."""
    targets = Targets(
        2,
        lambda z: -0.5 * ((z * z).sum(axis=1, keepdims=True) + 2 * np.log(2 * np.pi)),
        lambda law, normals: normals,
        lambda z: np.cos(5 * z[:, :1]) * np.sin(5 * z[:, 1:]),
        [(0, 0)],
    )
    z = np.random.default_rng(0).standard_normal((50_000, 2))
    plain = targets.functions(z).var()
    for seed in range(5):
        learnt = learn(targets, 2000, np.random.default_rng(seed))
        drawn = learnt.proposal.draw(np.random.default_rng(seed + 100), 5000)
        summands = learnt.proposal.summands(drawn, targets.functions(drawn))[0]
        assert summands.var() < 1.3 * plain
        assert abs(summands.mean()) < 4 * summands.std() / math.sqrt(5000)
