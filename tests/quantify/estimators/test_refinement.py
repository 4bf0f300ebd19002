"""Refinement spends its runs where the event is in doubt, and stops where nothing is left to learn."""

from __future__ import annotations

import numpy as np
import pytest

from surecast.quantify.estimators.refinement import Refinement, choose
from surecast.quantify.exceedance import ExceedanceIntegrand
from surecast.quantify.normal_space import NormalSpace

FAST = {"chunk": 10**6, "surrogate_chunk": 10**6}


def circle(u: np.ndarray) -> np.ndarray:
    return np.square(u).sum(axis=1) - 12.0


def refined(known, truth, *surrogates, runs=120, seed=0) -> Refinement:
    integrand = ExceedanceIntegrand(known.normals(2), "g > 0")
    space = NormalSpace(integrand, known.task(known.model(truth), *map(known.model, surrogates), seed=seed, **FAST))
    active = Refinement(space, rank=2, components=4, samples=512)
    active.refine(runs)
    return active


def test_choices_are_unsure_probable_and_apart():
    z = np.array([[0.0, 0.0], [3.0, 0.0], [3.001, 0.0], [-3.0, 0.0], [9.0, 0.0]])
    margin, spread = np.array([5.0, 0.1, 0.1, 0.1, 0.0]), np.ones(5)
    log_weights = np.array([0.0, -4.0, -4.0, -4.5, -40.0])
    assert choose(z, margin, spread, log_weights, 2, np.ones(2)).tolist() == [1, 3]
    assert len(set(choose(z, margin, spread, log_weights, 5, np.ones(2)).tolist())) == 5


def test_runs_go_to_the_limit_state():
    rng = np.random.default_rng(0)
    z = rng.normal(size=(2000, 2)) * 2
    chosen = choose(z, circle(z), np.full(2000, 0.5), np.zeros(2000), 30, np.ones(2))
    assert np.abs(circle(z[chosen])).max() < 2
    angle = np.sort(np.arctan2(*z[chosen].T))
    assert np.diff(angle).max() < 1.2  # all around


def test_the_refitted_process_knows_the_event(known):
    """P(|z|^2 > 12) = exp(-6): less than 1 % of it misclassified after 120 runs."""
    active = refined(known, circle)
    z = np.random.default_rng(1).normal(size=(20000, 2)) * 2
    weights = np.exp(-0.5 * np.square(z).sum(axis=1) * (1 - 0.25)) * 4
    predicted = active.space.margin_of(active.leaders(1)[0].predictor.values(z)) > 0
    wrong = predicted != (circle(z) > 0)
    assert weights[wrong].sum() / len(z) < 0.01 * np.exp(-6)


def test_a_perfect_surrogate_ends_the_refinement_early(known):
    active = refined(known, circle, circle, runs=200)
    assert active.spent < 120
    assert active.leaders(1)[0].score < 1e-3


def test_a_wrong_surrogate_is_not_followed(known):
    active = refined(known, circle, lambda u: u[:, 0] - 9)
    leader = active.leaders(1)[0]
    assert leader.learns
    z = np.array([[3.6, 0.0], [-3.6, 0.0], [0.0, 3.3]])
    assert (active.space.margin_of(leader.predictor.values(z)) > 0).tolist() == [True, True, False]


def test_failed_runs_teach_nothing(known):
    def failing(u: np.ndarray) -> np.ndarray:
        return np.where(u[:, 1] > 1.5, np.nan, u[:, 0] - 3)

    active = refined(known, failing, runs=80)
    assert active.space.failed_runs > 0
    points, values = active.space.finished()
    assert len(points) == active.spent - active.space.failed_runs
    assert np.isfinite(values).all()
    assert active.leaders(1)[0].predictor.values(np.array([[4.0, 0.0]]))[0, 0] == pytest.approx(1, abs=0.2)
