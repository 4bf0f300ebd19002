"""Moments against direct computation, with the same bits in any grouping."""

from __future__ import annotations

import numpy as np
import pytest

from surecast.assemble.statistics import combine, run_moments


@pytest.mark.parametrize("shape", [(50,), (50, 7), (20, 64, 64)])
def test_statistics_are_those_of_numpy(shape):
    values = np.random.default_rng(0).normal(1e3, 0.1, shape)
    found = combine(run_moments(values), int(np.prod(shape[1:])))
    assert found["mean"] == pytest.approx(values.mean(), rel=1e-14)
    assert found["std"] == pytest.approx(values.std(), rel=1e-9)
    assert (found["minimum"], found["maximum"]) == (values.min(), values.max())
    assert found["values"] == values.size


def test_bits_do_not_depend_on_the_grouping_of_runs():
    values = np.random.default_rng(1).normal(size=(37, 33, 5)).astype(np.float32)
    whole = run_moments(values)
    for size in (1, 2, 8, 36):
        pieces = [run_moments(values[start : start + size]) for start in range(0, 37, size)]
        assert np.concatenate(pieces, axis=1).tobytes() == whole.tobytes()


def test_a_large_offset_does_not_cancel():
    values = 1e8 + np.random.default_rng(2).normal(size=(100, 50))
    assert combine(run_moments(values), 50)["std"] == pytest.approx((values - 1e8).std(), rel=1e-6)


def test_no_runs_have_no_statistics():
    assert combine(np.empty((4, 0)), 3) == {
        "mean": None,
        "std": None,
        "minimum": None,
        "maximum": None,
        "runs": 0,
        "values": 0,
    }
