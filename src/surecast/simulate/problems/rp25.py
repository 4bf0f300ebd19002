"""Two limit states at once: problem 25 of the reliability problem repository.

    g = max(u1^2 - 8 u2 + 16, -16 u1 + u2 + 32),    u ~ N(0, I),    fails where g < 0

The failure region lies where both are negative: u2 > 2 + u1^2/8 and u1 > 2 + u2/16, a corner around (2.1, 2.6).
"""

from __future__ import annotations

import numpy as np

from surecast.simulate.problems.laws import standard_normals
from surecast.simulate.problems.problem import Problem, Quantity
from surecast.simulate.problems.repository import CITATION, LICENCE


def rp25(u1: np.ndarray, u2: np.ndarray) -> np.ndarray:
    """The limit state (n,)."""
    return np.maximum(u1**2 - 8 * u2 + 16, -16 * u1 + u2 + 32)


RP25 = Problem(
    name="RP25",
    kind="probability",
    function=rp25,
    inputs=standard_normals(2),
    quantities={"g": Quantity("1", "limit state")},
    equation="g = max(u1^2 - 8 u2 + 16, -16 u1 + u2 + 32)",
    citation=CITATION,
    licence=LICENCE,
    event="g < 0",
)
