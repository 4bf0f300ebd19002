"""Series system of four branches, each with a failure region of its own.

    g = min(3 + (u1 - u2)^2/10 - (u1 + u2)/sqrt 2,  3 + (u1 - u2)^2/10 + (u1 + u2)/sqrt 2,
            u1 - u2 + 7/sqrt 2,  u2 - u1 + 7/sqrt 2),        u ~ N(0, I)

fails where g < 0. A method that finds one branch of the four misses 59 % of the probability.
"""

from __future__ import annotations

import numpy as np

from surecast.simulate.problems.laws import standard_normals
from surecast.simulate.problems.problem import Problem, Quantity


def four_branch(u1: np.ndarray, u2: np.ndarray) -> np.ndarray:
    """The limit state (n,)."""
    curved = 3 + 0.1 * (u1 - u2) ** 2
    along = (u1 + u2) / np.sqrt(2)
    straight = 7 / np.sqrt(2)
    return np.minimum(np.minimum(curved - along, curved + along), np.minimum(u1 - u2 + straight, u2 - u1 + straight))


FOUR_BRANCH = Problem(
    name="fourbranch",
    kind="probability",
    function=four_branch,
    inputs=standard_normals(2),
    quantities={"g": Quantity("1", "limit state")},
    equation="g = min(3 + (u1 - u2)^2/10 -/+ (u1 + u2)/sqrt 2, +/-(u1 - u2) + 7/sqrt 2)",
    citation="P.-H. Waarts (2000). Structural reliability using finite element methods: an appraisal of DARS. "
    "PhD thesis, Delft University of Technology.",
    licence="written from the equation, as stated in otbenchmark (LGPL 3 or later; its code is not used)",
    event="g < 0",
)
