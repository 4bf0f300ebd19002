"""Subset simulation on a margin whose tail probability is known."""

from __future__ import annotations

import numpy as np
import pytest

from surecast.quantify.estimators.exploration import explore


@pytest.mark.parametrize("dimension", [2, 40])
def test_a_half_space_is_reached_and_its_probability_found(dimension):
    direction = np.ones(dimension) / np.sqrt(dimension)
    found = [explore(lambda z: z @ direction - 4, dimension, 1024, np.random.default_rng(seed)) for seed in range(10)]
    assert all(f.reached and (f.samples @ direction > 4).all() for f in found)
    assert np.mean([f.probability for f in found]) == pytest.approx(3.167e-5, rel=0.3)
    # E[z.direction | z.direction > 4] = phi(4)/Phi(-4)
    assert np.mean([(f.samples @ direction).mean() for f in found]) == pytest.approx(4.2256, abs=0.05)


def test_two_modes_are_both_kept():
    found = explore(lambda z: np.abs(z[:, 0]) - 3, 2, 1024, np.random.default_rng(0))
    assert 0.25 < np.mean(found.samples[:, 0] > 0) < 0.75


def test_a_flat_margin_is_not_reached():
    found = explore(lambda z: np.full(len(z), -1.0), 2, 256, np.random.default_rng(0))
    assert not found.reached
    assert len(found.samples) == 256
