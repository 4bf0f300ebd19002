"""Ishigami function.

    y = sin x1 + a sin^2 x2 + b x3^4 sin x1,    x1, x2, x3 ~ U(-pi, pi),    a = 7, b = 0.1

With V1 = (1 + b pi^4/5)^2/2, V2 = a^2/8, V13 = 8 b^2 pi^8/225 and V = V1 + V2 + V13: mean a/2, variance V,
first-order indices (V1, V2, 0)/V, total ones (V1 + V13, V2, V13)/V. x3 acts through its interaction alone.
"""

from __future__ import annotations

import math

import numpy as np

from surecast.simulate.problems.laws import uniform
from surecast.simulate.problems.problem import Problem, Quantity


def ishigami(x1: np.ndarray, x2: np.ndarray, x3: np.ndarray, a: float = 7.0, b: float = 0.1) -> np.ndarray:
    """The function, arrays (n,)."""
    return np.sin(x1) + a * np.sin(x2) ** 2 + b * x3**4 * np.sin(x1)


ISHIGAMI = Problem(
    name="ishigami",
    kind="sobol",
    function=ishigami,
    inputs={name: uniform(-math.pi, math.pi) for name in ("x1", "x2", "x3")},
    quantities={"y": Quantity("1", "Ishigami function")},
    equation="y = sin x1 + 7 sin^2 x2 + 0.1 x3^4 sin x1",
    citation="T. Ishigami and T. Homma (1990). An importance quantification technique in uncertainty analysis for "
    "computer models. Proceedings of ISUMA '90, 398-403. doi:10.1109/ISUMA.1990.151285",
    licence="written from the equation; also in SALib (MIT)",
)
