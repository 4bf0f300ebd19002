"""Flow of water through a borehole.

    y = 2 pi Tu (Hu - Hl) / (ln(r/rw) (1 + 2 L Tu/(ln(r/rw) rw^2 Kw) + Tu/Tl))

in m3/year: rw and r the radii of borehole and influence, Tu, Hu and Tl, Hl transmissivity and head of the upper
and the lower aquifer, L the borehole's length, Kw its conductivity. rw is normal: below zero 6 deviations away.
"""

from __future__ import annotations

import numpy as np

from surecast.simulate.problems.laws import lognormal, normal, uniform
from surecast.simulate.problems.problem import Problem, Quantity


def borehole(
    rw: np.ndarray,
    r: np.ndarray,
    Tu: np.ndarray,
    Hu: np.ndarray,
    Tl: np.ndarray,
    Hl: np.ndarray,
    L: np.ndarray,
    Kw: np.ndarray,
) -> np.ndarray:
    """The flow (n,)."""
    logarithm = np.log(r / rw)
    return 2 * np.pi * Tu * (Hu - Hl) / (logarithm * (1 + 2 * L * Tu / (logarithm * rw**2 * Kw) + Tu / Tl))


BOREHOLE = Problem(
    name="borehole",
    kind="sobol",
    function=borehole,
    inputs={
        "rw": normal(0.1, 0.0161812, units="m", long_name="radius of the borehole"),
        "r": lognormal(7.71, 1.0056, units="m", long_name="radius of influence"),
        "Tu": uniform(63070.0, 115600.0, units="m2/year", long_name="transmissivity of the upper aquifer"),
        "Hu": uniform(990.0, 1110.0, units="m", long_name="head of the upper aquifer"),
        "Tl": uniform(63.1, 116.0, units="m2/year", long_name="transmissivity of the lower aquifer"),
        "Hl": uniform(700.0, 820.0, units="m", long_name="head of the lower aquifer"),
        "L": uniform(1120.0, 1680.0, units="m", long_name="length of the borehole"),
        "Kw": uniform(9855.0, 12045.0, units="m/year", long_name="conductivity of the borehole"),
    },
    quantities={"flow": Quantity("m3/year", "flow of water through the borehole")},
    equation="flow = 2 pi Tu (Hu - Hl) / (ln(r/rw) (1 + 2 L Tu/(ln(r/rw) rw^2 Kw) + Tu/Tl))",
    citation="W. V. Harper and S. K. Gupta (1983). Sensitivity/uncertainty analysis of a borehole scenario comparing "
    "Latin hypercube sampling and deterministic sensitivity approaches. BMI/ONWI-516, Battelle Memorial Institute.",
    licence="written from the equation and laws of S. Surjanovic and D. Bingham, Virtual Library of Simulation "
    "Experiments (www.sfu.ca/~ssurjano/borehole.html; its code, not used, is under the GPL 2)",
)
