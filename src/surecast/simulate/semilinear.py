"""Periodic problems whose stiff part is linear: u_t = L u + N(u), stepped by ETDRK4.

L is diagonal in the Fourier modes, real or not; see `surecast.simulate.exponential`, order 4 in time. Steps must
resolve N alone: longer ones than about 1 / (largest wave number times max |u|) end in values that are not finite, which
is a failed run.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator
from typing import Any, ClassVar, Self

import numpy as np
import scipy.fft
from pydantic import Field, model_validator

from surecast.simulate.exponential import ETDRK4
from surecast.simulate.frames import require_whole_steps
from surecast.simulate.periodic import Periodic
from surecast.simulate.simulator import Simulator
from surecast.simulate.spectral import Parameters, Spectral

Nonlinearity = Callable[[np.ndarray, np.ndarray], None]
"""Writes the modes of N of its first argument into its second."""


class Stepped(Spectral):
    """Base of u_t = L u + N(u) in any dimension; a subclass implements `linear` and `nonlinear`."""

    method: ClassVar[str] = "Fourier pseudospectral, 2/3 rule, ETDRK4 (Cox and Matthews 2002)"
    products: ClassVar[int] = 2

    steps: int = Field(default=200, ge=1, le=10_000_000, description="Time steps to the final time.")

    @model_validator(mode="after")
    def _whole_frames(self) -> Self:
        require_whole_steps(self.steps, self.frames)
        return self

    @abstractmethod
    def linear(self, k: np.ndarray, given: Parameters) -> np.ndarray:
        """The diagonal of L, (run, ...), for the wave numbers of the modes."""

    @abstractmethod
    def nonlinear(self, k: np.ndarray, given: Parameters) -> Nonlinearity:
        """N as a function of modes."""

    def resolution(self) -> dict[str, Any]:
        """Points and time steps."""
        return {"points": self.points, "steps": self.steps}

    def refined(self) -> Self:
        """Twice the points and time steps."""
        return self.model_copy(update={"points": 2 * self.points, "steps": 2 * self.steps})

    def coarser(self) -> list[Simulator]:
        """A half, a quarter, an eighth of the points and time steps."""
        ratios = [ratio for ratio in self._ratios() if self.steps % (ratio * max(1, self.frames)) == 0]
        return [self.model_copy(update={"points": self.points // r, "steps": self.steps // r}) for r in ratios]

    def flow(self, modes: np.ndarray, given: Parameters) -> Iterator[np.ndarray]:
        """See `Spectral.flow`; what is given is one array, which the next step changes."""
        k, modes = self.wave_numbers(), modes.copy()
        scheme = ETDRK4(self.linear(k, given), self.time / self.steps, modes.dtype)
        nonlinear = self.nonlinear(k, given)
        frames = max(1, self.frames)
        for _ in range(frames):
            for _ in range(self.steps // frames):
                scheme.step(modes, nonlinear)
            yield modes


class Semilinear(Periodic, Stepped):
    """Base of those on an interval."""

    def transport(self, k: np.ndarray, given: Parameters) -> Nonlinearity:
        """N(u) = -1/2 (u^2)_x."""
        return self.power(2, -0.5j * k, given)

    def power(self, degree: int, factor: np.ndarray, given: Parameters) -> Nonlinearity:
        """N(u) = factor times u to a power, the factor by mode."""
        kept = self._highest() + 1
        padded = np.zeros((len(next(iter(given.values()))), self.points // 2 + 1), dtype=complex)

        def nonlinear(modes: np.ndarray, out: np.ndarray) -> None:
            padded[:, :kept] = modes
            u = scipy.fft.irfft(padded, n=self.points, axis=-1)
            product = np.multiply(u, u)
            for _ in range(degree - 2):
                product *= u
            np.multiply(factor, scipy.fft.rfft(product, axis=-1, overwrite_x=True)[:, :kept], out=out)

        return nonlinear
