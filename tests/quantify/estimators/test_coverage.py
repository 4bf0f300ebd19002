"""Intervals at 95 % against closed forms, over seeds fixed beforehand, by one-sided binomial tests at the 1 % level.

The study `ishigami` whole, over 400 seeds; wrong surrogates and a Gaussian tail beside it. Importance sampling of the
tail takes seconds an estimate: a few seeds here, `make coverage` counts more (benchmarks/coverage.py). Coverage and
widths stand at the end of what pytest prints.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from surecast.quantify.estimators.control_variates import ControlVariates
from surecast.quantify.estimators.estimator import Estimator
from surecast.quantify.estimators.importance_sampling import ImportanceSampling
from surecast.quantify.estimators.monte_carlo import MonteCarlo
from surecast.quantify.estimators.scrambled_sobol import ScrambledSobol
from surecast.quantify.exceedance import ExceedanceIntegrand
from surecast.quantify.moments import MomentsIntegrand

pytestmark = pytest.mark.counted

SEEDS = 400
WHOLE = 10**6


def intervals(estimator: Estimator, integrands: list, seeds: range, task) -> tuple[np.ndarray, list[str]]:
    """(value, low, high) of every statistic for every seed, shape (3, seeds, statistics), and their names."""
    found = []
    for seed in seeds:
        estimates = [e for integrand, runs in integrands for e in estimator.estimate(integrand, task(runs, seed))]
        found.append([(e.value, e.low, e.high) for e in estimates])
    return np.array(found).transpose(2, 0, 1), [e.statistic.name for e in estimates]


def report(
    title: str,
    name: str,
    truth: float,
    value: np.ndarray,
    low: np.ndarray,
    high: np.ndarray,
    record: Callable[[str, object], None],
) -> int:
    """Report coverage and width ratio (half-width over that of the exact normal interval); return how many cover."""
    covered = int(np.sum((low <= truth) & (truth <= high)))
    ratio = float(np.mean(high - low) / (2 * 1.96 * value.std(ddof=1)))
    record("coverage", f"{title:24s} {name:12s} covers {covered}/{len(value)}  width ratio {ratio:.2f}")
    return covered


def ishigami_above_15(points: int = 2000) -> float:
    """P(y > 15), x2 integrated in closed form, x1 and x3 by the midpoint rule.

    With a = sin(x1) (1 + x3^4/10) the event is sin^2(x2) > c = (15 - a)/7: 1 - 2/pi asin(sqrt(c)), c clipped to [0, 1].
    """
    middle = (np.arange(points) + 0.5) / points * np.pi
    a = np.sin(middle - np.pi / 2)[:, None] * (1 + 0.1 * middle**4)
    return float((1 - 2 / np.pi * np.arcsin(np.sqrt(np.clip((15 - a) / 7, 0, 1)))).mean())


@pytest.mark.parametrize("name", ["high", "drivers", "averages"])
def test_every_interval_of_the_study_ishigami_holds(known, name, record_property, tmp_path):
    known_values = known.values | {"probability": ishigami_above_15()}
    found: dict[tuple[str, str], list[tuple[float, float, float]]] = {}
    for answers in _over_seeds(name, tmp_path):
        for estimator, statistic, *answer in answers:
            found.setdefault((estimator, statistic), []).append(tuple(answer))
    assert {statistic for _, statistic in found} <= set(known_values)
    too_few = []
    for (estimator, statistic), answers in found.items():
        assert len(answers) == SEEDS
        value, low, high = np.array(answers).T
        true = known_values[statistic]
        covered = report(estimator, statistic, true, value, low, high, record_property)
        if covered < known.least_covered(SEEDS):
            too_few.append((estimator, statistic, covered))
        # Unbiased: the mean over seeds is within four of its own standard errors.
        assert abs(value.mean() - true) < 4 * value.std(ddof=1) / np.sqrt(SEEDS), (estimator, statistic)
    assert found
    assert not too_few


def _over_seeds(name: str, folder: Path) -> list[list[list]]:
    """Answers of all seeds, by two processes: importance sampling takes two seconds a seed."""
    script, half = Path(__file__).with_name("ishigami_answers.py"), SEEDS // 2
    started = {}
    for start in (0, half):
        with (folder / f"{start}.json").open("w") as file:
            command = [sys.executable, str(script), name, str(start), str(start + half)]
            started[file.name] = subprocess.Popen(command, stdout=file)
    assert [process.wait() for process in started.values()] == [0, 0]
    return [json.loads(line) for path in started for line in Path(path).read_text().splitlines()]


@pytest.mark.parametrize("surrogate", ["constant", "wrong"])
def test_a_wrong_surrogate_costs_width_but_not_coverage(known, surrogate, record_property):
    integrand, seeds = MomentsIntegrand(known.law, ["y"]), range(200)
    bad = getattr(known, surrogate)

    def task(runs: int, seed: int):
        return known.task(
            known.ishigami, bad, runs=runs, seed=seed, surrogate_runs=8192, chunk=WHOLE, surrogate_chunk=WHOLE
        )

    (value, low, high), names = intervals(ControlVariates(), [(integrand, 512)], seeds, task)
    (_, plain_low, plain_high), _ = intervals(MonteCarlo(), [(integrand, 512)], seeds, task)
    for column, name in enumerate(names):
        covered = report(
            surrogate, name, known.values[name], value[:, column], low[:, column], high[:, column], record_property
        )
        assert covered >= known.least_covered(len(seeds))
        # Cross-fitting keeps a useless control from hurting: no wider than plain Monte Carlo by more than 5 %.
        assert np.mean((high - low)[:, column]) < 1.05 * np.mean((plain_high - plain_low)[:, column])


@pytest.mark.parametrize(
    ("estimator", "seeds"),
    [(MonteCarlo(), 400), (ScrambledSobol(), 400), (ControlVariates(), 400), (ImportanceSampling(), 3)],
    ids=["monte_carlo", "scrambled_sobol", "control_variates", "importance_sampling"],
)
def test_a_gaussian_tail_is_covered(known, estimator, seeds, record_property):
    """p = Phi(-3) with a surrogate that is wrong by a wave of amplitude 0.2."""
    truth = known.model(lambda u: u[:, 0])
    surrogate = known.model(lambda u: u[:, 0] + 0.2 * np.sin(5 * u[:, 0]) * np.cos(3 * u[:, 1]))
    integrand = ExceedanceIntegrand(known.normals(2), "g > 3")

    def task(runs: int, seed: int):
        return known.task(
            truth, surrogate, runs=runs, seed=seed, surrogate_runs=8192, chunk=WHOLE, surrogate_chunk=WHOLE
        )

    (value, low, high), _ = intervals(estimator, [(integrand, 1000)], range(seeds), task)
    p = 1.3498980316300946e-3
    covered = report(estimator.kind, "Phi(-3)", p, value[:, 0], low[:, 0], high[:, 0], record_property)
    assert covered >= known.least_covered(seeds)
    assert abs(value.mean() - p) < 4 * value.std(ddof=1) / np.sqrt(seeds)
