"""Formulas of the commonest distributions: every value has the bits of scipy.stats, which is not imported for it."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from scipy import stats

from surecast.study.laws.closed_forms import SHAPES, Frozen, distribution

CASES = [
    ("uniform", (), 0.0, 1.0),
    ("uniform", (), -3.7, 0.9),
    ("norm", (), 0.0, 1.0),
    ("norm", (), 2.3, 1e-3),
    ("lognorm", (0.4,), 0.0, 0.5),
    ("lognorm", (1.7,), -2.0, 30.0),
]


def points() -> np.ndarray:
    """Points in the middle, far out on both sides, and at odd places."""
    near = np.random.default_rng(3).normal(0, 3, 997)
    far = np.concatenate([10.0 ** np.arange(-12, 12), -(10.0 ** np.arange(-12, 12))])
    return np.concatenate([near, far, [0.0, 1.0, np.inf, -np.inf, np.nan, -3.7, -3.7 + 0.9, -2.0]])


def probabilities() -> np.ndarray:
    """Probabilities in the middle, in both tails, at the ends and outside."""
    tails = 10.0 ** -np.arange(1.0, 300.0, 7.0)
    inside = np.random.default_rng(4).random(997)
    return np.concatenate([inside, tails, 1 - tails, [0.0, 1.0, -0.1, 1.1, np.nan]])


@pytest.mark.parametrize(("name", "shapes", "loc", "scale"), CASES)
def test_every_value_has_scipys_bits(name, shapes, loc, scale):
    ours = distribution(name, *shapes, loc=loc, scale=scale)
    scipys = getattr(stats, name)(*shapes, loc=loc, scale=scale)
    assert isinstance(ours, Frozen)
    assert ours.support() == tuple(map(float, scipys.support()))
    for method, at in (
        ("cdf", points()), ("sf", points()), ("logpdf", points()), ("ppf", probabilities()), ("isf", probabilities()),
    ):  # fmt: skip
        with np.errstate(all="ignore"):
            np.testing.assert_array_equal(getattr(ours, method)(at), getattr(scipys, method)(at), err_msg=method)


def test_shape_parameters_are_scipys():
    for name, shapes in SHAPES.items():
        assert shapes == tuple((getattr(stats, name).shapes or "").split())


def test_impossible_parameters_are_left_to_scipy():
    assert not isinstance(distribution("lognorm", -1.0), Frozen)


def test_no_law_of_theirs_imports_scipy_stats():
    code = (
        "import sys, numpy as np\n"
        "from surecast.study.kinds import resolve\n"
        "laws = [resolve('laws', 'lognorm')(s=0.4, scale=0.5), resolve('laws', 'norm')(),\n"
        "        resolve('laws', 'uniform')(low=0.0, high=1.0),\n"
        "        resolve('laws', 'normal')(mean=0.0, standard_deviation=1.0)]\n"
        "for law in laws: law.log_density(law.from_uniform(np.full((3, 1), 0.3)))\n"
        "print('scipy.stats' in sys.modules)"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "False"
