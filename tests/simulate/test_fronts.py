"""Positions of fronts."""

import numpy as np

from surecast.simulate.fronts import crossing, filled


def test_crossing_is_linear_between_centres_and_the_outermost():
    x = (np.arange(8) + 0.5) / 8
    straight = np.array([1 - x, 1 - x, 0 * x, 0 * x + 1, np.abs(x - 0.5)])
    level = np.array([0.3, 1 / 16, 0.1, 0.1, 0.25])[:, None]
    np.testing.assert_allclose(crossing(straight, level, 0.125), [0.7, 1.0, 0.0, 1.0, 1.0], rtol=1e-14)


def test_filled_counts_the_part_of_a_cell():
    state = np.array([[0.9, 0.7, 0.3, 0.0], [0.9, 0.7, 0.4, 0.2], [0.9, 0.8, 0.7, 0.65], [0.1, 0.1, 0.0, 0.0]])
    np.testing.assert_allclose(filled(state, np.full((4, 1), 0.6), 0.25), [0.625, 0.625, 1.0, 0.0], rtol=1e-14)
