"""Moments and indices from runs at hand: Ishigami and a discrete input with known indices, coverage, declarations."""

from __future__ import annotations

import math

import numpy as np
import pytest
import xarray as xr
from pydantic import ValidationError

from surecast.assemble.dataset import assemble
from surecast.design.make import make_design
from surecast.design.parts import parts
from surecast.quantify.answer import answer
from surecast.quantify.estimates import Estimate
from surecast.quantify.given_data import GivenData, from_runs
from surecast.quantify.integrand import Integrand
from surecast.simulate.part import simulate_part
from surecast.study.errors import EstimationError, StudyError
from surecast.study.files import read_dataset, write_dataset
from surecast.study.laws.continuous import Normal, Uniform
from surecast.study.laws.integer import Integer
from surecast.study.laws.joint import JointLaw
from surecast.study.load import load_study
from surecast.study.paths import Paths
from surecast.study.settings import Correlation

CORNERS = JointLaw({"n": Integer(low=0, high=3), "x": Uniform(low=0, high=1)})
"""y = n + 3 x: variances 5/4 and 3/4, so that the indices are 5/8 and 3/8."""


def corners(inputs: xr.Dataset) -> xr.Dataset:
    return xr.Dataset({"y": inputs["n"] + 3 * inputs["x"]})


def answers(law, model, seed=0, count=400, independent=True, **settings) -> list[Estimate]:
    inputs = law.from_uniform(np.random.default_rng(seed).random((count, law.dimension)))
    question = GivenData(**{"of": "y", **settings})
    return from_runs(question, law, inputs, model(inputs), independent=independent, seed=seed)


@pytest.mark.parametrize("estimator", ["rank_statistics", "binning"])
@pytest.mark.parametrize("problem", ["ishigami", "corners"])
def test_intervals_cover(known, estimator, problem):
    law, model = (known.law, known.ishigami) if problem == "ishigami" else (CORNERS, corners)
    truth = {"mean": 3.0, "variance": 2.0, "first[n]": 5 / 8, "first[x]": 3 / 8}
    truth = known.values if problem == "ishigami" else truth
    seeds = 200
    hits: dict[str, int] = {}
    for seed in range(seeds):
        for e in answers(law, model, seed, 800, estimators=[estimator]):
            name = e.statistic.name
            hits[name] = hits.get(name, 0) + (e.low <= truth[name] <= e.high)
    # 92 %: bins (and neighbours) blur E[y|x], a bias of their own.
    assert min(hits.values()) >= known.least_covered(seeds, 0.92), hits


def test_neighbours_are_those_of_the_definition():
    law = JointLaw({"x": Uniform(low=0, high=1)})
    (estimate,) = answers(law, lambda inputs: xr.Dataset({"y": np.sin(5 * inputs["x"])}), statistics="first", count=50)
    x = np.sort(np.random.default_rng(0).random(50))
    y = np.sin(5 * x) - np.sin(5 * x).mean()
    assert estimate.value == pytest.approx(np.mean(y[1:] * y[:-1]) / np.mean(y * y))
    assert estimate.low < 1.0
    assert estimate.methods == ("gamboa2022",)


@pytest.mark.parametrize("estimator", ["rank_statistics", "binning"])
def test_more_runs_bring_the_value_closer(known, estimator):
    errors = []
    for count in (200, 20000):
        found = answers(known.law, known.ishigami, 5, count, statistics="first", estimators=[estimator])
        errors.append(max(abs(e.value - known.values[e.statistic.name]) for e in found))
    assert errors[1] < 0.25 * errors[0]


def test_without_a_declared_law_there_is_a_value_and_no_interval():
    for estimate in answers(CORNERS, corners, independent=False):
        assert math.isfinite(estimate.value)
        assert (estimate.low, estimate.high) == (-math.inf, math.inf)
        assert estimate.verdict.startswith("not certified: how the runs were drawn is not declared")


def test_epistemic_inputs_are_refused():
    law = JointLaw({"x": Uniform(low=0, high=1), "e": Uniform(low=0, high=1, role="epistemic")})
    with pytest.raises(EstimationError, match="cannot hold 'e' fixed, which is epistemic"):
        answers(law, lambda inputs: (inputs["x"] + inputs["e"]).to_dataset(name="y"))


def test_failed_runs_are_told_and_too_few_refused():
    def failing(inputs: xr.Dataset) -> xr.Dataset:
        return corners(inputs).where(inputs["x"] < 0.9)

    for estimate in answers(CORNERS, failing):
        assert estimate.failed_runs > 20
        assert "runs failed" in estimate.verdict
    with pytest.raises(EstimationError, match="runs at hand finished"):
        answers(CORNERS, failing, count=20)


def test_an_output_that_does_not_vary_has_no_indices():
    with pytest.raises(EstimationError, match="same value"):
        answers(CORNERS, lambda inputs: xr.Dataset({"y": 0 * inputs["x"] + 1.0}))


def test_a_simulator_is_never_called():
    question = GivenData(of="y")
    integrand: Integrand = question.integrand(CORNERS)
    from surecast.quantify.answer import ask

    with pytest.raises(EstimationError, match="runs that exist already"):
        ask(question, integrand, corners, (), lambda kind: np.random.SeedSequence(0))


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"of": []}, "at least 1"),
        ({"of": "y", "statistics": "total"}, "'first'"),
        ({"of": "y", "inputs": ["a", "a"]}, "stands twice"),
        ({"of": "y", "surrogate": "best"}, "no surrogate helps"),
        ({"of": "y", "runs": 100}, "less than or equal to 0"),
        ({"of": "y", "splits": "trian"}, "'train'"),
        ({"of": "y", "estimators": ["monte_carlo"]}, "cannot answer this question"),
    ],
)
def test_bad_settings_are_refused_in_words(settings, words):
    with pytest.raises(ValidationError) as error:
        GivenData(**settings)
    assert words in str(error.value)


def test_dependent_and_unknown_inputs_are_refused_by_name():
    laws = {name: Normal(mean=0, standard_deviation=1) for name in ("a", "b", "c")}
    linked = JointLaw(laws, [Correlation(between=["a", "b"], value=0.5)])
    with pytest.raises(EstimationError, match="a, b are dependent"):
        GivenData(of="y").check_law(linked)
    GivenData(of="y", inputs=["c"]).check_law(linked)
    with pytest.raises(EstimationError, match="no input 'd'"):
        GivenData(of="y", inputs=["d"]).check_law(linked)


TABLE = """
simulator: {{kind: "never:called"}}
inputs:
  n: {{kind: integer, low: 0, high: 3}}
  x: {{kind: uniform, low: 0, high: 1}}
outputs:
  y: {{units: m}}
design: {{kind: table, file: runs.csv, train: 150, validation: 30, test: 20{sampling}}}
questions:
  found: {{kind: given_data, of: y{splits}}}
"""


@pytest.mark.parametrize("declared", [True, False])
def test_a_table_with_outputs_answers_without_a_simulator(tmp_path, declared):
    inputs = CORNERS.from_uniform(np.random.default_rng(3).random((200, 2)))
    rows = zip(inputs["n"].values, inputs["x"].values, corners(inputs)["y"].values, strict=True)
    text = "\n".join(f"{n},{x!r},{y!r}" for n, x, y in ((int(n), float(x), float(y)) for n, x, y in rows))
    (tmp_path / "runs.csv").write_text(f"n,x,y\n{text}\n")
    (tmp_path / "never.py").write_text("def called(inputs):\n    raise RuntimeError('a run was made')\n")
    sampling = ", sampling: independent" if declared else ""
    (tmp_path / "own.yaml").write_text(TABLE.format(sampling=sampling, splits=""))
    study, paths = load_study(tmp_path / "own.yaml"), Paths("own", tmp_path / "results")
    study.check()
    write_dataset(paths.design, make_design(study))
    named = [part.name for part in parts(study.build_design())]
    for name in named:
        simulate_part(study, name, paths.design, paths.part(name), paths.store)
    assemble(study, paths.design, [paths.part(name) for name in named], paths.dataset, paths.manifest)
    nc, table = paths.estimate("found"), paths.estimates / "found.csv"
    found = answer(study, "found", {}, paths.manifest, nc, table)
    assert found["statistic"].values.tolist() == ["mean", "variance", "first[n]", "first[x]"]
    assert found["units"].values.tolist() == ["m", "(m)**2", "1", "1"]
    assert np.allclose(found["value"].values, [3, 2, 5 / 8, 3 / 8], atol=0.35)
    assert (found["verdict"].values == "certified").all() == declared
    assert found["simulator_runs"].values.tolist() == [200] * 4
    assert not np.isnan(read_dataset(nc)["low"].values).any()
    assert "nan" not in table.read_text()


def test_only_random_splits_of_a_sobol_design_count_as_drawn(tmp_path):
    from surecast.quantify.given_data import independent_splits

    text = TABLE.format(sampling="", splits="").replace("kind: table, file: runs.csv", "kind: sobol")
    (tmp_path / "never.py").write_text("def called(inputs):\n    return inputs\n")
    (tmp_path / "own.yaml").write_text(text)
    assert independent_splits(load_study(tmp_path / "own.yaml")) == ("validation", "test")
    (tmp_path / "own.yaml").write_text(text.replace("kind: sobol", "kind: monte_carlo"))
    assert len(independent_splits(load_study(tmp_path / "own.yaml"))) == 3
    (tmp_path / "own.yaml").write_text(TABLE.format(sampling=", sampling: indepndent", splits=""))
    (tmp_path / "runs.csv").write_text("n,x,y\n")
    with pytest.raises(StudyError, match=r"design\.sampling"):
        load_study(tmp_path / "own.yaml").check()
