"""Ten even moments of the standard normal law, all at once.

    I_j = E[x^(2j)] = (2j - 1)!!,    j = 1..10,    x ~ N(0, 1)

Relative to I_j^2 plain Monte Carlo has the variances ((4j - 1)!! - I_j^2)/(n I_j^2): at n = 20,000 they sum to 49.75,
which 200 replicates do not show (they show 12.8), since the tail that makes it is not seen. A study that names it
raises `failures.largest`: x^20 passes 1e12 where |x| > 3.98.
"""

from __future__ import annotations

import numpy as np

from surecast.simulate.problems.beam import CITATION
from surecast.simulate.problems.laws import normal
from surecast.simulate.problems.problem import Problem, Quantity

ORDERS = tuple(range(2, 21, 2))


def powers(x: np.ndarray) -> tuple[np.ndarray, ...]:
    """x^2, x^4 ... x^20, each (n,)."""
    return tuple(x**order for order in ORDERS)


GAUSSIAN_MOMENTS = Problem(
    name="gauss_moments",
    kind="expectations",
    function=powers,
    inputs={"x": normal(0.0, 1.0)},
    quantities={f"power_{order}": Quantity("1", f"x to the power {order}") for order in ORDERS},
    equation="power_k = x^k, k = 2, 4 ... 20",
    citation=CITATION,
    licence="written from the paper (its code, not used, has no licence)",
)
