"""A half-space in ten dimensions: problem 107 of the reliability problem repository.

    g = 5 sqrt 10 - sum_i u_i,    u ~ N(0, I10),    fails where g < 0

The sum has standard deviation sqrt 10, so the probability is Phi(-5).
"""

from __future__ import annotations

import numpy as np

from surecast.simulate.problems.laws import standard_normals
from surecast.simulate.problems.problem import Problem, Quantity
from surecast.simulate.problems.repository import CITATION, LICENCE


def rp107(**u: np.ndarray) -> np.ndarray:
    """The limit state (n,)."""
    return 5 * np.sqrt(10) - sum(u[f"u{index + 1}"] for index in range(10))


RP107 = Problem(
    name="RP107",
    kind="probability",
    function=rp107,
    inputs=standard_normals(10),
    quantities={"g": Quantity("1", "limit state")},
    equation="g = 5 sqrt 10 - sum_i u_i",
    citation=CITATION,
    licence=LICENCE,
    event="g < 0",
)
