"""Advection at a constant speed.

    u_t + c u_x = 0   on 0 <= x < extent, periodic,   u(x, 0) = initial(x),   0 <= t <= time

u is a concentration (kg/m3), c the speed (m/s): u(x, t) = initial(x - c t), exactly for all modes that the points hold.
Energy and mean are conserved.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from surecast.simulate.periodic import ExactInTime
from surecast.simulate.spectral import Parameters


class Advection(ExactInTime):
    """Advection; inputs ``initial`` (periodic field) and ``speed``."""

    equation: ClassVar[str] = "u_t + c u_x = 0"
    quantity: ClassVar[str] = "concentration"
    units: ClassVar[tuple[str, str, str]] = ("kg/m3", "kg2/m6", "kg/m4")
    parameters: ClassVar[dict[str, str]] = {"speed": "m/s"}

    def factor(self, k: np.ndarray, time: float, given: Parameters) -> np.ndarray:
        """exp(-i c k t)."""
        return np.asarray(np.exp(-1j * time * given["speed"] * k))
