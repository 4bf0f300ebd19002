"""Sobol indices from one run a sample: coverage with surrogates of every quality, widths, and refusals."""

import numpy as np
import pytest
import xarray as xr

from surecast.quantify.estimators.decomposition import held
from surecast.quantify.estimators.surrogate_decomposition import SurrogateDecomposition
from surecast.quantify.moments import MomentsIntegrand
from surecast.quantify.pick_freeze import SobolIntegrand
from surecast.study.errors import EstimationError
from surecast.study.laws.integer import Integer
from surecast.study.laws.joint import JointLaw

QUICK = {"degree": 8, "terms": 300}


def indices(law, *measures):
    return SobolIntegrand(law, ["y"], {name: (name,) for name in law.names}, measures or ("first", "total"))


def shares(known):
    a, i = known.values["first[x1]"], known.values["total[x3]"]
    more = {"second[x1,x2]": 0.0, "second[x1,x3]": i, "second[x2,x3]": 0.0}
    more |= {"shapley[x1]": a + i / 2, "shapley[x2]": known.values["first[x2]"], "shapley[x3]": i / 2}
    return known.values | more


def covered(known, integrand, truth, surrogates, seeds, **settings):
    estimator, values = SurrogateDecomposition(**settings), shares(known)
    hits, widths = [], []
    for seed in range(seeds):
        for found in estimator.estimate(integrand, known.task(truth, *surrogates, runs=600, seed=seed)):
            hits.append(found.low <= values[found.statistic.name] <= found.high or bool(found.doubts))
            widths.append(0.5 * (found.high - found.low))
    return hits, widths


def off(known):
    """A surrogate that is poor: half of the truth is a function of one input."""

    def model(inputs):
        return xr.Dataset({"y": ("run", 5 * np.sin(inputs["x2"].values) ** 2 + inputs["x1"].values)})

    return model


@pytest.mark.parametrize(
    ("pairs", "quality"),
    [
        (0.0, "poor"),
        (0.75, "constant"),
        *(
            pytest.param(pairs, quality, marks=pytest.mark.counted)
            for pairs, quality in ((0.0, "constant"), (0.0, "wrong"), (0.75, "poor"), (0.75, "wrong"))
        ),
    ],
)
def test_bounded_and_estimated_remainders_cover_without_a_fitted_chaos(known, quality, pairs):
    model = {"constant": known.constant, "wrong": known.wrong, "poor": off(known)}[quality]
    hits, _ = covered(known, indices(known.law), known.ishigami, [model], 30, refit=False, pairs=pairs)
    assert sum(hits) >= known.least_covered(len(hits))


@pytest.mark.counted
def test_the_fitted_chaos_covers_and_is_narrow(known):
    hits, widths = covered(known, indices(known.law), known.ishigami, [], 12, **QUICK)
    assert sum(hits) >= known.least_covered(len(hits))
    assert max(widths) < 0.05


@pytest.mark.counted
def test_a_chaos_that_follows_the_bulk_leaves_room_for_the_tail(known):
    """y = exp(a u1 + b u2), u standard normal: first index of u1 (e^{a^2} - 1)/(e^{a^2 + b^2} - 1)."""
    a, b = 0.8, 0.4
    whole = np.expm1(a * a + b * b)
    true = {"first[u1]": np.expm1(a * a) / whole, "first[u2]": np.expm1(b * b) / whole}

    def truth(inputs):
        return xr.Dataset({"y": ("run", np.exp(a * inputs["u1"].values + b * inputs["u2"].values))})

    integrand, hits = indices(known.normals(2), "first"), []
    for seed in range(100):
        task = known.task(truth, runs=600, seed=seed)
        found = SurrogateDecomposition(degree=6, terms=28).estimate(integrand, task)
        hits.append([one.low <= true[one.statistic.name] <= one.high for one in found])
    assert (np.sum(hits, axis=0) >= known.least_covered(len(hits), error=0.005)).all(), np.sum(hits, axis=0)


@pytest.mark.counted
def test_second_order_and_shapley_effects_too(known, chaos):
    integrand = indices(known.law, "second", "shapley")
    for settings, surrogates in ((QUICK, []), ({"refit": False}, [chaos])):
        hits, widths = covered(known, integrand, known.ishigami, surrogates, 12, **settings)
        assert sum(hits) >= known.least_covered(len(hits))
        assert np.median(widths) < 0.2


def test_a_useless_surrogate_leaves_monte_carlo_on_all_but_the_pilot(known):
    from surecast.quantify.estimators.monte_carlo import figures
    from surecast.quantify.sampling import child, observe_rows, uniforms

    integrand = indices(known.law)
    task = known.task(known.ishigami, known.constant, runs=1000, seed=3)
    found = SurrogateDecomposition(refit=False).estimate(integrand, task)
    drawn = uniforms(child(task.seed, 4), 0, 900 // 5, integrand.row_dimension)
    plain = figures(integrand, observe_rows(known.ishigami, integrand, drawn, label="", chunk=256), 0.95)
    for one, two in zip(found, plain, strict=True):
        assert one.high - one.low == pytest.approx(two.figure.high - two.figure.low, rel=0.02)


@pytest.mark.parametrize("quality", ["poor", "wrong"])
def test_inputs_that_do_next_to_nothing_are_as_sharp_as_their_rows(known, quality):
    # The surrogate says that x3 matters; its rows say that it does not. y = sin x1 + 1e-3 x3, x uniform in [-pi, pi].
    def truth(inputs):
        return xr.Dataset({"y": ("run", np.sin(inputs["x1"].values) + 1e-3 * inputs["x3"].values)})

    def model(inputs):
        wrong = np.sin(inputs["x1" if quality == "poor" else "x2"].values) * np.cos(inputs["x3"].values)
        return xr.Dataset({"y": ("run", np.sin(inputs["x1"].values) * (quality == "poor") + wrong)})

    share = 1e-6 * np.pi**2 / 3
    share /= 0.5 + share
    hits = []
    for seed in range(30):
        task = known.task(truth, model, runs=600, seed=seed)
        found = SurrogateDecomposition(refit=False).estimate(indices(known.law, "total"), task)[2]
        assert found.high - found.low < 10 * share
        hits.append(found.low <= share <= found.high)
    assert sum(hits) >= known.least_covered(len(hits))


@pytest.mark.counted
def test_noise_of_the_simulator_is_its_own_group(known):
    def noisy(inputs):
        noise = np.array([np.random.default_rng(int(seed)).standard_normal() for seed in inputs["seed"].values])
        return xr.Dataset({"y": ("run", known.ishigami(inputs)["y"].values + 2 * noise)})

    integrand = SobolIntegrand(known.law, ["y"], {name: (name,) for name in known.law.names}, noisy=True)
    share = known.values["variance"] / (known.values["variance"] + 4)
    hits = []
    for seed in range(30):
        task = known.task(noisy, known.ishigami, runs=1500, seed=seed)
        found = SurrogateDecomposition(refit=False).estimate(integrand, task)
        values = [1 - share if e.statistic.group == "seed" else share * known.values[e.statistic.name] for e in found]
        hits.append([e.low <= value <= e.high for e, value in zip(found, values, strict=True)])
    # Statistics of one sample depend on each other: each is judged alone, at its share of the level.
    least = known.least_covered(len(hits), error=0.01 / len(hits[0]))
    assert (np.sum(hits, axis=0) >= least).all()


def test_early_stopping_keeps_the_level(known):
    hits, spent = [], []
    for seed in range(20):
        task = known.task(known.ishigami, known.constant, runs=2400, seed=seed, tolerance=0.22, absolute=True)
        for found in SurrogateDecomposition(refit=False).estimate(indices(known.law), task):
            hits.append(found.low <= known.values[found.statistic.name] <= found.high)
            spent.append(found.simulator_runs)
    assert sum(hits) >= known.least_covered(len(hits))
    assert min(spent) < 2000


def test_the_interval_of_a_bounded_number():
    together, apart = held([0.0, 0.0], [1.0, 1.0], 1e9, 0.95), held([0.0, 9.0], [1.0, 1.0], 1e9, 0.95)
    assert together.high == pytest.approx(1.960, abs=1e-3)
    assert apart.high - 9 == pytest.approx(1.645, abs=1e-3)
    assert apart.low == pytest.approx(-1.645, abs=1e-3)


def test_failed_runs_are_left_out_and_said(known):
    def failing(inputs):
        values = known.ishigami(inputs)["y"].values
        return xr.Dataset({"y": ("run", values), "failed": ("run", (inputs["x1"].values > 3.0).astype(np.int8))})

    found = SurrogateDecomposition(**QUICK).estimate(indices(known.law), known.task(failing, runs=600))
    assert all("failed" in estimate.verdict and estimate.failed_runs > 0 for estimate in found)


def test_refusals(known):
    estimator = SurrogateDecomposition()
    with pytest.raises(EstimationError, match="Sobol indices"):
        estimator.estimate(MomentsIntegrand(known.law, ["y"]), known.task(known.ishigami))
    law = JointLaw({"x1": Integer(low=1, high=3), "x2": known.law.laws["x2"]})
    with pytest.raises(EstimationError, match="discrete"):
        estimator.estimate(indices(law), known.task(known.ishigami))
    with pytest.raises(EstimationError, match="too few"):
        estimator.estimate(indices(known.law), known.task(known.ishigami, runs=100))
    with pytest.raises(EstimationError, match="no surrogate"):
        SurrogateDecomposition(refit=False).estimate(indices(known.law), known.task(known.ishigami))
    with pytest.raises(EstimationError, match="pick-freeze rows"):
        SurrogateDecomposition(pairs=0.01).estimate(indices(known.law), known.task(known.ishigami))
