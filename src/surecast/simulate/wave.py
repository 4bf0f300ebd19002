"""The wave equation, from rest.

    u_tt = c^2 u_xx   on 0 <= x < extent, periodic,   u(x, 0) = initial(x),   u_t(x, 0) = 0,   0 <= t <= time

u is a displacement (m), c the speed (m/s): mode k is multiplied by cos(c k t), exactly, which is d'Alembert's
u = (initial(x - c t) + initial(x + c t)) / 2.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from surecast.simulate.periodic import ExactInTime
from surecast.simulate.spectral import Parameters


class Wave(ExactInTime):
    """Wave equation; inputs ``initial`` (periodic field) and ``speed``."""

    equation: ClassVar[str] = "u_tt = c^2 u_xx, u_t = 0 at t = 0"
    quantity: ClassVar[str] = "displacement"
    units: ClassVar[tuple[str, str, str]] = ("m", "m2", "1")
    parameters: ClassVar[dict[str, str]] = {"speed": "m/s"}

    def factor(self, k: np.ndarray, time: float, given: Parameters) -> np.ndarray:
        """cos(c k t)."""
        return np.asarray(np.cos(time * given["speed"] * k))
