"""Multilevel Monte Carlo against closed forms, its own theory, and coarse grids that are of no use."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import xarray as xr
from pydantic import ValidationError

from surecast.quantify.estimators.allocation import LEAST_BLOCK, Budget, fill, multilevel
from surecast.quantify.estimators.fidelities import least_fine
from surecast.quantify.estimators.monte_carlo import MonteCarlo
from surecast.quantify.estimators.multilevel import Multilevel
from surecast.quantify.exceedance import ExceedanceIntegrand
from surecast.quantify.hierarchy import grids, levels
from surecast.quantify.jackknife import pseudo_values
from surecast.quantify.sampling import Level, child, uniforms
from surecast.simulate.burgers import Burgers
from surecast.simulate.groundwater import Groundwater
from surecast.study.errors import EstimationError

SEEDS = range(200)


def pilot_of(decay, steps, count=20_000):
    inputs = decay.law.from_uniform(uniforms(np.random.SeedSequence(5), 0, count, 2))
    values = [decay.euler(n)(inputs)["y"].values for n in steps]
    return np.stack([pseudo_values(*decay.integrand.summands(value[:, None, None])) for value in values])


def test_sizes_are_those_of_the_closed_form():
    gains, costs = np.array([0.01, 0.04, 1.0]), np.array([1.5, 0.6, 0.2])
    sizes = fill(gains, costs, 1000.0, np.full(3, 1.0), np.full(3, 1e9))
    closed = 1000 * np.sqrt(gains / costs) / np.sqrt(gains * costs).sum()
    np.testing.assert_allclose(sizes, closed, rtol=1e-9)


def test_sizes_keep_their_limits_and_free_models_take_all_they_may():
    sizes = fill(np.array([1e-9, 1.0, 0.5]), np.array([1.0, 0.1, 0.0]), 100.0, np.full(3, 30.0), np.full(3, 5000.0))
    np.testing.assert_allclose(sizes, [30.0, 700.0, 5000.0])
    assert fill(np.ones(2), np.ones(2), 59.0, np.full(2, 30.0), np.full(2, 1e9)) is None


def test_mean_and_variance_are_covered_and_unbiased(decay, known):
    value, low, high = decay.intervals(Multilevel(), [decay.task(seed) for seed in SEEDS])
    for column, truth in enumerate(decay.values):
        covered = int(((low <= truth) & (truth <= high))[:, column].sum())
        print(f"statistic {column}: covers {covered}/{len(SEEDS)}")
        assert covered >= known.least_covered(len(SEEDS))
        spread = value[:, column].std(ddof=1) / np.sqrt(len(SEEDS))
        assert abs(value[:, column].mean() - truth) < 4 * spread


def test_the_variance_is_that_of_theory_and_below_plain_monte_carlo(decay):
    runs, pilot = 2000, 40
    value = decay.intervals(Multilevel(pilot=pilot), [decay.task(seed, runs) for seed in range(120)])[0]
    psi = pilot_of(decay, (64, 32, 16, 8))
    costs = np.array([1, 0.5, 0.25, 0.125])
    work = runs - pilot * costs.sum()
    budget = Budget(work, costs, LEAST_BLOCK, np.array([np.inf, 1e6, 1e6, 1e6]))
    least = least_fine(work, multilevel(psi, budget).variance * work, 0.95)
    theory = multilevel(psi, replace(budget, least=least))
    relative = (value.var(axis=0, ddof=1) / psi[0].var(axis=0)).mean()
    print(f"measured {relative * runs:.3f}, theory {theory.variance * runs:.3f} of plain Monte Carlo")
    assert 0.75 * theory.variance < relative < 1.35 * theory.variance
    assert relative * runs < 0.25


def noise(inputs: xr.Dataset) -> xr.Dataset:
    return xr.Dataset({"y": np.cos(1e6 * inputs["b"])})


def constant(inputs: xr.Dataset) -> xr.Dataset:
    return xr.Dataset({"y": 0 * inputs["b"] + 3.0})


def failing(inputs: xr.Dataset) -> xr.Dataset:
    return xr.Dataset({"y": 0 * inputs["b"], "failed": ("run", np.ones(inputs.sizes["run"], dtype=bool))})


@pytest.mark.parametrize("coarse", [noise, constant, failing])
def test_a_useless_coarse_grid_is_dropped_and_costs_little(decay, known, coarse):
    level = [Level("cells_16", coarse, 0.25)]
    _, low, high = decay.intervals(Multilevel(), [decay.task(seed, levels=level) for seed in range(100)])
    _, plain_low, plain_high = decay.intervals(MonteCarlo(), [decay.task(seed) for seed in range(100)])
    for column, truth in enumerate(decay.values):
        covered = int(((low <= truth) & (truth <= high))[:, column].sum())
        assert covered >= known.least_covered(100)
        assert np.mean((high - low)[:, column]) < 1.1 * np.mean((plain_high - plain_low)[:, column])
    found = Multilevel().estimate(decay.integrand, decay.task(0, levels=level))[0]
    assert found.diagnostics["runs_cells_16"] == found.diagnostics["pilot_inputs"]


def test_what_only_the_finest_grid_shows_is_covered_or_doubted(decay, known):
    """The grids differ on one input in fifty alone, by eight standard deviations."""

    def fine(inputs: xr.Dataset) -> xr.Dataset:
        return decay.euler(8)(inputs) + xr.Dataset({"y": 1.4 * (inputs["a"] > 1.48)})

    level = [Level("cells_8", decay.euler(8), 0.125)]
    nodes, weights = np.polynomial.legendre.leggauss(60)
    mean = float(weights / 2 @ (1 - (1 + nodes / 2) / 8) ** 8) + 0.028
    found = [Multilevel().estimate(decay.integrand, decay.task(s, 1000, level, truth=fine))[0] for s in range(100)]
    wrong = sum(e.verdict == "certified" and not e.low <= mean <= e.high for e in found)
    print(f"{wrong} certified and wrong, {sum(e.verdict == 'certified' for e in found)} certified of {len(found)}")
    assert len(found) - wrong >= known.least_covered(len(found))


def test_failed_coarse_runs_bias_nothing(decay, known):
    def coarse(inputs: xr.Dataset) -> xr.Dataset:
        return decay.euler(8)(inputs).where(inputs["a"] < 1.3)

    tasks = [decay.task(seed, levels=[Level("cells_8", coarse, 0.125)]) for seed in range(100)]
    value, low, high = decay.intervals(Multilevel(), tasks)
    truth = decay.values[0]
    assert int(((low <= truth) & (truth <= high))[:, 0].sum()) >= known.least_covered(100)
    assert abs(value[:, 0].mean() - truth) < 4 * value[:, 0].std(ddof=1) / np.sqrt(100)
    found = Multilevel().estimate(decay.integrand, tasks[0])[0]
    assert found.verdict == "certified"
    assert found.failed_runs == 0
    assert found.diagnostics["failed_cells_8"] > 0


def test_failed_runs_of_the_finest_grid_are_doubted_or_bounded(decay):
    def fine(inputs: xr.Dataset) -> xr.Dataset:
        return decay.euler(64)(inputs).where(inputs["a"] < 1.3)

    left_out = Multilevel().estimate(decay.integrand, decay.task(0, truth=fine))[0]
    assert left_out.failed_runs > 0
    assert "left out" in left_out.verdict
    bounded = Multilevel().estimate(decay.integrand, decay.task(0, truth=fine, bounds={"y": (-1.0, 2.0)}))[0]
    assert bounded.verdict == "certified"
    assert bounded.low < left_out.low < left_out.high < bounded.high


def test_it_stops_at_the_tolerance_and_says_what_it_spent(decay):
    whole = Multilevel().estimate(decay.integrand, decay.task(0, 4000))[0]
    found = Multilevel().estimate(decay.integrand, decay.task(0, 4000, tolerance=0.02))
    assert all(e.verdict == "certified" for e in found[:1])
    early = Multilevel().estimate(decay.integrand, decay.task(0, 4000, absolute_tolerance=0.01))[0]
    assert early.simulator_runs < 0.5 * whole.simulator_runs
    assert whole.simulator_runs <= 4000
    made = {name: whole.diagnostics[f"runs_{name}"] for name in ("finest", "cells_32", "cells_16", "cells_8")}
    spent = made["finest"] + 0.5 * made["cells_32"] + 0.25 * made["cells_16"] + 0.125 * made["cells_8"]
    assert spent == pytest.approx(whole.simulator_runs, abs=1)
    assert made["cells_8"] > 5 * made["finest"]


def test_numbers_do_not_depend_on_chunks_and_levels_share_inputs_and_seeds(decay):
    seen: dict[str, list[np.ndarray]] = {"fine": [], "coarse": []}

    def listening(name: str, steps: int):
        def model(inputs: xr.Dataset) -> xr.Dataset:
            seen[name].append(np.stack([inputs["a"].values, inputs["seed"].values], axis=1))
            return decay.euler(steps)(inputs)

        return model

    level = [Level("cells_32", listening("coarse", 32), 0.5)]
    one = Multilevel().estimate(decay.integrand, decay.task(0, levels=level, truth=listening("fine", 64), chunk=7))
    fine, coarse = (set(map(tuple, np.concatenate(seen[name]))) for name in ("fine", "coarse"))
    assert fine < coarse
    two = Multilevel().estimate(decay.integrand, decay.task(0, levels=decay.levels(32)))
    assert [e.value for e in one] == [e.value for e in two]
    assert child(np.random.SeedSequence(0), 1).spawn_key == (1,)


def test_what_cannot_be_answered_is_refused(decay):
    with pytest.raises(EstimationError, match="offers no coarser grid"):
        Multilevel().estimate(decay.integrand, decay.task(0, levels=[]))
    with pytest.raises(EstimationError, match="100 runs are too few") as error:
        Multilevel(pilot=30).estimate(decay.integrand, decay.task(0, 100))
    assert "to 117 or more" in error.value.remedy
    with pytest.raises(EstimationError, match="answers moments only"):
        Multilevel().estimate(ExceedanceIntegrand(decay.law, "y > 0"), decay.task(0))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"cells": [32, 16]}, "does not rise"),
        ({"costs": [1, 2]}, "does not match"),
        ({"cells": [16, 32], "costs": [2, 1]}, "none above that of the finest"),
    ],
)
def test_impossible_settings_are_refused(settings, message):
    with pytest.raises(ValidationError, match=message):
        Multilevel(**settings)


def test_a_simulator_offers_its_coarser_grids_with_their_work():
    found = grids(Groundwater(cells=64), None, None)
    assert [(name, cost) for name, _, cost in found] == [
        ("cells_32", 1 / 4), ("cells_16", 1 / 16), ("cells_8", 1 / 64), ("cells_4", 1 / 256)
    ]  # fmt: skip
    assert [cost for _, _, cost in grids(Burgers(points=256, steps=200), None, None)] == [1 / 4, 1 / 16, 1 / 64]
    named = grids(Groundwater(cells=64), [16, 32, 64], [1.0, 3.0, 10.0])
    assert [(name, one.cells, cost) for name, one, cost in named] == [("cells_32", 32, 0.3), ("cells_16", 16, 0.1)]
    assert levels(Groundwater(cells=64), MonteCarlo(), lambda one: one) == []
    with pytest.raises(EstimationError, match="no grid of 24") as error:
        grids(Groundwater(cells=64), [24, 64], None)
    assert "4, 8, 16, 32, 64" in error.value.remedy
    with pytest.raises(EstimationError, match="not the simulator's own 64"):
        grids(Groundwater(cells=64), [16, 32], None)
