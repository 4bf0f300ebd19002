"""What figures are given: the directions that show most, and pairs of runs."""

from __future__ import annotations

import numpy as np
import xarray as xr

from surecast.quantify.estimators.gaussians import Gaussian, Mixture, isotropic
from surecast.quantify.pictures import MOST_DRAWS, MOST_PAIRS, agreement, directions, tail_picture
from surecast.study.digest import canonical_json


def at(mean: np.ndarray) -> Gaussian:
    return Gaussian(mean, np.zeros((len(mean), 0)), np.zeros(0))


def test_the_directions_hold_the_centres():
    """Two centres in six dimensions span the plane; one centre gives the first direction, the events the second."""
    a, b = np.array([3.0, 0, 0, 0, 4, 0]), np.array([0, 0, 2.0, 0, 0, 0])
    axes = directions(np.stack([a, b]), np.zeros((0, 6)))
    np.testing.assert_allclose(axes.T @ axes, np.eye(2), atol=1e-12)
    np.testing.assert_allclose(np.sort(np.linalg.norm(np.stack([a, b]) @ axes, axis=1)), [2, 5])
    events = a + np.random.Generator(np.random.PCG64DXSM(1)).normal(size=(50, 6)) * [0.1, 0.1, 0.1, 2, 0.1, 0.1]
    axes = directions(a[None], events)
    np.testing.assert_allclose(axes[:, 0], a / 5, atol=1e-12)
    assert abs(axes[3, 1]) > 0.95
    np.testing.assert_array_equal(directions(np.zeros((0, 2)), np.zeros((0, 2))), np.eye(2))
    np.testing.assert_array_equal(directions(np.zeros((0, 1)), np.zeros((0, 1))), [[1, 0]])
    assert directions(np.zeros((0, 4)), np.zeros((0, 4))).shape == (4, 2)


def test_a_picture_is_small_and_says_what_was_drawn():
    rng = np.random.Generator(np.random.PCG64DXSM(2))
    proposal = Mixture((at(np.array([3.0, 0, 0])), isotropic(3, 1.0), isotropic(3, 2.0)), np.array([0.8, 0.1, 0.1]))
    z = proposal.draw(rng, 1000)
    event = (z[:, 0] > 2.5).astype(float)
    event[0] = np.nan
    picture = tail_picture(event, np.exp(-z[:, 0]), proposal, z)
    assert np.shape(picture["points"]) == (MOST_DRAWS, 2)
    np.testing.assert_allclose(picture["modes"], [[3, 0]], atol=1e-12)
    assert picture["mode_shares"] == [0.8]
    assert picture["event"][0] == 0
    assert sum(picture["event"]) == np.nansum(event[:MOST_DRAWS])
    assert picture["contributions"] == sorted(picture["contributions"], reverse=True)
    assert sum(picture["contributions"]) <= 1 + 1e-4
    assert len(canonical_json(picture)) < 20_000
    none = tail_picture(np.zeros(1000), np.ones(1000), proposal, z)
    assert none["contributions"] == []


def test_pairs_leave_out_failed_runs():
    x = np.arange(1000.0)
    inputs = xr.Dataset({"x": ("run", x)})
    simulated = xr.Dataset({"y": ("run", np.where(x % 2 == 0, np.nan, x), {"units": "m", "long_name": "way"})})
    pairs = agreement(inputs, simulated, lambda at: xr.Dataset({"y": 2 * at["x"]}), ["y"])
    assert pairs.sizes["pair"] == MOST_PAIRS
    np.testing.assert_array_equal(pairs["surrogate_y"], 2 * pairs["simulator_y"])
    assert pairs["simulator_y"].values[-1] == 999
    assert pairs["surrogate_y"].attrs == {"units": "m", "long_name": "way, by the surrogate"}
