"""Designs against what defines them: strata, digital nets, uniformity, and bytes that stay."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from surecast.design.design import random_points
from surecast.design.latin_hypercube import LatinHypercube, latin_points
from surecast.design.monte_carlo import MonteCarlo
from surecast.design.sobol import Sobol, scrambled_points
from surecast.study.errors import StudyError

COUNTS = {"train": 8, "validation": 0, "test": 0}
DESIGNS = [MonteCarlo(**COUNTS), LatinHypercube(**COUNTS, block=32), Sobol(**COUNTS)]


@pytest.mark.parametrize("design", DESIGNS, ids=lambda design: type(design).__name__)
@pytest.mark.parametrize(("few", "many"), [(512, 1024), (1, 2), (33, 100), (64, 65)])
def test_first_points_stay_byte_for_byte(design, few, many):
    first, all_points = design.train_points(5, few, 3), design.train_points(5, many, 3)
    assert first.tobytes() == all_points[:few].tobytes()


@pytest.mark.parametrize("design", DESIGNS, ids=lambda design: type(design).__name__)
def test_points_are_uniform_in_the_open_cube_and_follow_the_seed(design):
    points = design.train_points(3, 4096, 3)
    assert points.shape == (4096, 3)
    assert points.min() > 0
    assert points.max() < 1
    assert all(stats.kstest(points[:, axis], "uniform").pvalue > 1e-4 for axis in range(3))
    assert not np.array_equal(points, design.train_points(3, 4096, 4))


@pytest.mark.parametrize("count", [2, 7, 64])
def test_latin_hypercube_has_one_point_in_every_stratum(count):
    points = latin_points(count, 4, np.random.default_rng(0))
    for axis in range(4):
        assert sorted(np.floor(points[:, axis] * count)) == list(range(count))


def test_every_block_of_a_latin_design_is_latin_and_blocks_differ():
    design = LatinHypercube(**COUNTS, block=16)
    points = design.train_points(2, 48, 0)
    for start in range(0, 48, 16):
        assert sorted(np.floor(points[start : start + 16, 1] * 16)) == list(range(16))
    assert not np.array_equal(points[:16], points[16:32])


def test_sobol_points_are_a_digital_net_of_strength_zero_in_two_dimensions():
    points = scrambled_points(2, 64, np.random.default_rng(1))
    # A (0, 6, 2)-net: each of the boxes 2^-k by 2^-(6-k) holds exactly one of the 64 points.
    for k in range(7):
        boxes = np.floor(points[:, 0] * 2**k).astype(int) * 2 ** (6 - k) + np.floor(points[:, 1] * 2 ** (6 - k)).astype(
            int
        )
        assert sorted(boxes) == list(range(64))


def test_sobol_integrates_a_smooth_function_far_better_than_random_points():
    def error(points):
        return abs(np.prod(1 + (points - 0.5), axis=1).mean() - 1)

    sobol = np.mean([error(scrambled_points(3, 1024, np.random.default_rng(seed))) for seed in range(10)])
    random = np.mean([error(random_points(3, 1024, seed, "train")) for seed in range(10)])
    assert sobol < random / 20


def test_sobol_refuses_more_dimensions_than_it_has():
    with pytest.raises(StudyError, match=r"21201 dimensions, the inputs have 21202.*monte_carlo"):
        scrambled_points(21_202, 2, np.random.default_rng(0))


def test_validation_and_test_do_not_depend_on_the_kind_of_design():
    points = random_points(2, 10, 5, "test")
    assert not np.array_equal(points, random_points(2, 10, 5, "validation"))
    assert not np.array_equal(points, random_points(2, 10, 5, "train"))
    assert points.tobytes() == random_points(2, 20, 5, "test")[:10].tobytes()
