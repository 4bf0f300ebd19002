"""A bar of 20 mm diameter under tension.

    g = R - F/(100 pi),    R ~ LogN(300, 30) MPa (mean, standard deviation), F ~ N(75000, 5000) N

R the yield strength, F the load, 100 pi mm2 the cross-section; fails where g < 0.
"""

from __future__ import annotations

import numpy as np

from surecast.simulate.problems.laws import lognormal_by_moments, normal
from surecast.simulate.problems.problem import Problem, Quantity


def axial_beam(R: np.ndarray, F: np.ndarray) -> np.ndarray:
    """Strength less stress (n,)."""
    return R - F / (100 * np.pi)


AXIAL_BEAM = Problem(
    name="axialbeam",
    kind="probability",
    function=axial_beam,
    inputs={
        "R": lognormal_by_moments(300.0, 30.0, units="MPa", long_name="yield strength"),
        "F": normal(75000.0, 5000.0, units="N", long_name="load"),
    },
    quantities={"g": Quantity("MPa", "strength less stress")},
    equation="g = R - F/(100 pi)",
    citation="M. Baudin and others (2023). otbenchmark: benchmark problems for OpenTURNS, axial stressed beam. "
    "https://github.com/mbaudin47/otbenchmark",
    licence="written from the equation, as stated in otbenchmark (LGPL 3 or later; its code is not used)",
    event="g < 0",
)
