"""`estimate`: the numbers of a study without a study file, its messages, and what becomes of failed runs."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import xarray as xr
from scipy.stats import norm

from surecast.design.make import make_design
from surecast.design.parts import parts
from surecast.quantify import estimate
from surecast.quantify.moments import Moments
from surecast.simulate.problems import problem
from surecast.study.errors import EstimationError, SimulationError, StudyError
from surecast.study.laws.continuous import Normal
from surecast.study.laws.joint import JointLaw
from surecast.study.settings import Correlation

LINE = {"x": {"kind": "uniform", "low": 0, "high": 1, "units": "m"}}
MOMENTS = {"kind": "moments", "of": "y", "level": 0.999}
"""At a level at which a fixed seed hardly misses: what is tested here is no coverage."""


def line(inputs: xr.Dataset) -> xr.Dataset:
    y = 2 * inputs["x"]
    y.attrs = {"units": "m", "long_name": "twice the input"}
    return xr.Dataset({"y": y})


def by_name(answer: xr.Dataset) -> dict[str, xr.Dataset]:
    return {str(answer["statistic"].values[i]): answer.isel(estimate=i) for i in range(answer.sizes["estimate"])}


def covers(row: xr.Dataset, truth: float) -> bool:
    return bool(row["low"] <= truth <= row["high"])


def test_importing_the_package_is_light():
    code = "import sys, surecast.quantify; print(*sorted({'xarray', 'torch', 'scipy', 'pydantic'} & set(sys.modules)))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == ""
    import surecast.quantify

    assert callable(surecast.quantify.estimate)
    with pytest.raises(AttributeError, match="no attribute 'estimat'"):
        _ = surecast.quantify.estimat


@pytest.mark.parametrize("surrogate", [None, "polynomial_chaos", "gaussian_process"])
def test_moments_of_a_known_problem(surrogate):
    known = problem("ishigami")
    learnt = None if surrogate is None else 120
    question = MOMENTS
    answer = estimate(question, known.simulator, known.law, surrogate, runs=512, training_runs=learnt, seed=4)
    rows = by_name(answer)
    for name in ("mean", "variance"):
        assert covers(rows[name], known.reference[name])
        assert rows[name]["verdict"].item() == "certified"
    assert answer.attrs["training_runs"] == (learnt or 0)
    assert answer.attrs["total_simulator_runs"] == 512 + (learnt or 0)
    assert answer.attrs["surrogate"] == (surrogate or "none")
    assert (answer.attrs["seed"], answer.attrs["kind"]) == (4, "moments")
    assert "surecast" in answer.attrs["versions"]


def test_a_surrogate_narrows_and_its_training_runs_enter_no_estimate():
    known = problem("borehole")
    seen = []

    def watched(inputs):
        seen.append(np.stack([inputs[name].values for name in known.law.names], axis=1))
        return known.simulator(inputs)

    question = MOMENTS | {"of": "flow", "estimators": ["control_variates"]}
    aided = by_name(estimate(question, watched, known.inputs, "polynomial_chaos", runs=300, seed=2))
    plain = by_name(estimate(MOMENTS | {"of": "flow", "estimators": ["monte_carlo"]}, watched, known.inputs, runs=300))
    assert covers(aided["mean"], known.reference["mean"])
    assert aided["mean"]["standard_error"] < 0.2 * plain["mean"]["standard_error"]
    assert [row["units"].item() for row in (aided["mean"], aided["variance"])] == ["m3/year", "(m3/year)**2"]
    made = np.concatenate(seen)
    assert len(made) == 300 + 75 + 300
    assert len(np.unique(made, axis=0)) == len(made)


def test_the_same_numbers_as_a_study(tmp_path):
    from surecast.assemble.dataset import assemble
    from surecast.quantify.answer import answer
    from surecast.simulate.part import simulate_part
    from surecast.study.files import write_dataset
    from surecast.study.load import load_study
    from surecast.study.paths import Paths

    (tmp_path / "one.yaml").write_text(
        "seed: 5\nsimulator: {kind: problem, name: fourbranch}\noutputs: {g: {}}\n"
        "design: {kind: monte_carlo, train: 8, validation: 8, test: 8}\n"
        "questions:\n  question: {kind: exceedance, event: g < 1, runs: 300}\n"
    )
    study = load_study(tmp_path / "one.yaml")
    study.check()
    paths = Paths("one", tmp_path / "results")
    write_dataset(paths.design, make_design(study))
    named = [part.name for part in parts(study.build_design())]
    for name in named:
        simulate_part(study, name, paths.design, paths.part(name), paths.store)
    assemble(study, paths.design, [paths.part(name) for name in named], paths.dataset, paths.manifest)
    of_study = answer(study, "question", {}, paths.manifest, tmp_path / "a.nc", tmp_path / "a.csv")
    known = problem("fourbranch")
    alone = estimate({"kind": "exceedance", "event": "g < 1"}, known.simulator, known.law, runs=300, seed=5)
    for name in ("value", "low", "high", "standard_error", "convergence_value"):
        np.testing.assert_array_equal(of_study[name].values, alone[name].values)
    again = estimate({"kind": "exceedance", "event": "g < 1"}, known.simulator, known.law, runs=300, seed=5)
    assert again.identical(alone)
    other = estimate({"kind": "exceedance", "event": "g < 1"}, known.simulator, known.law, runs=300, seed=6)
    assert not np.array_equal(other["value"].values, alone["value"].values)


def test_questions_laws_and_surrogates_may_be_objects():
    law = JointLaw({"x": Normal(mean=1, standard_deviation=2)})
    answer = estimate(Moments(of=["y"], level=0.999, runs=100), line, law, line, seed=1)
    rows = by_name(answer)
    assert covers(rows["mean"], 2.0)
    assert rows["mean"]["level"] == 0.999
    assert rows["mean"]["surrogate_runs"] > 0
    assert answer.attrs["total_simulator_runs"] == 100
    mixed = estimate(MOMENTS, line, {"x": Normal(mean=1, standard_deviation=2)}, [line, line], runs=100, seed=1)
    assert covers(by_name(mixed)["mean"], 2.0)


def test_linked_inputs():
    """Var(x + y) = 2 + 2 r for standard normals with correlation r."""
    inputs = {name: {"kind": "normal", "mean": 0, "standard_deviation": 1} for name in ("x", "y")}

    def total(inputs):
        return xr.Dataset({"sum": inputs["x"] + inputs["y"]})

    links = [{"between": ["x", "y"], "value": 0.8}]
    question = MOMENTS | {"of": "sum"}
    first = estimate(question, total, inputs, runs=1024, correlations=links, seed=2)
    assert covers(by_name(first)["variance"], 3.6)
    normals = {name: Normal(mean=0, standard_deviation=1) for name in ("x", "y")}
    joint = JointLaw(normals, [Correlation(between=["x", "y"], value=0.8)])
    second = estimate(question, total, joint, runs=1024, seed=2)
    np.testing.assert_array_equal(first["value"].values, second["value"].values)


def fails_above(share: float, how: str):
    def call(inputs):
        x = inputs["x"].values
        bad = x > 1 - share
        if how == "raises" and bad.any():
            raise RuntimeError("too large")
        values = np.where(bad & (how == "nan"), np.nan, x)
        made = xr.Dataset({"y": ("run", values)})
        return made.assign(failed=("run", bad)) if how == "says" else made

    return call


@pytest.mark.parametrize("how", ["raises", "nan", "says"])
def test_failed_runs_are_counted_both_ways_or_not_certified(how):
    simulator = fails_above(0.04, how)
    event = estimate({"kind": "exceedance", "event": "y > 0.9"}, simulator, LINE, runs=400, seed=3)
    failed = int(event["failed_runs"][0])
    assert 4 <= failed <= 40
    assert covers(event.isel(estimate=0), 0.1)
    assert covers(event.isel(estimate=0), 0.06)
    moments = by_name(estimate(MOMENTS, simulator, LINE, runs=256, seed=3))
    assert "failed" in moments["mean"]["verdict"].item()
    assert np.isfinite(moments["mean"]["value"])


def test_all_runs_failed_is_one_clear_error():
    def broken(inputs):
        raise ValueError("no licence left")

    with pytest.raises(EstimationError, match=r"failed.*no licence left"):
        estimate(MOMENTS, broken, LINE, runs=200)


@pytest.mark.parametrize("surrogate", [None, "polynomial_chaos", line], ids=["none", "fitted", "given"])
def test_what_cannot_work_is_found_in_a_few_runs(surrogate):
    made = []

    def counted(inputs):
        made.append(inputs.sizes["run"])
        return line(inputs)

    def broken(inputs):
        made.append(inputs.sizes["run"])
        return line(inputs).assign(failed=("run", np.ones(inputs.sizes["run"])))

    with pytest.raises((SimulationError, EstimationError), match="'z'"):
        estimate(MOMENTS | {"of": "z"}, counted, LINE, surrogate, runs=5000)
    assert sum(made) <= 1
    for question in (
        MOMENTS,
        {"kind": "exceedance", "event": "y > 1.9"},
        {"kind": "sobol", "of": "y"},
        {"kind": "quantiles", "of": "y", "levels": [0.9999]},
        {"kind": "expectations", "of": "y"},
    ):
        made.clear()
        with pytest.raises(EstimationError, match=r"all of the first 50 runs failed.*The first said: the simulator"):
            estimate(question, broken, LINE, surrogate, runs=50_000 if surrogate is None else 5000)
        assert sum(made) == 50


@pytest.mark.parametrize("kind", ["importance_sampling", "surrogate_decomposition", "aiscv"])
def test_too_few_finished_runs_quote_the_first_that_failed(kind):
    """The first run alone finishes, so that not all of the first ones fail."""
    made = []

    def flaky(inputs):
        made.append(inputs.sizes["run"])
        bad = np.arange(inputs.sizes["run"]) > 0
        if len(made) > 1:
            bad[:] = True
        return line(inputs).assign(failed=("run", bad))

    questions = {
        "importance_sampling": {"kind": "exceedance", "event": "y > 1.9"},
        "surrogate_decomposition": {"kind": "sobol", "of": "y"},
        "aiscv": {"kind": "expectations", "of": "y"},
    }
    with pytest.raises(EstimationError, match=r"finished: nothing can be said\. The first said: the"):
        estimate(questions[kind] | {"estimators": [kind]}, flaky, LINE, line, runs=400)


def test_bounds_of_an_output_and_reductions():
    def walk(inputs):
        return xr.Dataset({"path": inputs["x"] * xr.DataArray(np.arange(3.0), dims="time")})

    outputs = {"y": {"of": "path", "dims": ["time"], "reduce": {"over": "time", "by": "max"}, "units": "m"}}
    answer = estimate(MOMENTS, walk, LINE, runs=256, outputs=outputs)
    assert covers(by_name(answer)["mean"], 1.0)
    assert by_name(answer)["mean"]["units"].item() == "m"
    with pytest.raises(SimulationError, match="'path' is a field over time"):
        estimate({"kind": "moments", "of": "path"}, walk, LINE, runs=256)


def test_a_stochastic_simulator_finds_its_seeds():
    seen = []

    def noisy(inputs):
        seen.append(inputs["seed"].values)
        noise = np.array([np.random.default_rng(seed).normal() for seed in inputs["seed"].values])
        return xr.Dataset({"y": inputs["x"] + noise})

    noisy.stochastic = True
    rows = by_name(estimate(MOMENTS, noisy, LINE, "polynomial_chaos", runs=400, seed=8))
    assert covers(rows["mean"], 0.5)
    assert covers(rows["variance"], 1 + 1 / 12)
    drawn = np.concatenate(seen)
    assert len(np.unique(drawn)) == len(drawn) == 500


BAD = [
    ({"question": {"kind": "moment", "of": "y"}}, StudyError, r"questions.question.kind = moment: .*'moments'"),
    ({"question": {"of": "y"}}, StudyError, r"questions.question.kind = \(not given\): a setting is missing"),
    ({"question": {"kind": "moments", "off": "y"}}, StudyError, r"questions.question.off = y: unknown key. .*'of'"),
    (
        {"question": {"kind": "exceedance", "event": "y >"}},
        StudyError,
        r"questions.question.event = y >: .*position 4",
    ),
    ({"inputs": {"x": {"kind": "unifrom", "low": 0}}}, StudyError, r"inputs.x.kind = unifrom: .*'uniform'"),
    (
        {"inputs": {"x": {"kind": "uniform", "low": 1, "high": 0}}},
        StudyError,
        r"inputs.x.high = 0: .*greater than low",
    ),
    ({"inputs": {"seed": LINE["x"]}}, StudyError, r"inputs.seed = .*choose another name"),
    ({"inputs": {}}, StudyError, r"inputs = "),
    ({"runs": 10}, StudyError, r"questions.question.runs = 10: must be greater than or equal to 50"),
    ({"tolerance": -1.0}, StudyError, r"questions.question.tolerance = -1"),
    ({"seed": -1}, StudyError, r"seed = -1: must be"),
    ({"surrogate": "polynomial_caos"}, StudyError, r"surrogates.fitted.kind = polynomial_caos: .*'polynomial_chaos'"),
    ({"surrogate": {"kind": "polynomial_chaos", "degre": 2}}, StudyError, r"surrogates.fitted.degre = 2: unknown key"),
    ({"surrogate": "fno"}, StudyError, r"surrogates.fitted.kind = fno: cannot be fitted"),
    ({"surrogate": [3]}, StudyError, r"surrogate: int cannot be called"),
    ({"training_runs": 50}, StudyError, r"training_runs = 50: no surrogate is fitted"),
    ({"training_runs": 5, "surrogate": "polynomial_chaos"}, StudyError, r"training_runs = 5: is no number of runs"),
    ({"question": MOMENTS | {"surrogate": "best"}}, StudyError, r"questions.question.surrogate = best: no surrogate"),
    ({"simulator": 3}, StudyError, r"simulator: the simulator is int"),
    ({"question": {"kind": "moments", "of": "z"}}, SimulationError, r"returned no 'z'"),
    ({"surrogate": lambda inputs: xr.Dataset({"q": inputs["x"]})}, EstimationError, r"surrogate returns no 'y'"),
    ({"simulator": lambda inputs: 3}, SimulationError, r"returned int, not a Dataset"),
    (
        {"question": {"kind": "sobol", "of": "y", "groups": {"a": ["w"]}}},
        (StudyError, EstimationError),
        r"'w', which is no input",
    ),
]


@pytest.mark.parametrize(("given", "error", "message"), BAD, ids=lambda item: str(item)[:40])
def test_bad_questions_are_refused_as_in_a_study(given, error, message):
    arguments = {"question": MOMENTS, "simulator": line, "inputs": LINE, "runs": 100} | given
    with pytest.raises(error, match=message):
        estimate(**arguments)


def test_a_tolerance_is_refused_only_where_plain_counts_must_reach_it():
    """Weighted draws have no floor of 3.7/n: the truth is P(a + b/2 > 3.5) of standard normals."""
    truth = float(norm.sf(3.5 / np.sqrt(1.25)))
    inputs = {name: {"kind": "normal", "mean": 0, "standard_deviation": 1} for name in "ab"}
    question = {"kind": "exceedance", "event": "y > 3.5", "absolute_tolerance": 1e-4}

    def model(given: xr.Dataset) -> xr.Dataset:
        return xr.Dataset({"y": given["a"] + 0.5 * given["b"]})

    answer = estimate(question, model, inputs, "polynomial_chaos", runs=600, training_runs=60)
    (row,) = by_name(answer).values()
    assert covers(row, truth)
    assert row["verdict"].item() == "certified"
    assert row["high"] - row["low"] <= 2e-4
    with pytest.raises(StudyError, match=r"cannot be reached with 600 runs of monte_carlo.*at least 18443 runs"):
        estimate(question | {"estimators": ["monte_carlo"]}, model, inputs, runs=600)
    asked = question | {"estimators": ["importance_sampling", "control_variates"]}
    with pytest.raises(StudyError, match="of control_variates: without a single event"):
        estimate(asked, model, inputs, model, runs=600)
