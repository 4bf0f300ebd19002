"""A parabola beyond the origin: problem 22 of the reliability problem repository.

g = 5/2 - (u1 + u2)/sqrt 2 + (u1 - u2)^2/10,    u ~ N(0, I),    fails where g < 0
"""

from __future__ import annotations

import numpy as np

from surecast.simulate.problems.laws import standard_normals
from surecast.simulate.problems.problem import Problem, Quantity
from surecast.simulate.problems.repository import CITATION, LICENCE


def rp22(u1: np.ndarray, u2: np.ndarray) -> np.ndarray:
    """The limit state (n,)."""
    return 2.5 - (u1 + u2) / np.sqrt(2) + 0.1 * (u1 - u2) ** 2


RP22 = Problem(
    name="RP22",
    kind="probability",
    function=rp22,
    inputs=standard_normals(2),
    quantities={"g": Quantity("1", "limit state")},
    equation="g = 5/2 - (u1 + u2)/sqrt 2 + (u1 - u2)^2/10",
    citation=CITATION,
    licence=LICENCE,
    event="g < 0",
)
