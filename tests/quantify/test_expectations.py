"""Expectations against closed forms: normal moments under several laws, their joint covariance, and what is refused."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
import xarray as xr
from pydantic import ValidationError

from surecast.quantify.answer import ask
from surecast.quantify.estimates import Estimate
from surecast.quantify.expectations import Expectations
from surecast.quantify.other_law import DensityRatio, OtherLaw
from surecast.quantify.table import to_dataset
from surecast.study.errors import EstimationError
from surecast.study.laws.continuous import Normal, Uniform
from surecast.study.laws.joint import JointLaw
from surecast.study.settings import Correlation

LAW = JointLaw(
    {
        "a": Normal(mean=0, standard_deviation=1),
        "b": Normal(mean=0, standard_deviation=1),
        "c": Uniform(low=0, high=1),
    }
)
SHIFTED = {"inputs": {"a": {"kind": "normal", "mean": 0.4, "standard_deviation": 0.9}}}
LINKED = {"correlations": [{"between": ["a", "b"], "value": 0.4}]}


def simulator(inputs: xr.Dataset) -> xr.Dataset:
    return xr.Dataset({"y": inputs["a"] + 2.0, "z": inputs["a"] * inputs["b"] + inputs["c"]})


OF = ["y", {"output": "y", "power": 2}, {"output": "z"}, {"event": "y > 2.5"}]
TRUE = {
    "mean": {"y": 2.0, "z": 0.5},
    "mean under wet": {"y": 2.4, "z": 0.5},
    "mean under linked": {"y": 2.0, "z": 0.9},
    "mean of power 2": {"y": 5.0},
    "mean of power 2 under wet": {"y": 2.4**2 + 0.81},
    "mean of power 2 under linked": {"y": 5.0},
    "probability": {"y > 2.5": 0.5 * math.erfc(0.5 / math.sqrt(2))},
    "probability under wet": {"y > 2.5": 0.5 * math.erfc(0.1 / 0.9 / math.sqrt(2))},
    "probability under linked": {"y > 2.5": 0.5 * math.erfc(0.5 / math.sqrt(2))},
}
LAWS = {"wet": SHIFTED, "linked": LINKED}


def answers(seed=0, surrogates=(), **settings) -> list[Estimate]:
    question = Expectations(**{"of": OF, "laws": LAWS, "runs": 400, "estimators": ["monte_carlo"], **settings})
    question.check_law(LAW)
    return ask(
        question, question.integrand(LAW), simulator, surrogates, lambda kind: np.random.SeedSequence(seed), steps=0
    )


def truth(estimate: Estimate) -> float:
    return TRUE[estimate.statistic.name][estimate.statistic.output]


@pytest.mark.parametrize("estimator", ["monte_carlo", pytest.param("control_variates", marks=pytest.mark.counted)])
def test_intervals_under_every_law_cover(known, estimator):
    def rough(inputs: xr.Dataset) -> xr.Dataset:
        return xr.Dataset({"y": inputs["a"] + 0.3 * inputs["c"], "z": inputs["b"] + inputs["c"]})

    aided = {"surrogate": "rough", "surrogate_runs": 1024} if estimator == "control_variates" else {}
    seeds = 100
    hits = np.zeros(12)
    for seed in range(seeds):
        found = answers(seed, (rough,) if aided else (), estimators=[estimator], **aided)
        hits += [e.low <= truth(e) <= e.high for e in found]
    assert (hits >= known.least_covered(seeds)).all(), hits / seeds


def test_the_joint_covariance_is_that_of_repeated_estimates():
    seeds = 200
    values, matrices = [], []
    for seed in range(seeds):
        found = answers(seed, laws={"wet": SHIFTED})
        values.append([e.value for e in found])
        matrices.append([e.covariance for e in found])
    mean = np.mean(matrices, axis=0)
    seen = np.cov(np.array(values).T)
    scale = np.sqrt(np.diag(seen))
    assert np.allclose(mean / np.outer(scale, scale), seen / np.outer(scale, scale), atol=0.2)
    one = np.array(matrices[0])
    assert np.allclose(one, one.T)
    assert np.linalg.eigvalsh(one)[0] > -1e-12
    assert np.allclose(np.sqrt(np.diag(one)), [e.standard_error for e in answers(0, laws={"wet": SHIFTED})])


def test_the_matrix_is_written_in_blocks_of_estimators():
    aided = answers(surrogates=(simulator,), surrogate="exact", estimators=["control_variates", "monte_carlo"], laws={})
    dataset = to_dataset("q", aided, 0, {"y": "m", "z": "1"})
    matrix = dataset["covariance"]
    assert matrix.dims == ("estimate", "other_estimate")
    assert np.array_equal(matrix.values[:4, 4:], np.zeros((4, 4)))
    assert np.allclose(np.sqrt(np.diag(matrix.values)), dataset["standard_error"].values)
    assert dataset["units"].values.tolist()[:4] == ["m", "(m)**2", "1", "1"]


def test_effective_runs_are_reported():
    found = answers(runs=4000)
    exact = DensityRatio(LAW, OtherLaw(**SHIFTED).joint(LAW)).share()
    # E w^2 of two normals, in closed form: s^2/sqrt(2 s^2 - s^4) exp(m^2/(2 - s^2)) with s = 0.9, m = 0.4.
    s, m = 0.81, 0.4
    assert exact == pytest.approx(s**0.5 * math.sqrt(2 - s) * math.exp(-(m**2) / (2 - s)), rel=0.01)
    wet = next(e for e in found if e.statistic.law == "wet")
    assert wet.diagnostics["effective_runs"] == pytest.approx(4000 * exact, rel=0.05)
    assert json.dumps(wet.diagnostics)


def test_a_copula_moves_the_ratio_to_the_linked_inputs_alone():
    linked = OtherLaw(**LINKED).joint(LAW)
    ratio = DensityRatio(LAW, linked)
    assert ratio.base.names == ["a", "b"]
    points = LAW.from_uniform(np.random.default_rng(0).random((50, 3)))
    assert np.allclose(ratio.log(points), linked.log_density(points) - LAW.log_density(points))
    marginal = OtherLaw(**SHIFTED).joint(JointLaw(LAW.laws, [Correlation(between=["a", "b"], value=0.4)]))
    back = DensityRatio(linked, marginal)
    assert np.allclose(back.log(points), marginal.log_density(points) - linked.log_density(points))


@pytest.mark.parametrize(
    ("law", "words"),
    [
        ({"inputs": {"hed": {"kind": "normal", "mean": 0, "standard_deviation": 1}}}, "no input 'hed'"),
        ({"inputs": {"c": {"kind": "uniform", "low": 0, "high": 1.5}}}, "'c' reaches 1.5"),
        ({"inputs": {"a": {"kind": "normal", "mean": 4, "standard_deviation": 1}}}, "too far from the study's law"),
        ({"correlations": [{"between": ["a", "c"], "value": 0.999}]}, "too far"),
        ({"correlations": [{"between": ["a", "d"], "value": 0.5}]}, "no input 'd'"),
    ],
)
def test_laws_out_of_reach_are_refused_by_name(law, words):
    with pytest.raises(EstimationError, match=r"law|input") as error:
        Expectations(of="y", laws={"other": law}).check_law(LAW)
    assert words in str(error.value)
    assert error.value.remedy


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"of": []}, "at least 1"),
        ({"of": ["y", "y"]}, "asked twice"),
        ({"of": [{"power": 2}]}, "or neither"),
        ({"of": [{"event": "y >> 2"}]}, "at position"),
        ({"of": [{"event": "y > 2", "power": 2}]}, "an event has no power"),
        ({"of": [{"output": "y", "under": "wett"}], "laws": LAWS}, "there is no law 'wett'"),
        ({"of": "y", "laws": {"study": SHIFTED}}, "the study's own law"),
        ({"of": "y", "laws": {"l": {"inputs": {"a": {"kind": "normla"}}}}}, "'normla'"),
        ({"of": "y", "laws": {"l": {"inputs": {"a": {"kind": "normal", "mean": 0}}}}}, "a setting is missing"),
        ({"of": "y", "laws": {"l": {"inputs": {"a": {"mean": 0}}}}}, "no kind"),
    ],
)
def test_bad_settings_are_refused_in_words(settings, words):
    with pytest.raises(ValidationError) as error:
        Expectations(**settings)
    assert words in str(error.value)


def test_a_rare_event_is_not_certified_with_an_interval_for_common_ones():
    (estimate,) = answers(of=[{"event": "y > 4.6"}], laws={})
    assert "ask an `exceedance`" in estimate.verdict
    assert np.isfinite([estimate.low, estimate.high]).all()
