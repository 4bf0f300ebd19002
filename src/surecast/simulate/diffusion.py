"""Diffusion, or conduction of heat.

    u_t = D u_xx   on 0 <= x < extent, periodic,   u(x, 0) = initial(x),   0 <= t <= time

u is a temperature (K), D the diffusivity (m2/s): mode k decays by exp(-D k^2 t), exactly. The mean is conserved.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from surecast.simulate.periodic import ExactInTime
from surecast.simulate.spectral import Parameters


class Diffusion(ExactInTime):
    """Diffusion; inputs ``initial`` (periodic field) and ``diffusivity``."""

    equation: ClassVar[str] = "u_t = D u_xx"
    quantity: ClassVar[str] = "temperature"
    units: ClassVar[tuple[str, str, str]] = ("K", "K2", "K/m")
    parameters: ClassVar[dict[str, str]] = {"diffusivity": "m2/s"}

    def factor(self, k: np.ndarray, time: float, given: Parameters) -> np.ndarray:
        """exp(-D k^2 t)."""
        return np.asarray(np.exp(-time * given["diffusivity"] * k**2))
