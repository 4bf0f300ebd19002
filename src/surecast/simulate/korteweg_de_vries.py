"""Korteweg and de Vries's equation of long waves.

    u_t + 1/2 (u^2)_x + d u_xxx = 0   on 0 <= x < extent, periodic,   u(x, 0) = initial(x),   0 <= t <= time

u is a velocity (m/s), d the dispersion (m3/s). Mean, energy and the Hamiltonian integral of d u_x^2 / 2 - u^3 / 6 are
conserved, the first to the last bit, the others by the accuracy of the steps. A soliton of speed c is
3 c sech^2(sqrt(c / d) (x - c t) / 2) (Zabusky and Kruskal, Phys. Rev. Lett. 15 (1965) 240).
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from surecast.simulate.semilinear import Nonlinearity, Semilinear
from surecast.simulate.spectral import Parameters


class KortewegDeVries(Semilinear):
    """Korteweg and de Vries's equation; inputs ``initial`` (periodic field) and ``dispersion``.

    Where a wave steepens it breaks up into solitons of width 2 sqrt(d / c), which want ten points or more.
    """

    equation: ClassVar[str] = "u_t + 1/2 (u^2)_x + d u_xxx = 0"
    quantity: ClassVar[str] = "velocity"
    units: ClassVar[tuple[str, str, str]] = ("m/s", "m2/s2", "1/s")
    parameters: ClassVar[dict[str, str]] = {"dispersion": "m3/s"}

    def linear(self, k: np.ndarray, given: Parameters) -> np.ndarray:
        """-d (i k)^3 = i d k^3."""
        return np.asarray(1j * given["dispersion"] * k**3)

    def nonlinear(self, k: np.ndarray, given: Parameters) -> Nonlinearity:
        """-1/2 (u^2)_x."""
        return self.transport(k, given)
