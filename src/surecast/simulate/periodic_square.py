r"""Semilinear problems on a periodic square: u_t = L u + N(u), 0 <= x, y < extent.

Modes are (run, ..., y, x): numbers 0 to the highest along y, since fields are real, and all `points` along x in the
order of the fast Fourier transform, those above the highest zero. So the transform along x is done only for the rows
that are kept, and everything else runs over whole rows.
"""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import numpy as np
import scipy.fft
from pydantic import Field

from surecast.simulate.semilinear import Stepped


class PeriodicSquare(Stepped):
    """Base of the problems on a square. Wave numbers are complex, k = k_x + i k_y: `linear` mostly wants |k|^2."""

    dims: ClassVar[tuple[str, ...]] = ("y", "x")

    points: int = Field(default=64, ge=8, le=2048, multiple_of=2, description="Points along each side.")
    extent: float = Field(default=1.0, gt=0, allow_inf_nan=False, description="Length of a side, m.")
    precision: Literal["double", "single"] = Field(
        default="double",
        description="Arithmetic of the time steps; single is faster, adds about 1e-6 to the relative error, "
        "and wants steps well within stability.",
    )

    def modes(self, fields: np.ndarray) -> np.ndarray:
        """See `Spectral.modes`."""
        found = scipy.fft.rfft(fields.astype(self._real()), axis=-2)[..., : self._highest() + 1, :]
        found = scipy.fft.fft(found, axis=-1)
        found[..., np.abs(self._along_x()) > self._highest()] = 0
        return np.asarray(found)

    def values(self, modes: np.ndarray) -> np.ndarray:
        """Fields at the points, from their modes."""
        return np.asarray(scipy.fft.irfft(scipy.fft.ifft(modes, axis=-1), n=self.points, axis=-2, overwrite_x=True))

    def wave_numbers(self) -> np.ndarray:
        """See `Spectral.wave_numbers`; k_x + i k_y, (y, x)."""
        return 2 * np.pi / self.extent * (self._along_x() + 1j * np.arange(self._highest() + 1)[:, None])

    def runs_at_once(self) -> int:
        """See `Spectral.runs_at_once`."""
        return int(np.clip(65536 // self.points**2, 2, 8))

    def tail(self, modes: np.ndarray) -> np.ndarray:
        """Share of the variance (run,) in the modes whose larger number lies in the upper tenth."""
        squares = self.squares(modes)
        squares[:, 0, 0] = 0
        total = squares.sum(axis=(1, 2))
        number = np.maximum(np.abs(self._along_x()), np.arange(self._highest() + 1)[:, None])
        upper = (squares * (number > int(0.9 * self._highest()))).sum(axis=(1, 2))
        return np.asarray(upper / np.where(total > 0, total, 1.0))

    def squares(self, modes: np.ndarray) -> np.ndarray:
        """What each mode (run, y, x) adds to the mean of the field's square: those of k_y > 0 stand for two."""
        twice = np.where(np.arange(self._highest() + 1) > 0, 2.0, 1.0)[:, None]
        return np.asarray(twice * np.abs(modes.astype(np.complex128) / self.points**2) ** 2)

    def _real(self) -> type[np.floating[Any]]:
        return np.float64 if self.precision == "double" else np.float32

    def _along_x(self) -> np.ndarray:
        return np.asarray(np.fft.fftfreq(self.points, 1 / self.points))
