"""Steps of the output that stratified points hide: their height, and intervals that hold all the same."""

import numpy as np
import pytest
from scipy import special

from surecast.quantify.estimators.latin_hypercube import LatinHypercube
from surecast.quantify.estimators.scrambled_sobol import ScrambledSobol
from surecast.quantify.estimators.steps import largest_step
from surecast.quantify.exceedance import ExceedanceIntegrand
from surecast.quantify.moments import MomentsIntegrand


def test_height_of_a_step_among_smooth_effects():
    drawn = np.random.default_rng(3).random((1000, 4))
    smooth = np.sin(3 * drawn[:, 0]) + drawn[:, 1] ** 2
    values = np.stack([3.0 * (drawn[:, 2] > 0.4) + smooth, 3.0 * (drawn[:, 2] > 0.4), smooth], axis=1)
    with_smooth, alone, none = largest_step(drawn, values)
    assert with_smooth == pytest.approx(3.0, rel=0.2)
    assert alone == pytest.approx(3.0, rel=0.2)
    assert none < 0.3 * np.ptp(smooth)


def test_few_rows_and_many_columns():
    drawn = np.random.default_rng(4).random((6, 300))
    assert largest_step(drawn, np.arange(12.0).reshape(6, 2)).shape == (2,)
    many = np.random.default_rng(5).random((9000, 300))
    assert largest_step(many, many[:, :40] > 0.5).shape == (40,)


@pytest.mark.parametrize("estimator", [ScrambledSobol(), LatinHypercube()])
@pytest.mark.parametrize("smooth", [0.0, 0.01, None])
def test_intervals_of_steps_hold(known, estimator, smooth):
    # P(u1 > 1) = 0.1587: of 32 points in a scrambling 5, or seldom 6, lie beyond; twelve may well have 5 each.
    law = known.normals(2)
    truth = special.ndtr(-1.0)
    if smooth is None:
        model = known.model(lambda u: u[:, 0])
        integrand = ExceedanceIntegrand(law, "g > 1")
    else:
        model = known.model(lambda u: (u[:, 0] > 1) + smooth * u[:, 1])
        integrand = MomentsIntegrand(law, ["g"], ("mean",))
    hits = []
    for seed in range(60):
        (found,) = estimator.estimate(integrand, known.task(model, runs=400, seed=seed))
        hits.append(found.low <= truth <= found.high)
        assert found.high > found.low
    assert sum(hits) >= known.least_covered(len(hits))
