"""The search finds every mode, in two and in many dimensions, and says where there is none."""

from __future__ import annotations

import numpy as np
import pytest

from surecast.quantify.estimators.gaussians import Mixture
from surecast.quantify.estimators.search import search


def fourbranch(u: np.ndarray) -> np.ndarray:
    curved = 3 + 0.1 * (u[:, 0] - u[:, 1]) ** 2
    slope, away = (u[:, 0] + u[:, 1]) / np.sqrt(2), u[:, 0] - u[:, 1]
    return -np.minimum.reduce([curved - slope, curved + slope, away + 7 / np.sqrt(2), 7 / np.sqrt(2) - away])


def test_four_modes_and_their_probability_are_found():
    for seed in range(3):
        found = search(fourbranch, 2, 512, np.random.default_rng(seed), rank=2, most=4)
        assert found.reached
        assert found.probability == pytest.approx(2.222795e-3, rel=0.15)
        z = Mixture(tuple(found.components), found.shares).draw(np.random.default_rng(99), 4000)
        angle = np.arctan2(z[:, 1], z[:, 0])
        for mode in (0.25, 0.75, -0.25, -0.75):  # each of them carries about a quarter or an eighth of p
            assert np.mean(np.cos(angle - mode * np.pi) > 0.9) > 0.05


def test_a_mode_lost_on_the_way_up_is_found_from_the_inflated_law():
    """A near mode behind a slope that falls first, and a far one: p = Phi(-3.5) + Phi(-3)^2."""

    def margin(z: np.ndarray) -> np.ndarray:
        return np.maximum(z[:, 0] - 3.5, np.minimum(z[:, 1], z[:, 2]) - 3 - 0.2 * (z[:, 0] + 1) ** 2)

    shares = []
    for seed in range(3):
        found = search(margin, 3, 512, np.random.default_rng(seed), rank=2, most=4)
        means = np.array([component.mean for component in found.components])
        shares.append(found.shares[means[:, 0] > 3].sum())
    assert min(shares) > 0.8


@pytest.mark.parametrize("dimension", [30])
def test_two_modes_in_many_dimensions(dimension):
    found = search(lambda z: np.abs(z[:, 0]) - 3.5, dimension, 512, np.random.default_rng(0), rank=4, most=4)
    means = np.array([component.mean[0] for component in found.components])
    assert means.min() < -3
    assert means.max() > 3
    assert found.probability == pytest.approx(4.65e-4, rel=0.5)


def test_an_event_that_is_not_there_is_not_reached():
    found = search(lambda z: np.full(len(z), -1.0), 2, 256, np.random.default_rng(0), rank=2, most=4)
    assert not found.reached
