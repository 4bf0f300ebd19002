"""Questions: what they refuse, and in which words; rows and groups."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError

from surecast.quantify.exceedance import Exceedance
from surecast.quantify.moments import Moments
from surecast.quantify.sobol import Sobol
from surecast.study.errors import EstimationError, StudyError
from surecast.study.laws.continuous import Normal, Uniform
from surecast.study.laws.integer import Integer
from surecast.study.laws.joint import JointLaw
from surecast.study.load import load_study
from surecast.study.settings import Correlation


@pytest.mark.parametrize(
    ("kind", "settings", "words"),
    [
        (Moments, {"of": []}, "at least 1"),
        (Moments, {"of": ["y", "y"]}, "named twice"),
        (Moments, {"of": "y", "tolerance": 0}, "greater than 0"),
        (Moments, {"of": "y", "runs": 10**12}, "less than or equal to 1000000000"),
        (Moments, {"of": "y", "runs": 3}, "greater than or equal to 50"),
        (Moments, {"of": "y", "level": 95}, "less than or equal to"),
        (Moments, {"of": "y", "run": 100}, "Extra inputs"),
        (Moments, {"of": "y", "estimators": ["monte_carl"]}, "'monte_carl' is no estimator"),
        (Moments, {"of": "y", "estimators": ["importance_sampling"]}, "cannot answer this question"),
        (Moments, {"of": "y", "estimators": ["monte_carlo", "monte_carlo"]}, "named twice"),
        (Moments, {"of": "y", "estimators": ["control_variates"]}, "needs a surrogate"),
        (Moments, {"of": "y", "estimators": [{"kind": "scrambled_sobol", "scramblings": 1}]}, "scramblings = 1"),
        (Moments, {"of": "y", "estimators": [{"kind": "scrambled_sobol", "scrambling": 16}]}, "scrambling = 16"),
        (Exceedance, {"event": "peak >> 3"}, "at position 7"),
        (Exceedance, {"event": "peak > 3", "of": "peak"}, "Extra inputs"),
        (Sobol, {"of": "y", "groups": {"g": []}}, "without inputs"),
        (Sobol, {"of": "y", "groups": {"g": ["a"], "h": ["a"]}}, "in group 'g' too"),
    ],
)
def test_bad_settings_are_refused_in_words(kind, settings, words):
    with pytest.raises(ValidationError) as error:
        kind(**settings)
    assert words in str(error.value)


def test_default_estimators_suit_the_question():
    aided = {"surrogate": "best"}
    questions = [
        Moments(of="y"),
        Moments(of="y", **aided),
        Exceedance(event="y > 1"),
        Exceedance(event="y > 1", **aided),
    ]
    kinds = [question.estimator_specs()[0]["kind"] for question in questions]
    assert kinds == ["scrambled_sobol", "active_sampling", "monte_carlo", "importance_sampling"]


def linked_law() -> JointLaw:
    laws = {name: Normal(mean=0, standard_deviation=1) for name in ("a", "b", "c")}
    return JointLaw(laws, [Correlation(between=["a", "b"], value=0.5)])


def test_dependent_inputs_in_different_groups_are_refused_with_the_reason():
    with pytest.raises(EstimationError, match="a, b are dependent") as error:
        Sobol(of="y").check_law(linked_law())
    assert "into one group" in error.value.remedy
    Sobol(of="y", groups={"ab": ["a", "b"]}).check_law(linked_law())


def test_unknown_input_of_a_group_names_the_nearest():
    with pytest.raises(EstimationError, match="'hed'") as error:
        Sobol(of="y", groups={"g": ["hed"]}).check_law(JointLaw({"head": Uniform(low=0, high=1)}))
    assert "'head'" in error.value.remedy


def test_importance_sampling_refuses_a_discrete_law_by_name():
    law = JointLaw({"n": Integer(low=1, high=6), "x": Uniform(low=0, high=1)})
    question = Exceedance(event="y > 1", surrogate="best", estimators=["importance_sampling"])
    with pytest.raises(EstimationError, match="'n'"):
        question.check_law(law)


def test_pick_freeze_rows_swap_whole_groups():
    law = linked_law()
    integrand = Sobol(of="y", groups={"ab": ["a", "b"]}).integrand(law)
    uniforms = np.random.default_rng(0).random((4, 6))
    runs = integrand.runs(uniforms)
    a, b = uniforms[:, :3], uniforms[:, 3:]
    assert runs.shape == (4, 4, 3)
    assert np.array_equal(runs[:, 0], a)
    assert np.array_equal(runs[:, 1], b)
    assert np.array_equal(runs[:, 2], np.concatenate([b[:, :2], a[:, 2:]], axis=1))
    assert np.array_equal(runs[:, 3], np.concatenate([a[:, :2], b[:, 2:]], axis=1))


@pytest.mark.parametrize(
    ("question", "key", "words"),
    [
        ("{kind: exceedance, event: pressure > 1}", "questions.q.event", "'pressure' is a field"),
        ("{kind: sobol, of: peak, runs: 100}", "questions.q.runs", "takes 150 runs at least"),
        ("{kind: exceedance, event: peak > }", "questions.q.event", "position 7"),
        ("{kind: moments, of: peak, statistics: skewness}", "questions.q.statistics = skewness", "'mean'"),
        ("{kind: sobol, of: peak, groups: {g: [head, wel]}}", "questions.q.groups", "'wel'"),
    ],
)
def test_what_does_not_fit_the_study_names_key_and_reason(tmp_path, question, key, words):
    file = tmp_path / "aquifer.yaml"
    file.write_text(f"""
simulator: {{kind: groundwater, cells: 16}}
inputs:
  permeability: {{kind: gaussian_field, variance: 1.0, length: 0.5, terms: 4}}
  head: {{kind: uniform, low: 0.5, high: 1.5, units: m}}
  well: {{kind: lognorm, s: 0.4, scale: 0.5, units: m2/day}}
outputs:
  pressure: {{units: m}}
  peak: {{kind: maximum, of: pressure, units: m}}
design: {{kind: sobol, train: 16, validation: 16, test: 16}}
questions:
  q: {question}
""")
    with pytest.raises(StudyError) as error:
        load_study(file).check()
    assert len(error.value.errors) == 1, "one message for one mistake"
    assert key in str(error.value)
    assert words in str(error.value)
