"""Height of a river over its dyke.

    y = (Q/(B Ks sqrt((Zm - Zv)/L)))^0.6 + Zv - Zb - Hd

in m: Q the largest flow of a year, Ks Strickler's coefficient, Zv and Zm the river bed down- and upstream, Hd the
height of the dyke, Zb the bank, L and B length and width of the stretch. Ks is truncated at 15: truncated at 0, as
some collections have it, E[Ks^-1.2] diverges, the variance is infinite and the indices do not exist.
"""

from __future__ import annotations

import numpy as np

from surecast.simulate.problems.laws import gumbel, normal, triangular, uniform
from surecast.simulate.problems.problem import Problem, Quantity


def flood(
    Q: np.ndarray,
    Ks: np.ndarray,
    Zv: np.ndarray,
    Zm: np.ndarray,
    Hd: np.ndarray,
    Zb: np.ndarray,
    L: np.ndarray,
    B: np.ndarray,
) -> np.ndarray:
    """The overflow (n,)."""
    return (Q / (Ks * B * np.sqrt((Zm - Zv) / L))) ** 0.6 + Zv - Zb - Hd


FLOOD = Problem(
    name="flood",
    kind="sobol",
    function=flood,
    inputs={
        "Q": gumbel(1013.0, 558.0, lower=500.0, upper=3000.0, units="m3/s", long_name="largest flow of a year"),
        "Ks": normal(30.0, 8.0, lower=15.0, units="m**(1/3)/s", long_name="Strickler coefficient"),
        "Zv": triangular(49.0, 50.0, 51.0, units="m", long_name="river bed downstream"),
        "Zm": triangular(54.0, 55.0, 56.0, units="m", long_name="river bed upstream"),
        "Hd": uniform(7.0, 9.0, units="m", long_name="height of the dyke"),
        "Zb": triangular(55.0, 55.5, 56.0, units="m", long_name="level of the bank"),
        "L": triangular(4990.0, 5000.0, 5010.0, units="m", long_name="length of the stretch"),
        "B": triangular(295.0, 300.0, 305.0, units="m", long_name="width of the river"),
    },
    quantities={"overflow": Quantity("m", "height of the river over the dyke")},
    equation="overflow = (Q/(B Ks sqrt((Zm - Zv)/L)))^0.6 + Zv - Zb - Hd",
    citation="B. Iooss and P. Lemaître (2015). A review on global sensitivity analysis methods. In: Uncertainty "
    "Management in Simulation-Optimization of Complex Systems, Springer, 101-122. doi:10.1007/978-1-4899-7547-8_5",
    licence="written from the equation and laws of the paper",
)
