r"""One-dimensional viscous Burgers equation, exact in time by Cole and Hopf's transformation.

    u_t + 1/2 (u^2)_x = nu u_xx   on 0 <= x < extent, periodic,   u(x, 0) = initial(x),   0 <= t <= time

    u = m - 2 nu phi_x / phi  at x + m t,   phi_t = nu phi_xx,   phi(x, 0) = exp(-1/(2 nu) integral of (initial - m))

u is a velocity (m/s), nu the viscosity (m2/s), m the mean of u, in whose frame phi is periodic (Hopf, Comm. Pure Appl.
Math. 3 (1950) 201-230; Cole, Quart. Appl. Math. 9 (1951) 225-236). A state costs two transforms, whatever time has
passed. phi spans as many powers of e as the integral of u is wide in units of 2 nu, and where it is small rounding
takes as many digits of u. A run that is left with fewer than eight fails: `surecast.simulate.burgers` is for those with
so little viscosity.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import scipy.fft

from surecast.simulate.periodic import Periodic
from surecast.simulate.simulator import VariableInfo
from surecast.simulate.spectral import Parameters

if TYPE_CHECKING:
    import xarray as xr

FEWEST = 256  # points on which phi is expanded
LARGEST_ERROR = 1e-8  # by rounding, relative
LARGEST_TAIL = 1e-12  # of the modes of phi at time 0


class BurgersExact(Periodic):
    """Viscous Burgers equation, exact in time; inputs ``initial`` (periodic field) and ``viscosity``.

    The points only say where u is wanted: errors do not depend on them as long as they resolve the initial state. A
    viscosity below about a hundredth of the largest |u| times its wave length is too small.
    """

    equation: ClassVar[str] = "u_t + 1/2 (u^2)_x = nu u_xx"
    method: ClassVar[str] = "Cole and Hopf's transformation, exact in time"
    quantity: ClassVar[str] = "velocity"
    units: ClassVar[tuple[str, str, str]] = ("m/s", "m2/s2", "1/s")
    parameters: ClassVar[dict[str, str]] = {"viscosity": "m2/s"}
    diagnostics: ClassVar[tuple[str, ...]] = ("spectral_tail", "rounding", "transform_tail")

    def variables(self) -> dict[str, VariableInfo]:
        """Those of `Periodic`, and what the transformation says of itself."""
        return super().variables() | {
            "rounding": {"dims": (), "units": "1", "long_name": "largest relative error that rounding may have left"},
            "transform_tail": {"dims": (), "units": "1", "long_name": "size of the last modes of phi at time 0"},
        }

    def run(self, inputs: xr.Dataset) -> xr.Dataset:
        """Simulate every run; see `Simulator.run`."""
        raw = super().run(inputs)
        few = "the viscosity is too small for the transformation: rounding leaves fewer than eight digits of u"
        unresolved = raw["transform_tail"].values > LARGEST_TAIL
        for failed, message in (
            (unresolved, "the transformed initial state is not resolved; take more points"),
            (raw["rounding"].values > LARGEST_ERROR, f"{few}; take the kind burgers"),
            (inputs["viscosity"].values <= 0, "viscosity is not above 0"),
        ):
            raw["failure"].values[failed] = message
        return raw

    def flow(self, modes: np.ndarray, given: Parameters) -> Iterator[np.ndarray]:
        """Modes of phi at every frame, in one array that the next frame changes; ``mean`` stands beside the inputs."""
        k, times = self._fine_wave_numbers(), self.times()
        factor = np.exp(-(given["viscosity"] * k**2 + 1j * given["mean"] * k) * times[0])
        for _ in times:
            modes *= factor
            yield modes

    def start(self, initial: np.ndarray, given: Parameters) -> np.ndarray:
        """Modes of phi at time 0, its largest value 1."""
        fine, k = self._fine(), self._fine_wave_numbers()
        integral = np.zeros((len(initial), len(k)), dtype=complex)
        kept = slice(1, self._highest() + 1)
        integral[:, kept] = self.modes(initial)[:, kept] / (1j * k[kept])
        exponent = scipy.fft.irfft(integral, n=fine, norm="forward") / (-2 * self.points * given["viscosity"])
        exponent -= exponent.max(axis=1, keepdims=True)
        return np.asarray(scipy.fft.rfft(np.exp(exponent), norm="forward"))

    def _advance(self, initial: np.ndarray, given: Parameters) -> dict[str, np.ndarray]:
        given = given | {"mean": initial.mean(axis=1, keepdims=True)}
        history = np.empty((len(initial), len(self.times()), self.points))
        with np.errstate(all="ignore"):  # phi underflows where the viscosity is too small, and `run` reports it
            phi = self.start(initial, given)
            tail = np.abs(phi[:, -(phi.shape[1] // 10) :]).max(axis=1) / np.abs(phi).max(axis=1)
            rounding = np.ones(len(initial))
            derivative = -2j * given["viscosity"] * self._fine_wave_numbers()
            both = np.empty((2, *phi.shape), dtype=complex)
            for frame, modes in enumerate(self.flow(phi, given)):
                both[0] = modes
                np.multiply(derivative, modes, out=both[1])
                value, slope = self._at_points(both)
                if frame == 0:  # the smallest value of phi never falls
                    lowest = value.min(axis=1)
                    np.divide(np.finfo(float).eps, lowest, out=rounding, where=lowest > np.finfo(float).eps)
                slope /= value
                np.add(slope, given["mean"], out=history[:, frame])
            found = self.measured(history, self.modes(history[:, -1]))
        return found | {"rounding": rounding, "transform_tail": tail}

    def _at_points(self, modes: np.ndarray) -> np.ndarray:
        """Values at the points by modes (..., fine mode): those that look alike there are added up."""
        points, half = self.points, self.points // 2
        folded = modes[..., : half + 1].copy()
        for high in range(points, modes.shape[-1], points):
            folded += modes[..., high - half : high + 1].conj()[..., ::-1]
            if high + half < modes.shape[-1]:
                folded += modes[..., high : high + half + 1]
        return np.asarray(scipy.fft.irfft(folded, n=points, norm="forward"))

    def _fine(self) -> int:
        """Points on which phi is expanded: those of u, or where they are few an even multiple of them."""
        return self.points if self.points >= FEWEST else 2 * self.points * math.ceil(FEWEST / (2 * self.points))

    def _fine_wave_numbers(self) -> np.ndarray:
        return np.asarray(2 * np.pi / self.extent * np.arange(self._fine() // 2 + 1))
