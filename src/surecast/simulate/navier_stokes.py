r"""Incompressible flow in two dimensions: the vorticity form of Navier and Stokes's equations.

    w_t + u w_x + v w_y = nu (w_xx + w_yy) - d w + f   on 0 <= x, y < extent, periodic
    w = v_x - u_y,   u = psi_y,   v = -psi_x,   -(psi_xx + psi_yy) = w
    w(x, y, 0) = initial(x, y) less its mean,   0 <= t <= time

w is the vorticity (1/s), positive where the flow turns anticlockwise; (u, v) the velocity (m/s), nu the viscosity
(m2/s), d the drag (1/s). The flow of a periodic velocity has no mean vorticity, so that of `initial` is left out.
f is 0, or with n = forcing_wave > 0 the curl of the body force (A sin k y, 0), k = 2 pi n / extent, A (m/s2) the input
``forcing``: f = -A k cos k y, Kolmogorov's flow. Its laminar state is w = -A k cos(k y) / (nu k^2 + d).

The transport is taken in the form of Basdevant (J. Comput. Phys. 50 (1983) 209-214),

    u w_x + v w_y = (d_xx - d_yy)(u v) + d_xy (v^2 - u^2),

by four real transforms, which are two complex ones here: those of z = u + i v and z^2 = u^2 - v^2 + 2 i u v.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
import scipy.fft
from pydantic import Field, model_validator

from surecast.simulate.periodic_square import PeriodicSquare
from surecast.simulate.semilinear import Nonlinearity
from surecast.simulate.simulator import VariableInfo
from surecast.simulate.spectral import Parameters
from surecast.study.component import refused


class NavierStokes(PeriodicSquare):
    """Two-dimensional flow; inputs ``initial`` (periodic field), ``viscosity``, and ``forcing`` where it is forced.

    A step must not be longer than about a point's spacing over max |u|; ``spectral_tail`` says whether the points are
    enough. On a square of side 2 pi with nu = 0.02, vorticity of standard deviation 2 and wave numbers up to 3, 64
    points and 32 steps a second give a relative error of about 1e-5 after a second.
    """

    equation: ClassVar[str] = "w_t + u w_x + v w_y = nu (w_xx + w_yy) - d w + f, w = v_x - u_y"
    units: ClassVar[tuple[str, ...]] = ("1/s",)
    parameters: ClassVar[dict[str, str]] = {"viscosity": "m2/s"}

    drag: float = Field(default=0.0, ge=0, allow_inf_nan=False, description="Linear drag d, 1/s.")
    forcing_wave: int = Field(
        default=0, ge=0, description="Waves of the body force over a side; 0: no force and no input forcing."
    )
    velocity: bool = Field(default=False, description="Whether the final velocity is given too.")

    @model_validator(mode="after")
    def _resolved(self) -> NavierStokes:
        if self.forcing_wave > self._highest():
            raise refused("forcing_wave", f"the grid holds {self._highest()} waves at most.", "use more points.")
        return self

    def input_names(self) -> tuple[str, ...]:
        """``initial``, ``viscosity``, and ``forcing`` where there is one."""
        return (*super().input_names(), *(["forcing"] if self.forcing_wave else []))

    def input_units(self) -> dict[str, str]:
        """Of the scalars."""
        return super().input_units() | ({"forcing": "m/s2"} if self.forcing_wave else {})

    def variables(self) -> dict[str, VariableInfo]:
        """Final vorticity (and velocity), energy and enstrophy; ``history`` of the vorticity if frames are kept."""

        def info(dims: tuple[str, ...], units: str, long_name: str) -> VariableInfo:
            return {"dims": dims, "units": units, "long_name": long_name}

        found = {
            "vorticity": info(self.dims, "1/s", "vorticity v_x - u_y at the final time"),
            "energy": info((), "m2/s2", "mean of (u^2 + v^2) / 2 at the final time"),
            "enstrophy": info((), "1/s2", "mean of w^2 / 2 at the final time"),
            "spectral_tail": info((), "1", "share of enstrophy in the upper tenth of the modes"),
        }
        if self.velocity:
            found["velocity_x"] = info(self.dims, "m/s", "velocity in x at the final time")
            found["velocity_y"] = info(self.dims, "m/s", "velocity in y at the final time")
        if self.frames:
            found["history"] = info(("time", *self.dims), "1/s", "vorticity v_x - u_y")
        return found

    def card(self) -> dict[str, Any]:
        """What a reader of the dataset must know."""
        force = f"-forcing k cos(k y), k = 2 pi {self.forcing_wave} / extent" if self.forcing_wave else "0"
        return super().card() | {
            "initial_condition": "w = initial less its mean at t = 0, in 1/s",
            "sign": "w = v_x - u_y: positive where the flow turns anticlockwise",
            "force": f"f = {force}",
            "drag": f"d = {self.drag:g} 1/s",
        }

    def start(self, initial: np.ndarray, given: Parameters) -> np.ndarray:
        """Modes of ``initial``, its mean left out."""
        modes = self.modes(initial)
        modes[:, 0, 0] = 0
        return modes

    def linear(self, k: np.ndarray, given: Parameters) -> np.ndarray:
        """-nu |k|^2 - d."""
        return np.asarray(-given["viscosity"] * np.abs(k) ** 2 - self.drag)

    def nonlinear(self, k: np.ndarray, given: Parameters) -> Nonlinearity:
        """-(u w_x + v w_y) + f.

        With k = k_x + i k_y the modes of u + i v are w / conj(k), those of u - i v are -w / k. Both are transformed
        along x for k_y >= 0; the rows of z for k_y < 0 are the conjugate of the latter. The way back is its mirror
        image: z^2 and its conjugate, and N = (conj(k)^2 [z^2] - k^2 [conj z^2]) / 4i.
        """
        runs, rows, points = len(given["viscosity"]), self._highest() + 1, self.points
        kind = np.result_type(self._real(), np.complex64)
        # The scale of the inverse transforms stands in the factors: SciPy would spend a tenth of their time on it.
        inverse = (np.where(k == 0, 0.0, 1 / np.where(k == 0, 1.0, k)) / points**2).astype(kind)
        kept = np.where(np.abs(self._along_x()) <= self._highest(), k, 0.0)
        factor = (kept.conj() ** 2 / 4j).astype(kind)
        to_z, to_conjugate, from_z, from_conjugate = inverse.conj(), -inverse, factor, factor.conj()
        force = self._force(given)
        # Four columns more than there are points: rows a power of two apart would share a few lines of the cache.
        room = np.zeros((runs, points, points + 4), dtype=kind)
        z, conjugate = room[..., :points], np.empty((runs, rows, points), dtype=kind)
        upper, lower = z[:, :rows], z[:, points - rows + 1 :]

        def transport(modes: np.ndarray, out: np.ndarray) -> None:
            np.multiply(to_z, modes, out=upper)
            np.multiply(to_conjugate, modes, out=conjugate)
            for part in (upper, conjugate):
                _in_place(_inverse, part, 2)
            z[:, rows : points - rows + 1] = 0
            np.conjugate(conjugate[:, :0:-1], out=lower)
            _in_place(_inverse, z, 1)
            np.multiply(room, room, out=room)
            _in_place(scipy.fft.fft, z, 1)
            np.conjugate(z[:, 0], out=conjugate[:, 0])
            np.conjugate(lower[:, ::-1], out=conjugate[:, 1:])
            for part in (upper, conjugate):
                _in_place(scipy.fft.fft, part, 2)
            np.multiply(from_z, upper, out=out)
            np.multiply(from_conjugate, conjugate, out=conjugate)
            out += conjugate
            out[:, self.forcing_wave, 0] += force

        return transport

    def measured(self, history: np.ndarray, modes: np.ndarray) -> dict[str, np.ndarray]:
        """See `Spectral.measured`."""
        k = self.wave_numbers()
        squared = np.where(k == 0, np.inf, np.abs(k) ** 2)
        stream, squares = modes / squared, self.squares(modes)
        velocity = {"velocity_x": k.imag, "velocity_y": -k.real}
        return {
            "vorticity": history[:, -1],
            "energy": 0.5 * (squares / squared).sum(axis=(1, 2)),
            "enstrophy": 0.5 * squares.sum(axis=(1, 2)),
            "spectral_tail": self.tail(modes),
            "history": history,
        } | ({name: self.values(1j * wave * stream) for name, wave in velocity.items()} if self.velocity else {})

    def _ratios(self) -> list[int]:
        """Those to coarser grids that hold the force."""
        return [ratio for ratio in super()._ratios() if (self.points // ratio - 1) // 3 >= self.forcing_wave]

    def _force(self, given: Parameters) -> np.ndarray:
        """The mode of f in (0, k), (run,)."""
        if not self.forcing_wave:
            return np.zeros(len(given["viscosity"]))
        k = 2 * np.pi * self.forcing_wave / self.extent
        return np.asarray(-0.5 * self.points**2 * k * given["forcing"][:, 0, 0])


_inverse = functools.partial(scipy.fft.ifft, norm="forward")


def _in_place(transform: Callable[..., np.ndarray], array: np.ndarray, axis: int) -> None:
    """The transform along an axis in place of the array, which SciPy may overwrite but need not."""
    found = transform(array, axis=axis, overwrite_x=True)
    if not np.may_share_memory(found, array):
        array[...] = found
