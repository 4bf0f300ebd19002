"""Sobol's g-function in eight dimensions.

    y = prod_i (|4 x_i - 2| + a_i)/(1 + a_i),    x_i ~ U(0, 1),    a = (0, 1, 4.5, 9, 99, 99, 99, 99)

With p_i = 1/(3 (1 + a_i)^2): mean 1, variance V = prod_i (1 + p_i) - 1, first-order indices p_i/V, total ones
p_i prod_{j != i} (1 + p_j)/V. Its kinks at 1/2 keep polynomial surrogates from being exact.
"""

from __future__ import annotations

import numpy as np

from surecast.simulate.problems.laws import uniform
from surecast.simulate.problems.problem import Problem, Quantity

A = (0.0, 1.0, 4.5, 9.0, 99.0, 99.0, 99.0, 99.0)


def g_function(**x: np.ndarray) -> np.ndarray:
    """The function of x1 ... x8, arrays (n,)."""
    product = np.ones_like(x["x1"])
    for index, a in enumerate(A):
        product = product * ((np.abs(4 * x[f"x{index + 1}"] - 2) + a) / (1 + a))
    return product


G_FUNCTION = Problem(
    name="gfunction8",
    kind="sobol",
    function=g_function,
    inputs={f"x{index + 1}": uniform(0.0, 1.0) for index in range(len(A))},
    quantities={"y": Quantity("1", "g-function of Sobol")},
    equation="y = prod_i (|4 x_i - 2| + a_i)/(1 + a_i), a = (0, 1, 4.5, 9, 99, 99, 99, 99)",
    citation="A. Saltelli and I. M. Sobol (1995). About the use of rank transformation in sensitivity analysis of "
    "model output. Reliability Engineering & System Safety 50, 225-239. doi:10.1016/0951-8320(95)00099-2",
    licence="written from the equation; also in SALib (MIT)",
)
