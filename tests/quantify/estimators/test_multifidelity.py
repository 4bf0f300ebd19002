"""Multifidelity Monte Carlo and approximate control variates against closed forms and their own theory."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import xarray as xr

from surecast.quantify import estimate
from surecast.quantify.answer import answer
from surecast.quantify.estimators.allocation import LEAST_BLOCK, Budget, multifidelity, squared_correlations
from surecast.quantify.estimators.approximate_control_variates import (
    ApproximateControlVariates,
    remaining,
    shared_samples,
)
from surecast.quantify.estimators.blocks import nested_blocks
from surecast.quantify.estimators.fidelities import least_fine
from surecast.quantify.estimators.monte_carlo import MonteCarlo
from surecast.quantify.estimators.multifidelity import Multifidelity
from surecast.quantify.hierarchy import grids
from surecast.quantify.sampling import Level
from surecast.simulate.truth import Truth
from surecast.study.errors import EstimationError, StudyError
from surecast.study.files import write_json
from surecast.study.model import Study

SEEDS = range(200)
BOTH = pytest.mark.parametrize("estimator", [Multifidelity(), ApproximateControlVariates()], ids=lambda e: e.kind)


def correlated(shares: np.ndarray, n: int, seed: int) -> np.ndarray:
    """Pseudo-values (M, n, 1) of models x + noise with these squared correlations; the first is x."""
    stream = np.random.default_rng(seed)
    x = stream.standard_normal(n)
    noise = stream.standard_normal((len(shares), n)) * np.sqrt(1 / shares - 1)[:, None]
    return np.concatenate([x[None], x + noise])[:, :, None]


def test_multifidelity_samples_are_those_of_the_closed_form():
    pilot = correlated(np.array([0.98, 0.8]), 400_000, 0)
    costs, work = np.array([1.0, 0.05, 0.001]), 1000.0
    squared = squared_correlations(pilot)[:, 0]
    np.testing.assert_allclose(squared[1:], [0.98, 0.8], atol=2e-3)
    found = multifidelity(pilot, Budget(work, costs, LEAST_BLOCK, np.full(3, 1e9)))
    falling = np.array([1.0, *squared[1:], 0.0])
    ratios = np.sqrt(-np.diff(falling) / costs)
    closed = ratios * work / (costs @ ratios)
    assert found.models == (0, 1, 2)
    np.testing.assert_allclose(found.samples, closed, atol=1)
    assert found.variance == pytest.approx((-np.diff(falling) / closed).sum(), rel=1e-2)


def test_a_model_that_costs_too_much_for_its_correlation_is_dropped():
    pilot = correlated(np.array([0.98, 0.8]), 4000, 0)
    budget = Budget(1000.0, np.array([1.0, 0.05, 0.04]), LEAST_BLOCK, np.full(3, 1e9))
    assert multifidelity(pilot, budget).models == (0, 1)
    useless = correlated(np.array([1e-6]), 40, 1)
    assert multifidelity(useless, Budget(1000.0, np.array([1.0, 0.1]), LEAST_BLOCK, np.full(2, 1e9))).models == (0,)


@pytest.mark.parametrize("nested", [True, False])
def test_the_variance_of_approximate_control_variates_is_that_of_the_sample_sums(nested):
    """N Var/s^2 against the variance of the weighted sums of a joint law, by counting inputs block by block."""
    stream = np.random.default_rng(3)
    root = stream.standard_normal((4, 4))
    whole = root @ root.T
    whole /= whole[0, 0]
    fine, samples = 40, np.array([100, 400, 1000])
    ratios = samples / fine
    shared = shared_samples(ratios, nested=nested)
    beta = np.linalg.solve(whole[1:, 1:] * shared, np.diag(shared) * whole[0, 1:])
    if nested:
        blocks, sets = nested_blocks([0, 1, 2, 3], [fine, *samples])
        sizes = [block.size for block in blocks]
    else:
        sizes, sets = [fine, *(samples - fine)], [(0,), (0, 1), (0, 2), (0, 3)]
    weights = np.zeros((len(sizes), 4))
    weights[0] = [1 / fine, *(-beta / fine)]
    for k in range(1, 4):
        weights[list(sets[k]), k] += beta[k - 1] / samples[k - 1]
    counted = sum(size * w @ whole @ w for size, w in zip(sizes, weights, strict=True))
    assert np.dot(sizes, weights) == pytest.approx([1, 0, 0, 0])
    predicted = remaining(whole[None, 1:, 1:], whole[None, 0, 1:], ratios, nested=nested)[0] / fine
    assert counted == pytest.approx(predicted, rel=1e-10)


@pytest.mark.parametrize(
    "estimator",
    [Multifidelity(), pytest.param(ApproximateControlVariates(), marks=pytest.mark.counted)],
    ids=lambda e: e.kind,
)
def test_mean_and_variance_are_covered_and_unbiased(decay, known, estimator):
    tasks = [decay.task(seed, levels=decay.levels(32, 8)) for seed in SEEDS]
    value, low, high = decay.intervals(estimator, tasks)
    for column, truth in enumerate(decay.values):
        covered = int(((low <= truth) & (truth <= high))[:, column].sum())
        print(f"{estimator.kind} statistic {column}: covers {covered}/{len(SEEDS)}")
        assert covered >= known.least_covered(len(SEEDS))
        spread = value[:, column].std(ddof=1) / np.sqrt(len(SEEDS))
        assert abs(value[:, column].mean() - truth) < 4 * spread


def models(decay):
    """Two surrogates that each know one input: together they say more than either, so that a chain is not enough."""

    def of(name: str, weight: float):
        def model(inputs: xr.Dataset) -> xr.Dataset:
            return xr.Dataset({"y": weight * inputs[name]})

        return model

    def truth(inputs: xr.Dataset) -> xr.Dataset:
        return xr.Dataset({"y": 0.7 * inputs["a"] + inputs["b"] + 0.05 * np.sin(40 * inputs["a"])})

    return truth, of("a", 0.7), of("b", 1.0)


def test_approximate_control_variates_pass_the_limit_of_a_chain(decay):
    truth, a, b = models(decay)
    level = [Level("a", a, 0.01), Level("b", b, 0.01)]
    spread = {}
    for estimator in (MonteCarlo(), Multifidelity(), ApproximateControlVariates()):
        tasks = [decay.task(seed, 1000, level, truth=truth) for seed in range(60)]
        spread[estimator.kind] = decay.intervals(estimator, tasks)[0][
            :,
            :,
        ][:, 0].var(ddof=1)
    print({kind: round(value / spread["monte_carlo"], 3) for kind, value in spread.items()})
    assert spread["multifidelity"] > 0.3 * spread["monte_carlo"]  # 1 - rho^2 of the better one is 0.5
    assert spread["approximate_control_variates"] < 0.35 * spread["multifidelity"]


@BOTH
def test_a_surrogate_serves_as_a_model_that_costs_nothing(decay, known, estimator):
    task = [decay.task(seed, levels=[], surrogates=(decay.euler(8),)) for seed in range(100)]
    _, low, high = decay.intervals(estimator, task)
    _, plain_low, plain_high = decay.intervals(MonteCarlo(), task)
    for column, truth in enumerate(decay.values):
        assert int(((low <= truth) & (truth <= high))[:, column].sum()) >= known.least_covered(100)
    assert np.mean(high - low) < 0.5 * np.mean(plain_high - plain_low)
    found = estimator.estimate(decay.integrand, task[0])[0]
    assert found.diagnostics["runs_finest"] == found.simulator_runs == 500
    assert found.surrogate_runs == 16384 + found.diagnostics["pilot_inputs"]


@BOTH
def test_a_useless_model_costs_little(decay, known, estimator):
    def useless(inputs: xr.Dataset) -> xr.Dataset:
        return xr.Dataset({"y": np.cos(1e6 * inputs["b"])})

    def constant(inputs: xr.Dataset) -> xr.Dataset:
        return xr.Dataset({"y": 0 * inputs["b"] + 3.0})

    level = [Level("wave", useless, 0.1), Level("constant", constant, 0.1)]
    _, low, high = decay.intervals(estimator, [decay.task(seed, levels=level) for seed in range(100)])
    _, plain_low, plain_high = decay.intervals(MonteCarlo(), [decay.task(seed) for seed in range(100)])
    for column, truth in enumerate(decay.values):
        assert int(((low <= truth) & (truth <= high))[:, column].sum()) >= known.least_covered(100)
        assert np.mean((high - low)[:, column]) < 1.1 * np.mean((plain_high - plain_low)[:, column])


def test_multifidelity_reaches_the_variance_of_theory(decay):
    truth, a, _ = models(decay)
    runs, pilot, level = 2000, 50, [Level("a", a, 0.01)]
    tasks = [decay.task(seed, runs, level, truth=truth) for seed in range(150)]
    value = decay.intervals(Multifidelity(pilot=pilot), tasks)[0][:, 0]
    inputs = decay.law.from_uniform(np.random.default_rng(0).random((200_000, 2)))
    psi = np.stack([model(inputs)["y"].values for model in (truth, a)])[:, :, None]
    budget = Budget(runs - pilot * 1.01, np.array([1.0, 0.01]), LEAST_BLOCK, np.array([np.inf, 1e6]))
    least = least_fine(budget.work, multifidelity(psi, budget).variance * budget.work, 0.95)
    theory = multifidelity(psi, replace(budget, least=least)).variance * psi[0].var()
    print(f"measured {value.var(ddof=1) / theory:.2f} of theory")
    assert 0.75 * theory < value.var(ddof=1) < 1.35 * theory


@BOTH
def test_without_another_model_it_is_refused(decay, estimator):
    with pytest.raises(EstimationError, match="offers no coarser grid") as error:
        estimator.estimate(decay.integrand, decay.task(0, levels=[]))
    assert "surrogate" in error.value.remedy


CONTENT = {
    "simulator": {"kind": "groundwater", "cells": 16},
    "inputs": {
        "permeability": {"kind": "gaussian_field", "variance": 1.0, "length": 0.3, "terms": 8},
        "head": {"kind": "uniform", "low": 0.5, "high": 1.5, "units": "m"},
        "well": {"kind": "lognorm", "s": 0.4, "scale": 0.5, "units": "m2/day"},
    },
    "outputs": {"outflow": {"kind": "boundary_flux", "side": "right"}},
    "design": {"kind": "monte_carlo", "train": 20, "validation": 0, "test": 0},
    "questions": {
        "q": {
            "kind": "moments",
            "of": "outflow",
            "runs": 200,
            "estimators": [{"kind": "multilevel", "cells": [4, 8, 16]}],
        }
    },
}


def test_a_study_names_its_grids_and_is_told_what_does_not_fit():
    Study.from_content(CONTENT).check()
    wrong = dict(CONTENT, questions={"q": dict(CONTENT["questions"]["q"])})
    wrong["questions"]["q"]["estimators"] = [{"kind": "multilevel", "cells": [5, 16]}]
    with pytest.raises(StudyError, match="offers no grid of 5"):
        Study.from_content(wrong).check()


def test_a_study_is_answered_by_its_grids(tmp_path):
    study = Study.from_content(CONTENT)
    write_json(tmp_path / "dataset.json", {})
    files = [tmp_path / name for name in ("dataset.json", "q.nc", "q.csv")]
    first = answer(study, "q", {}, *files)
    assert first.estimator.values.tolist() == ["multilevel"] * 2
    figures = json.loads(str(first.diagnostics.values[0]))
    assert figures["cost_cells_8"] == 0.25
    assert figures["runs_cells_4"] > figures["runs_finest"]
    assert int(first.simulator_runs[0]) <= 200
    law, truth = study.joint_law(), Truth(study, ["outflow"])
    plain = truth(law.from_uniform(np.random.default_rng(0).random((1000, law.dimension))))["outflow"].values
    spread = np.hypot(plain.std() / np.sqrt(len(plain)), float(first.standard_error[0]))
    assert abs(float(first.value[0]) - plain.mean()) < 4 * spread
    assert float(first.standard_error[0]) < 0.6 * plain.std() / np.sqrt(200)


def test_a_users_function_offers_the_grids_of_its_setting_cells(tmp_path):
    (tmp_path / "mine.py").write_text("def solve(inputs, cells=64):\n    return inputs\n")
    content = dict(CONTENT, simulator={"kind": "mine:solve", "cells": 64}, outputs={"head": {}})
    content["questions"] = {"q": {"kind": "moments", "of": "head"}}
    simulator = Study.from_content(content, tmp_path / "mine.yaml").build_simulator()
    found = grids(simulator, [16, 64], [1.0, 20.0])
    assert [(name, one.arguments, cost) for name, one, cost in found] == [("cells_16", {"cells": 16}, 0.05)]
    with pytest.raises(EstimationError, match="work of a user's function") as error:
        grids(simulator, [16, 64], None)
    assert "costs" in error.value.remedy


@pytest.mark.parametrize("kind", ["multilevel", "multifidelity", "approximate_control_variates"])
def test_a_callable_names_its_coarser_ones(kind):
    def simulator(inputs: xr.Dataset) -> xr.Dataset:
        return xr.Dataset({"y": np.exp(inputs["x"])})

    def coarse(inputs: xr.Dataset) -> xr.Dataset:
        return xr.Dataset({"y": 1 + inputs["x"] + inputs["x"] ** 2 / 2})

    simulator.coarser = [(coarse, 0.05)]  # type: ignore[attr-defined]
    inputs = {"x": {"kind": "uniform", "low": 0, "high": 1}}
    found = estimate({"kind": "moments", "of": "y", "estimators": [kind]}, simulator, inputs, runs=1000)
    assert found.verdict.values.tolist() == ["certified", "certified"]
    assert float(found.low[0]) < np.e - 1 < float(found.high[0])
    assert 3 * float(found.equivalent_monte_carlo_runs[0]) > 4 * 1000
    assert int(found.simulator_runs[0]) <= 1000
    with pytest.raises(StudyError if kind == "multilevel" else EstimationError, match="coarser grid"):
        estimate({"kind": "moments", "of": "y", "estimators": [kind]}, coarse, inputs)
