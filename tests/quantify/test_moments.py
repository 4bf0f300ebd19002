"""Moments against closed forms: y1 = u1, y2 = 0.8 u1 + 0.6 u2, and outputs that are skewed or constant."""

from __future__ import annotations

import math

import numpy as np
import pytest
import xarray as xr
from pydantic import ValidationError

from surecast.quantify.answer import ask
from surecast.quantify.estimates import Estimate, Statistic
from surecast.quantify.intervals import correlation_t_interval
from surecast.quantify.moments import Moments
from surecast.quantify.table import to_dataset
from surecast.study.laws.continuous import Normal
from surecast.study.laws.joint import JointLaw

ALL = ["mean", "variance", "standard_deviation", "covariance", "correlation"]
LAW = JointLaw({name: Normal(mean=0, standard_deviation=1) for name in ("u1", "u2")})


def linked(inputs: xr.Dataset) -> xr.Dataset:
    u1, u2 = inputs["u1"], inputs["u2"]
    return xr.Dataset({"a": u1 + 3.0, "b": 0.8 * u1 + 0.6 * u2})


def skewed(inputs: xr.Dataset) -> xr.Dataset:
    """a = exp(0.5 u1), b = exp(0.5 (0.8 u1 + 0.6 u2)): lognormal, with the correlation below."""
    return np.exp(0.5 * linked(inputs).assign(a=inputs["u1"]))


V = math.exp(0.25) * (math.exp(0.25) - 1)
LOGNORMAL = {
    "mean": math.exp(0.125),
    "variance": V,
    "standard_deviation": math.sqrt(V),
    "covariance[b]": math.exp(0.25) * (math.exp(0.2) - 1),
    "correlation[b]": (math.exp(0.2) - 1) / (math.exp(0.25) - 1),
}


def answers(truth, seed=0, surrogates=(), **settings) -> list[Estimate]:
    question = Moments(**{"of": ["a", "b"], "statistics": ALL, "runs": 200, **settings})
    return ask(question, question.integrand(LAW), truth, surrogates, lambda kind: np.random.SeedSequence(seed), steps=0)


def test_values_names_and_units_of_every_statistic():
    found = answers(linked, runs=4096, estimators=["scrambled_sobol"])
    values = {(e.statistic.output, e.statistic.name): e.value for e in found}
    expected = {
        ("a", "mean"): 3, ("a", "variance"): 1, ("a", "standard_deviation"): 1,
        ("b", "mean"): 0, ("b", "variance"): 1, ("b", "standard_deviation"): 1,
        ("a", "covariance[b]"): 0.8, ("a", "correlation[b]"): 0.8,
    }  # fmt: skip
    assert list(values) == list(expected)
    assert np.allclose(list(values.values()), list(expected.values()), atol=0.02)
    table = to_dataset("q", found, 0, {"a": "m", "b": "kg"})
    assert table["units"].values.tolist() == ["m", "(m)**2", "m", "kg", "(kg)**2", "kg", "(m) * (kg)", "1"]
    same = to_dataset("q", found, 0, {"a": "m", "b": "m"})
    assert same["units"].values.tolist()[6] == "(m)**2"


def test_the_figures_are_those_of_the_sample_and_jackknifed():
    found = {(e.statistic.output, e.statistic.name): e.value for e in answers(linked, estimators=["monte_carlo"])}
    from surecast.quantify.sampling import child, uniforms

    runs = linked(LAW.from_uniform(uniforms(child(np.random.SeedSequence(0), 0), 0, 200, 2)))
    matrix = np.cov(runs["a"].values, runs["b"].values)
    assert found["a", "mean"] == pytest.approx(runs["a"].values.mean(), rel=1e-12)
    assert found["b", "variance"] == pytest.approx(matrix[1, 1], rel=1e-12)
    assert found["a", "covariance[b]"] == pytest.approx(matrix[0, 1], rel=1e-12)
    assert found["a", "correlation[b]"] == pytest.approx(np.corrcoef(runs["a"], runs["b"])[0, 1], abs=2e-3)


@pytest.mark.parametrize("estimator", ["monte_carlo", pytest.param("control_variates", marks=pytest.mark.counted)])
def test_intervals_of_skewed_outputs_cover(known, estimator):
    seeds = 250 if estimator == "monte_carlo" else 100

    def rough(inputs: xr.Dataset) -> xr.Dataset:
        return linked(inputs).assign(a=1 + inputs["u1"])

    aided = {"surrogate": "rough", "surrogate_runs": 1024} if estimator == "control_variates" else {}
    surrogates = (rough,) if aided else ()
    hits = np.zeros(8)
    for seed in range(seeds):
        found = answers(skewed, seed, surrogates, estimators=[estimator], runs=400, **aided)
        hits += [e.low <= LOGNORMAL[e.statistic.name] <= e.high for e in found]
    # The fourth moments of a lognormal output: 92 % is what intervals of its variance reach with 400 runs.
    nominal = [0.95, 0.92, 0.92, 0.95, 0.92, 0.92, 0.92, 0.92]
    short = [hit < known.least_covered(seeds, level) for hit, level in zip(hits, nominal, strict=True)]
    assert not any(short), hits / seeds


def test_a_surrogate_of_both_outputs_narrows_every_interval():
    def close(inputs: xr.Dataset) -> xr.Dataset:
        return linked(inputs) + 0.02 * np.sin(9 * inputs["u2"])

    plain = answers(linked, estimators=["monte_carlo"])
    aided = answers(linked, surrogates=(close,), surrogate="close", estimators=["control_variates"])
    for one, other in zip(plain, aided, strict=True):
        assert other.high - other.low < 0.35 * (one.high - one.low), one.statistic.name


def test_a_constant_surrogate_is_useless_but_harmless():
    def constant(inputs: xr.Dataset) -> xr.Dataset:
        return 0 * linked(inputs) + 2.0

    for estimate in answers(linked, surrogates=(constant,), surrogate="constant", estimators=["control_variates"]):
        assert np.isfinite([estimate.value, estimate.low, estimate.high, estimate.standard_error]).all()
        assert estimate.low < estimate.high


def test_fishers_interval_stays_inside_and_is_symmetric_in_z():
    low, high = correlation_t_interval(0.95, 0.02, 100, 0.95)
    assert -1 < low < 0.95 < high < 1
    assert math.atanh(high) - math.atanh(0.95) == pytest.approx(math.atanh(0.95) - math.atanh(low))
    assert correlation_t_interval(1.0, 0.0, 100, 0.95) == (pytest.approx(1.0), 1.0)
    assert correlation_t_interval(0.2, math.inf, 100, 0.95) == (-1.0, 1.0)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"of": "a", "statistics": ["correlation"]}, "a correlation is of two outputs"),
        ({"of": ["a", "b"], "statistics": ["mean", "mean"]}, "named twice"),
        ({"of": "a", "statistics": []}, "at least 1"),
        ({"of": "a", "statistics": "median"}, "'mean'"),
    ],
)
def test_bad_settings_are_refused_in_words(settings, words):
    with pytest.raises(ValidationError) as error:
        Moments(**settings)
    assert words in str(error.value)


def test_one_statistic_may_be_written_without_a_list():
    assert Moments(of="a", statistics="standard_deviation").integrand(LAW).statistics == (
        Statistic("a", "standard_deviation", "standard_deviation", interval="positive"),
    )
