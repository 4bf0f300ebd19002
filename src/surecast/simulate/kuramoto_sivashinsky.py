"""Kuramoto and Sivashinsky's equation: long waves grow, short ones decay, transport ties them together; chaos.

    u_t + 1/2 (u^2)_x + a u_xx + b u_xxxx = 0   on 0 <= x < extent, periodic,   u(x, 0) = initial(x),   0 <= t <= time

u is a velocity (m/s), a the antidiffusion (m2/s), b the hyperdiffusion (m4/s). Waves below k = sqrt(a / b) grow, at
most at the rate a^2 / (4 b). The mean is conserved to the last bit; the energy E = mean of u^2 / 2 obeys
dE/dt = a mean(u_x^2) - b mean(u_xx^2). With a = b = 1, chaos begins at extents of about 20
(Kassam and Trefethen, SIAM J. Sci. Comput. 26 (2005) 1214, section 3.1: extent 32 pi, 128 points, steps of 1/4).
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from surecast.simulate.semilinear import Nonlinearity, Semilinear
from surecast.simulate.spectral import Parameters


class KuramotoSivashinsky(Semilinear):
    """Kuramoto and Sivashinsky's equation; inputs ``initial`` (periodic field), ``antidiffusion``, ``hyperdiffusion``.

    In chaos errors grow like exp(0.1 t) (a = b = 1): after long times two grids agree in their statistics alone.
    """

    equation: ClassVar[str] = "u_t + 1/2 (u^2)_x + a u_xx + b u_xxxx = 0"
    quantity: ClassVar[str] = "velocity"
    units: ClassVar[tuple[str, str, str]] = ("m/s", "m2/s2", "1/s")
    parameters: ClassVar[dict[str, str]] = {"antidiffusion": "m2/s", "hyperdiffusion": "m4/s"}

    def linear(self, k: np.ndarray, given: Parameters) -> np.ndarray:
        """a k^2 - b k^4."""
        return np.asarray(given["antidiffusion"] * k**2 - given["hyperdiffusion"] * k**4)

    def nonlinear(self, k: np.ndarray, given: Parameters) -> Nonlinearity:
        """-1/2 (u^2)_x."""
        return self.transport(k, given)
