"""Deflection of a cantilever beam with a rectangular cross-section under two loads.

    y = 4 L^3/(E w t) sqrt((FX/w^2)^2 + (FY/t^2)^2)

in m: FX, FY the loads (N), E Young's modulus (GPa), w, t, L width, thickness and length (m). w and t are normal: the
pole at 0 is ten deviations away. The failure is a deflection over 0.15 m, written g = 0.15 - y < 0.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from surecast.simulate.problems.laws import lognormal_by_moments, normal
from surecast.simulate.problems.problem import Problem, Quantity

CITATION = (
    "J. Demange-Chryst, F. Bachoc and J. Morio (2022). Efficient estimation of multiple expectations with the same "
    "sample by adaptive importance sampling and control variates. arXiv:2212.00568"
)
LICENCE = "written from the equation and laws of the paper (its code, not used, has no licence)"
LIMIT = 0.15  # m


def beam_inputs(
    FX: float = 556.8, FY: float = 453.6, E: float = 200.0, w: float = 0.062, t: float = 0.0987, L: float = 4.29
) -> dict[str, dict[str, Any]]:
    """Laws of the six inputs by their means: coefficients of variation 8, 8, 6, 10, 10 and 10 %."""
    return {
        "FX": lognormal_by_moments(FX, 0.08 * FX, units="N", long_name="horizontal load"),
        "FY": lognormal_by_moments(FY, 0.08 * FY, units="N", long_name="vertical load"),
        "E": lognormal_by_moments(E, 0.06 * E, units="GPa", long_name="Young's modulus"),
        "w": normal(w, 0.1 * w, units="m", long_name="width"),
        "t": normal(t, 0.1 * t, units="m", long_name="thickness"),
        "L": normal(L, 0.1 * L, units="m", long_name="length"),
    }


def deflection(
    FX: np.ndarray, FY: np.ndarray, E: np.ndarray, w: np.ndarray, t: np.ndarray, L: np.ndarray
) -> np.ndarray:
    """The deflection (n,)."""
    return 4 * L**3 / (E * 1e9 * w * t) * np.sqrt((FX / w**2) ** 2 + (FY / t**2) ** 2)


def margin(**inputs: np.ndarray) -> np.ndarray:
    """What is left of the allowed deflection (n,)."""
    return LIMIT - deflection(**inputs)


BEAM = Problem(
    name="beam_paper",
    kind="sobol",
    function=deflection,
    inputs=beam_inputs(),
    quantities={"deflection": Quantity("m", "deflection of the beam's tip")},
    equation="deflection = 4 L^3/(E w t) sqrt((FX/w^2)^2 + (FY/t^2)^2)",
    citation=CITATION,
    licence=LICENCE,
)

BEAM_FAILURE = Problem(
    name="beam_pf",
    kind="probability",
    function=margin,
    inputs=beam_inputs(),
    quantities={"g": Quantity("m", "allowed less actual deflection")},
    equation="g = 0.15 - 4 L^3/(E w t) sqrt((FX/w^2)^2 + (FY/t^2)^2)",
    citation=CITATION,
    licence=LICENCE,
    event="g < 0",
)
