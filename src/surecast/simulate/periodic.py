r"""One-dimensional problems on a periodic interval.

    u(x, 0) = initial(x),   u(x + extent, t) = u(x, t),   0 <= t <= time

See `surecast.simulate.spectral` for what they share with those on a square.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from typing import ClassVar

import numpy as np
import scipy.fft
from pydantic import Field

from surecast.simulate.simulator import VariableInfo
from surecast.simulate.spectral import Parameters, Spectral

BATCH = 32


class Periodic(Spectral):
    """Base of the problems on a periodic interval; a subclass states the class variables and implements `flow`."""

    dims: ClassVar[tuple[str, ...]] = ("x",)
    quantity: ClassVar[str]
    """What u is."""
    units: ClassVar[tuple[str, str, str]]
    """Of u, of u^2 and of u_x, with x in metres."""

    points: int = Field(default=256, ge=8, le=65536, multiple_of=2, description="Points, and cells between them.")

    def variables(self) -> dict[str, VariableInfo]:
        """Final state, its energy and steepest slope; ``history`` if frames are kept."""
        unit, square, slope = self.units
        found: dict[str, VariableInfo] = {
            "solution": {"dims": ("x",), "units": unit, "long_name": f"{self.quantity} at the final time"},
            "energy": {"dims": (), "units": square, "long_name": "mean of u^2 / 2 at the final time"},
            "steepest": {"dims": (), "units": slope, "long_name": "largest |u_x| at the final time"},
            "spectral_tail": {"dims": (), "units": "1", "long_name": "share of energy in the upper tenth of the modes"},
        }
        if self.frames:
            found["history"] = {"dims": ("time", "x"), "units": unit, "long_name": self.quantity}
        return found

    def modes(self, fields: np.ndarray) -> np.ndarray:
        """See `Spectral.modes`."""
        return scipy.fft.rfft(fields, axis=-1)[..., : self._highest() + 1].copy()

    def values(self, modes: np.ndarray) -> np.ndarray:
        """u at the points, from its modes."""
        return np.asarray(scipy.fft.irfft(modes, n=self.points, axis=-1))

    def measured(self, history: np.ndarray, modes: np.ndarray) -> dict[str, np.ndarray]:
        """See `Spectral.measured`."""
        solution = history[:, -1]
        return {
            "solution": solution,
            "energy": 0.5 * np.mean(solution**2, axis=1),
            "steepest": np.abs(self.values(1j * self.wave_numbers() * modes)).max(axis=1),
            "spectral_tail": _tail(modes),
            "history": history,
        }

    def wave_numbers(self) -> np.ndarray:
        """See `Spectral.wave_numbers`."""
        return 2 * np.pi / self.extent * np.arange(self._highest() + 1)

    def runs_at_once(self) -> int:
        """See `Spectral.runs_at_once`."""
        return BATCH


def _tail(modes: np.ndarray) -> np.ndarray:
    energy = np.abs(modes[:, 1:]) ** 2
    total = energy.sum(axis=1)
    start = int(0.9 * energy.shape[1])
    return np.asarray(energy[:, start:].sum(axis=1) / np.where(total > 0, total, 1.0))


class ExactInTime(Periodic):
    """Base of the linear problems: each mode is multiplied by a factor, whatever the time."""

    method: ClassVar[str] = "Fourier modes, exact in time"

    @abstractmethod
    def factor(self, k: np.ndarray, time: float, given: Parameters) -> np.ndarray:
        """What modes (run, mode) of wave numbers (mode,) are multiplied by from time 0 on."""

    def flow(self, modes: np.ndarray, given: Parameters) -> Iterator[np.ndarray]:
        """See `Spectral.flow`."""
        for time in self.times():
            yield modes * self.factor(self.wave_numbers(), time, given)
