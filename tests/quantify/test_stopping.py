"""Stopping at a tolerance: what is declared, and that stopping early costs no coverage."""

from __future__ import annotations

import numpy as np
import pytest

from surecast.quantify.answer import ask
from surecast.quantify.moments import Moments
from surecast.quantify.sampling import Task, uniforms
from surecast.quantify.stopping import looks


def test_looks_spend_the_error_and_no_more(known):
    task = known.task(known.ishigami, tolerance=0.01)
    plan = looks(2000, task)
    assert [look.size for look in plan] == [250, 500, 1000, 2000]
    assert sum(1 - look.level for look in plan) == pytest.approx(0.05)
    assert 1 - plan[-1].level > 0.037


def test_without_a_tolerance_there_is_one_look_at_the_full_level(known):
    assert [(look.size, look.level) for look in looks(2000, known.task(known.ishigami))] == [(2000, 0.95)]


def test_rows_do_not_depend_on_how_they_are_asked_for():
    seed = np.random.SeedSequence(3)
    whole = uniforms(seed, 0, 10, 4)
    assert np.array_equal(np.concatenate([uniforms(seed, 0, 3, 4), uniforms(seed, 3, 10, 4)]), whole)


@pytest.mark.parametrize("kind", ["monte_carlo", "scrambled_sobol"])
def test_stopping_early_keeps_the_coverage(known, kind):
    """The tolerance is such that about half of the seeds stop before the last look."""
    tolerance = {"monte_carlo": 0.1265, "scrambled_sobol": 0.0545}[kind]
    question = Moments(of=["y"], runs=1024, tolerance=tolerance, estimators=[kind])
    covered = early = 0
    for seed in range(200):
        found = ask(
            question,
            question.integrand(known.law),
            known.ishigami,
            (),
            lambda kind, seed=seed: np.random.SeedSequence([seed, 77]),
            steps=0,
        )[0]
        covered += found.low <= known.values["mean"] <= found.high
        early += found.simulator_runs < 1000
    print(f"{kind}: {covered} of 200 covered, {early} stopped early")
    assert 20 <= early <= 180
    assert covered >= known.least_covered(200)
