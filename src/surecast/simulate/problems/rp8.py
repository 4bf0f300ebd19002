"""A sum of lognormals: problem 8 of the reliability problem repository.

    g = x1 + 2 x2 + 2 x3 + x4 - 5 x5 - 5 x6,    x1..x4 ~ LogN(120, 12), x5 ~ LogN(50, 10), x6 ~ LogN(40, 8)

by mean and standard deviation; fails where g < 0 (a frame with plastic hinges).
"""

from __future__ import annotations

import numpy as np

from surecast.simulate.problems.laws import lognormal_by_moments
from surecast.simulate.problems.problem import Problem, Quantity
from surecast.simulate.problems.repository import CITATION, LICENCE


def rp8(x1: np.ndarray, x2: np.ndarray, x3: np.ndarray, x4: np.ndarray, x5: np.ndarray, x6: np.ndarray) -> np.ndarray:
    """The limit state (n,)."""
    return x1 + 2 * x2 + 2 * x3 + x4 - 5 * x5 - 5 * x6


RP8 = Problem(
    name="RP8",
    kind="probability",
    function=rp8,
    inputs={f"x{index + 1}": lognormal_by_moments(120.0, 12.0) for index in range(4)}
    | {"x5": lognormal_by_moments(50.0, 10.0), "x6": lognormal_by_moments(40.0, 8.0)},
    quantities={"g": Quantity("1", "limit state")},
    equation="g = x1 + 2 x2 + 2 x3 + x4 - 5 x5 - 5 x6",
    citation=CITATION,
    licence=LICENCE,
    event="g < 0",
)
