"""Diffusion, or conduction of heat.

    u_t = D u_xx   on 0 <= x < extent, periodic,   u(x, 0) = initial(x),   0 <= t <= time

u is a temperature (K), D the diffusivity (m2/s): mode k decays by exp(-D k^2 t), exactly. The mean is conserved.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import numpy as np

from surecast.simulate.periodic import Parameters, Periodic


class Diffusion(Periodic):
    """Diffusion; inputs ``initial`` (periodic field) and ``diffusivity``."""

    equation: ClassVar[str] = "u_t = D u_xx"
    method: ClassVar[str] = "Fourier modes, exact in time"
    quantity: ClassVar[str] = "temperature"
    units: ClassVar[tuple[str, str, str]] = ("K", "K2", "K/m")
    parameters: ClassVar[dict[str, str]] = {"diffusivity": "m2/s"}

    def flow(self, modes: np.ndarray, given: Parameters) -> Iterator[np.ndarray]:
        """See `Periodic.flow`."""
        for time in self.times():
            yield modes * np.exp(-time * given["diffusivity"] * self._wave_numbers() ** 2)
