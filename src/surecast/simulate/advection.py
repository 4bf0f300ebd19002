"""Advection at a constant speed.

    u_t + c u_x = 0   on 0 <= x < extent, periodic,   u(x, 0) = initial(x),   0 <= t <= time

u is a concentration (kg/m3), c the speed (m/s): u(x, t) = initial(x - c t), exactly for all modes that the points hold.
Energy and mean are conserved.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import numpy as np

from surecast.simulate.periodic import Parameters, Periodic


class Advection(Periodic):
    """Advection; inputs ``initial`` (periodic field) and ``speed``."""

    equation: ClassVar[str] = "u_t + c u_x = 0"
    method: ClassVar[str] = "Fourier modes, exact in time"
    quantity: ClassVar[str] = "concentration"
    units: ClassVar[tuple[str, str, str]] = ("kg/m3", "kg2/m6", "kg/m4")
    parameters: ClassVar[dict[str, str]] = {"speed": "m/s"}

    def flow(self, modes: np.ndarray, given: Parameters) -> Iterator[np.ndarray]:
        """See `Periodic.flow`."""
        for time in self.times():
            yield modes * np.exp(-1j * time * given["speed"] * self._wave_numbers())
