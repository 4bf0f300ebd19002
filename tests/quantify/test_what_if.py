"""What if the inputs followed another law: against closed forms, with coverage, and what is refused."""

from __future__ import annotations

import math

import numpy as np
import pytest
import xarray as xr
from pydantic import ValidationError

from surecast.assemble.dataset import assemble
from surecast.design.make import make_design
from surecast.design.parts import parts
from surecast.quantify.answer import answer, ask
from surecast.quantify.estimates import Estimate
from surecast.quantify.moments import Moments
from surecast.quantify.what_if import WhatIf
from surecast.simulate.part import simulate_part
from surecast.simulate.store import RunStore
from surecast.simulate.truth import Truth
from surecast.study.errors import EstimationError, StudyError
from surecast.study.files import write_dataset
from surecast.study.laws.continuous import Normal, Uniform
from surecast.study.laws.joint import JointLaw
from surecast.study.laws.law import Law
from surecast.study.load import load_study
from surecast.study.model import Study
from surecast.study.paths import Paths

SHIFTED = {"a": {"kind": "normal", "mean": 0.3, "standard_deviation": 0.9}}
NARROW = {"x": {"kind": "uniform", "low": 0.2, "high": 0.9}}
LAWS: dict[str, Law] = {
    "a": Normal(mean=0, standard_deviation=1),
    "b": Normal(mean=0, standard_deviation=1),
    "x": Uniform(low=0, high=1),
}
LAW = JointLaw(LAWS)


def simulator(inputs: xr.Dataset) -> xr.Dataset:
    return xr.Dataset({"y": 3 * inputs["a"] + 2 * inputs["b"] + 4 * inputs["x"]})


def rough(inputs: xr.Dataset) -> xr.Dataset:
    return xr.Dataset({"y": 3 * inputs["a"] + np.sin(inputs["b"])})


def answers(question, inputs, seed=0, surrogates=(), truth=simulator, **settings) -> list[Estimate]:
    asked = WhatIf(**{"question": question, "inputs": inputs, "runs": 400, **settings})
    asked.check_law(LAW)
    return ask(asked, asked.integrand(LAW), truth, surrogates, lambda kind: np.random.SeedSequence(seed), steps=0)


VARIANCES = {"a": 9 * 0.81, "b": 4.0, "x": 16 * 0.7**2 / 12}
TOTAL = sum(VARIANCES.values())
MOMENTS = {"mean": 0.9 + 4 * 0.55, "variance": TOTAL}
INDICES = {f"{kind}[{name}]": one / TOTAL for name, one in VARIANCES.items() for kind in ("first", "total")}
MEAN, DEVIATION = 0.9 + 2.0, math.sqrt(9 * 0.81 + 4 + 16 / 12)


@pytest.mark.parametrize(
    "estimator",
    [
        "monte_carlo",
        *(pytest.param(one, marks=pytest.mark.counted) for one in ("control_variates", "active_sampling")),
    ],
)
def test_moments_under_the_other_law_are_covered(known, estimator):
    seeds = 200
    aided = {} if estimator == "monte_carlo" else {"surrogate": "rough", "surrogate_runs": 1024}
    hits = np.zeros(2)
    for seed in range(seeds):
        found = answers(
            {"kind": "moments", "of": "y"}, SHIFTED | NARROW, seed, (rough,) if aided else (), estimators=[estimator],
            **aided,
        )  # fmt: skip
        hits += [e.low <= MOMENTS[e.statistic.name] <= e.high for e in found]
    assert (hits >= known.least_covered(seeds)).all(), hits / seeds


def test_active_sampling_asks_for_the_runs_of_the_question_asked_again():
    asked: list[np.ndarray] = []

    def truth(inputs):
        asked.append(np.stack([inputs[name].values for name in ("a", "b", "x")]))
        return simulator(inputs)

    base = {"kind": "moments", "of": "y", "surrogate": "rough", "surrogate_runs": 1024, "runs": 400}
    question = Moments.model_validate({key: value for key, value in base.items() if key != "kind"})
    ask(question, question.integrand(LAW), truth, (rough,), lambda kind: np.random.SeedSequence(0), steps=0)
    before = np.concatenate(asked, axis=1)
    asked.clear()
    found = answers(base, SHIFTED, surrogates=(rough,), truth=truth)
    assert {estimate.estimator for estimate in found} == {"active_sampling"}
    assert np.array_equal(np.concatenate(asked, axis=1), before)
    # Weights w/h: the effective number is that of both.
    assert 100 < found[0].diagnostics["effective_rows"] < 400


def test_indices_under_the_other_law_are_covered(known):
    seeds = 60
    hits = np.zeros(6)
    for seed in range(seeds):
        found = answers({"kind": "sobol", "of": "y"}, SHIFTED | NARROW, seed, runs=2000)
        hits += [e.low <= INDICES[e.statistic.name] <= e.high for e in found]
    assert (hits >= known.least_covered(seeds)).all(), hits / seeds


@pytest.mark.parametrize("level", [MEAN + 2.3 * DEVIATION, MEAN - 0.2 * DEVIATION])
def test_probabilities_rare_or_not_are_covered(known, level):
    draws = np.random.default_rng(0).standard_normal((10**6, 2)) @ [2.7, 2.0] + 0.9
    truth = np.mean(draws + 4 * np.random.default_rng(1).random(10**6) > level)
    seeds, hits = 200, 0
    for seed in range(seeds):
        (found,) = answers({"kind": "exceedance", "event": f"y > {level}"}, SHIFTED, seed)
        hits += found.low <= truth <= found.high
    assert hits >= known.least_covered(seeds), hits / seeds


LEVELS = [0.02, 0.5, 0.9]
REFERENCE = np.sort(
    np.random.default_rng(2).standard_normal((10**6, 2)) @ [2.7, 2.0]
    + 0.9
    + 4 * np.random.default_rng(3).uniform(0.2, 0.9, 10**6)
)


@pytest.mark.parametrize("side", [pytest.param("upper", marks=pytest.mark.counted), "lower"])
def test_quantiles_and_means_beyond_them_are_covered(known, side):
    levels = [0.5, 0.8] if side == "upper" else [0.5, 0.2]
    truths = {f"quantile[{a:g}]": REFERENCE[math.ceil(a * len(REFERENCE)) - 1] for a in [*LEVELS, *levels]}
    for a in levels:
        q = truths[f"quantile[{a:g}]"]
        truths[f"cvar[{a:g}]"] = REFERENCE[(q < REFERENCE) == (side == "upper")].mean()
    seeds, hits, certified = 200, dict.fromkeys(truths, 0), 0
    for seed in range(seeds):
        found = answers({"kind": "quantiles", "of": "y", "levels": LEVELS}, SHIFTED | NARROW, seed)
        tail = {"kind": "tail", "of": "y", "levels": levels, "side": side}
        for e in (*found, *answers(tail, SHIFTED | NARROW, seed)):
            if e.statistic.name != "quantile[0.5]" or e in found:
                hits[e.statistic.name] += e.low <= truths[e.statistic.name] <= e.high
                certified += not e.doubts
    assert min(hits.values()) >= known.least_covered(seeds), hits
    assert certified >= 0.9 * seeds * len(hits)


def test_reweighted_quantiles_are_about_as_narrow_as_runs_of_the_other_law():
    (found,) = answers({"kind": "quantiles", "of": "y", "levels": [0.5]}, SHIFTED | NARROW)
    # Of normal values the median has standard error 1.2533 sigma/sqrt(n); here n is the effective number of runs.
    half = 1.96 * 1.2533 * math.sqrt(TOTAL / found.diagnostics["effective_rows"])
    assert 0.5 * half < found.high - found.value < 2 * half
    assert 0.5 * half < found.value - found.low < 2 * half


def test_ties_and_failed_runs_leave_quantiles_wide_enough(known):
    def stepped(inputs: xr.Dataset) -> xr.Dataset:
        y = np.floor(inputs["a"])
        return xr.Dataset({"y": y.where(inputs["b"] < 1.9)})

    # P(floor(a) <= -1) = Phi(-0.3/0.9) = 0.369: the quantiles 0.3 and 0.5 are -1 and 0 whatever failed.
    seeds, hits = 60, np.zeros(2)
    for seed in range(seeds):
        question = {"kind": "quantiles", "of": "y", "levels": [0.3, 0.5]}
        found = answers(question, SHIFTED, seed, truth=stepped)
        hits += [e.low <= true <= e.high for e, true in zip(found, (-1, 0), strict=True)]
    assert (hits >= known.least_covered(seeds)).all()


def test_a_level_beyond_all_runs_is_unbounded_and_not_certified():
    (found,) = answers({"kind": "quantiles", "of": "y", "levels": [0.9999]}, SHIFTED)
    assert found.high == math.inf
    assert any("do not bound" in reason for reason in found.doubts)
    tail = answers({"kind": "tail", "of": "y", "levels": [0.95]}, SHIFTED)
    assert any("too few for the interval" in reason for reason in tail[0].doubts)


def test_no_event_seen_leaves_an_interval_and_failed_runs_count_both_ways():
    (found,) = answers({"kind": "exceedance", "event": "y > 60"}, SHIFTED)
    assert found.low == 0
    assert 0 < found.high < 0.1

    def failing(inputs: xr.Dataset) -> xr.Dataset:
        return simulator(inputs).where(inputs["b"] < 1.5)

    (lost,) = answers({"kind": "exceedance", "event": "y > 60"}, SHIFTED, truth=failing)
    assert lost.failed_runs > 10
    assert lost.high > 0.06 > found.high


def test_effective_rows_are_reported_and_few_are_refused():
    (mean, _) = answers({"kind": "moments", "of": "y"}, SHIFTED)
    assert 200 < mean.diagnostics["effective_rows"] < 400
    assert mean.statistic.law == "other"
    far = {"a": {"kind": "normal", "mean": 3, "standard_deviation": 0.5}}
    with pytest.raises(EstimationError, match="differs in a") as error:
        answers({"kind": "moments", "of": "y"}, far)
    assert "least share" in error.value.remedy
    with pytest.raises(EstimationError, match=r"'x' reaches 2"):
        answers({"kind": "moments", "of": "y"}, {"x": {"kind": "uniform", "low": 0, "high": 2}})


def test_weights_of_few_runs_are_not_certified():
    far = {"a": {"kind": "normal", "mean": 2.2, "standard_deviation": 0.8}}
    found = answers({"kind": "moments", "of": "y"}, far, runs=100, least_effective_share=0.005)
    assert any("not certified" in estimate.verdict for estimate in found)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"question": {"kind": "moments", "of": "y"}}, "nothing is different"),
        ({"question": {"kind": "given_data", "of": "y"}, "inputs": SHIFTED}, "cannot be asked again"),
        ({"question": {"kind": "moments"}, "inputs": SHIFTED}, "Field required"),
        ({"question": {"kind": "moments", "of": "y"}, "inputs": {"a": {"kind": "normla"}}}, "'normla'"),
        (
            {
                "question": {"kind": "exceedance", "event": "y > 1"},
                "inputs": SHIFTED,
                "surrogate": "best",
                "estimators": ["control_variates"],
            },
            "control_variates cannot answer a question of kind 'exceedance'",
        ),
        (
            {
                "question": {"kind": "quantiles", "of": "y", "levels": [0.5]},
                "inputs": SHIFTED,
                "surrogate": "best",
                "estimators": ["control_variates"],
            },
            "control_variates cannot answer a question of kind 'quantiles'",
        ),
        (
            {
                "question": {"kind": "sobol", "of": "y"},
                "inputs": SHIFTED,
                "surrogate": "best",
                "estimators": ["active_sampling"],
            },
            "active_sampling cannot answer a question of kind 'sobol'",
        ),
    ],
)
def test_bad_settings_are_refused_in_words(settings, words):
    with pytest.raises(ValidationError) as error:
        WhatIf(**settings)
    assert words in str(error.value)


CONTENT = {
    "simulator": {"kind": "groundwater", "cells": 8},
    "inputs": {
        "permeability": {"kind": "gaussian_field", "variance": 1.0, "length": 0.5, "terms": 2},
        "head": {"kind": "uniform", "low": 0.5, "high": 1.5, "units": "m"},
        "well": {"kind": "lognorm", "s": 0.4, "scale": 0.5, "units": "m2/day"},
    },
    "outputs": {"pressure": {"units": "m"}, "peak": {"kind": "maximum", "of": "pressure", "units": "m"}},
    "design": {"kind": "sobol", "train": 16, "validation": 16, "test": 16},
    "questions": {
        "averages": {"kind": "moments", "of": "peak", "runs": 320, "estimators": ["monte_carlo"], "level": 0.9},
        "calm": {
            "kind": "what_if",
            "question": "averages",
            "inputs": {"head": {"kind": "uniform", "low": 0.8, "high": 1.2, "units": "m"}},
        },
    },
}


def test_a_question_of_the_study_lends_its_settings():
    study = Study.from_content(CONTENT)
    study.check()
    question = study.build_question("calm")
    assert (question.runs, question.level, question.outputs) == (320, 0.9, ("peak",))
    assert question.estimator_specs() == [{"kind": "monte_carlo"}]
    assert question.settings()["question"]["runs"] == 320


@pytest.mark.parametrize(
    ("changes", "key", "words"),
    [
        ({"question": "avarages"}, "questions.calm.question", "'averages'"),
        ({"inputs": {"hed": {"kind": "uniform", "low": 0.8, "high": 1.2}}}, "questions.calm", "'hed'"),
        ({"inputs": {"head": {"kind": "uniform", "low": 0.8, "hihg": 1}}}, "questions.calm.inputs.head", "hihg"),
        (
            {"inputs": {"permeability": {"kind": "gaussian_field", "variance": 2.0, "length": 0.5, "terms": 2}}},
            "questions.calm",
            "is a field",
        ),
    ],
)
def test_what_does_not_fit_the_study_names_key_and_reason(changes, key, words):
    content = {**CONTENT, "questions": {**CONTENT["questions"], "calm": {**CONTENT["questions"]["calm"], **changes}}}
    with pytest.raises(StudyError) as error:
        Study.from_content(content).check()
    assert key in str(error.value)
    assert words in str(error.value)


LINE = """
def line(inputs):
    return (3 * inputs["a"] + inputs["b"]).to_dataset(name="y")
"""
FILE = """
simulator: {kind: "small_line:line"}
inputs:
  a: {kind: normal, mean: 0, standard_deviation: 1}
  b: {kind: uniform, low: 0, high: 1}
outputs:
  y: {units: m}
design: {kind: monte_carlo, train: 8, validation: 0, test: 0}
questions:
  averages: {kind: moments, of: y, runs: 128, estimators: [monte_carlo]}
  calm: {kind: what_if, question: averages, inputs: {a: {kind: normal, mean: 0.2, standard_deviation: 0.8}}}
"""


def test_the_runs_of_the_question_asked_again_are_found_and_none_is_made(tmp_path):
    (tmp_path / "small_line.py").write_text(LINE)
    (tmp_path / "line.yaml").write_text(FILE)
    study, paths = load_study(tmp_path / "line.yaml"), Paths("line", tmp_path / "results")
    study.check()
    write_dataset(paths.design, make_design(study))
    (part,) = (part.name for part in parts(study.build_design()))
    simulate_part(study, part, paths.design, paths.part(part), paths.store)
    assemble(study, paths.design, [paths.part(part)], paths.dataset, paths.manifest)
    answer(study, "averages", {}, paths.manifest, paths.estimate("averages"), paths.estimates / "averages.csv")
    truth = Truth(study, outputs=("y",), store=RunStore(paths.store), fields=False)
    found = answer(
        study, "calm", {}, paths.manifest, paths.estimate("calm"), paths.estimates / "calm.csv", truth=truth
    )  # fmt: skip
    assert (truth.runs_made, truth.runs_found) == (0, 128)
    assert found["low"].values[0] <= 0.6 + 0.5 <= found["high"].values[0]
    assert found["units"].values.tolist() == ["m", "(m)**2"]
