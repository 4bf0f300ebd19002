"""Epistemic inputs: bounds over their values, never an average, and refusals with the reason."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import xarray as xr

from surecast.quantify.answer import ask
from surecast.quantify.epistemic import places
from surecast.quantify.exceedance import Exceedance
from surecast.quantify.moments import Moments
from surecast.quantify.sobol import Sobol
from surecast.quantify.table import to_dataset
from surecast.study.errors import EstimationError, StudyError
from surecast.study.laws.categorical import Categorical
from surecast.study.laws.continuous import Normal, Uniform
from surecast.study.laws.integer import Integer
from surecast.study.laws.joint import JointLaw
from surecast.study.model import Study
from surecast.study.settings import Correlation


def law(*more: tuple[str, object]) -> JointLaw:
    """x standard normal; e unknown in [-1, 2]."""
    return JointLaw(
        {"x": Normal(mean=0, standard_deviation=1), "e": Uniform(low=-1, high=2, role="epistemic")} | dict(more)
    )


def shifted(inputs: xr.Dataset) -> xr.Dataset:
    """y = x + e^2: means 0 to 4 over e in [-1, 2], variance 1 whatever e is."""
    return xr.Dataset({"y": inputs["x"] + inputs["e"] ** 2})


def asked(question, joint: JointLaw, seed: int = 0, surrogates=(), truth=shifted):
    return ask(
        question, question.integrand(joint), truth, surrogates, lambda _: np.random.SeedSequence([seed, 5]), steps=0
    )


@pytest.mark.parametrize(
    "kind",
    [
        "monte_carlo",
        "scrambled_sobol",
        *(pytest.param(k, marks=pytest.mark.counted) for k in ("active_sampling", "control_variates")),
    ],
)
def test_both_bounds_are_covered_and_never_pooled(known, kind):
    """Pooling would give the mean 1 and the variance 1 + 4/5 + ...; the bounds are 0 and 4, and 1."""
    question = Moments(
        of=["y"],
        runs=7 * 128,
        epistemic_values=7,
        estimators=[kind],
        surrogate="best",
        surrogate_runs=1024,
        statistics=["mean", "variance"],
    )
    truths = {"lower mean": 0.0, "upper mean": 4.0, "lower variance": 1.0, "upper variance": 1.0}
    seeds, covered = 30, 0
    for seed in range(seeds):
        found = {e.statistic.name: e for e in asked(question, law(), seed, [lambda inputs: shifted(inputs) * 0.9])}
        assert found.keys() == truths.keys()
        covered += all(found[name].low <= truth <= found[name].high for name, truth in truths.items())
    print(f"{kind}: all four bounds covered together {covered} of {seeds}")
    assert covered >= known.least_covered(seeds)
    assert found["lower mean"].simulator_runs <= question.runs
    assert found["upper mean"].value - found["lower mean"].value > 3
    assert found["upper mean"].level == 0.95


def test_probabilities_with_an_epistemic_input_are_bounded():
    from scipy.stats import norm

    question = Exceedance(event="y > 3", runs=9000, estimators=["monte_carlo"])
    lower, upper = asked(question, law())
    assert lower.low <= norm.sf(3) <= lower.high
    assert upper.low <= norm.sf(-1) <= upper.high
    table = to_dataset("q", [lower, upper], 0, {"y": "m"})
    assert table["statistic"].values.tolist() == ["lower probability", "upper probability"]
    assert "ferson2003" in upper.methods


def test_epistemic_inputs_may_be_discrete():
    joint = JointLaw(
        {
            "x": Normal(mean=0, standard_deviation=1),
            "e": Integer(low=0, high=2, role="epistemic"),
            "name": Categorical(values=["a", "b"], role="epistemic"),
        }
    )

    def truth(inputs: xr.Dataset) -> xr.Dataset:
        shift = 0.5 * inputs["name"].values
        return xr.Dataset({"y": ("run", inputs["x"].values + inputs["e"].values + shift)})

    question = Moments(of=["y"], runs=2000, epistemic_values=8, estimators=["monte_carlo"])
    found = {e.statistic.name: e for e in asked(question, joint, truth=truth)}
    assert found["lower mean"].low <= 0 <= found["lower mean"].high
    assert found["upper mean"].low <= 2.5 <= found["upper mean"].high


def test_exact_statistics_of_a_surrogate_are_not_taken_for_the_conditional_ones():
    class Exact:
        def __call__(self, inputs: xr.Dataset) -> xr.Dataset:
            return shifted(inputs)

        def exact_statistics(self, integrand) -> np.ndarray:
            raise AssertionError("they are over the epistemic inputs too")

    question = Moments(of=["y"], runs=1000, estimators=["control_variates"], surrogate="best", surrogate_runs=1024)
    asked(question, law(), surrogates=[Exact()])


def test_places_are_corners_first_and_then_inside():
    assert places(1, 5)[:, 0].tolist() == [0, 0.25, 0.5, 0.75, 1]
    two = places(2, 9)
    assert {tuple(p) for p in two[:4].tolist()} == {(0, 0), (0, 1), (1, 0), (1, 1)}
    assert len(np.unique(two, axis=0)) == 9
    assert ((two[4:] > 0) & (two[4:] < 1)).all()
    assert {tuple(p) for p in places(6, 20).tolist()} == set(itertools.product([0.0, 1.0], repeat=6))
    assert places(7, 20).shape == (20, 7)


@pytest.mark.parametrize("dimension", [4, 7])
def test_bounds_are_those_of_the_corners_or_doubted(dimension):
    names = [f"e{place}" for place in range(dimension)]
    joint = JointLaw(
        {"x": Normal(mean=0, standard_deviation=1)} | {n: Uniform(low=0, high=1, role="epistemic") for n in names}
    )

    def truth(inputs: xr.Dataset) -> xr.Dataset:
        return xr.Dataset({"y": 0.1 * inputs["x"] + sum(inputs[name] for name in names)})

    question = Moments(of=["y"], statistics="mean", runs=1600, estimators=["monte_carlo"])
    lower, upper = asked(question, joint, truth=truth)
    if dimension == 4:
        assert lower.low <= 0 <= lower.high
        assert upper.low <= 4 <= upper.high
        assert not upper.doubts
    else:
        assert "not all corners" in upper.verdict


@pytest.mark.parametrize(
    ("question", "joint", "words"),
    [
        (
            Moments(of=["y"], runs=5000),
            JointLaw(
                {
                    "x": Uniform(low=0, high=1),
                    "e": Normal(mean=0, standard_deviation=1, role="epistemic"),
                }
            ),
            "'e' is epistemic, but its law 'normal' weighs",
        ),
        (Moments(of=["y"], runs=5000), JointLaw({"e": Uniform(low=0, high=1, role="epistemic")}), "every input is"),
        (Moments(of=["y"], runs=100), law(), "100 runs are too few for 9 values"),
        (Sobol(of=["y"], groups={"g": ["e"]}, runs=10**5), law(), "'e', which is no input"),
    ],
)
def test_what_cannot_be_bounded_is_refused_with_the_reason(question, joint, words):
    asked_of, integrand = (
        question.model_copy(update={"estimators": ["monte_carlo"]}),
        Moments(of=["y"]).integrand(joint),
    )
    with pytest.raises(EstimationError, match=words):
        ask(asked_of, integrand, shifted, (), lambda _: np.random.SeedSequence(5))


def test_a_study_with_epistemic_inputs_is_checked_before_it_runs():
    content = {
        "simulator": {"kind": "burgers"},
        "inputs": {"viscosity": {"kind": "norm", "loc": 1, "scale": 0.1, "role": "epistemic"}},
        "outputs": {"peak": {"kind": "maximum", "of": "velocity"}},
        "design": {"kind": "sobol", "train": 16, "validation": 16, "test": 16},
        "questions": {"q": {"kind": "moments", "of": "peak"}},
    }
    with pytest.raises(StudyError, match="'viscosity' is epistemic, but its law 'norm' weighs"):
        Study.from_content(content).check()


def test_correlations_of_epistemic_inputs_are_refused():
    with pytest.raises(StudyError, match="'e' is epistemic"):
        JointLaw(law().laws, [Correlation(between=["x", "e"], value=0.5)])


def test_the_role_changes_the_label_of_a_law_only_where_it_is_epistemic():
    assert "role" not in Uniform(low=0, high=1).label()
    assert '"role":"epistemic"' in Uniform(low=0, high=1, role="epistemic").label()
