r"""The exact solution of Riemann's problem for an ideal gas: a shock tube.

    (rho, u, p) = left at x < 0, right at x > 0,   t = 0

The pressure p* and the velocity u* between the outer waves follow from f_L(p*) + f_R(p*) + u_R - u_L = 0, where for
either side K, with c the speed of sound and g the adiabatic index,

    f_K(p) = (p - p_K) (A_K / (p + B_K))^1/2                        where p > p_K: a shock,
    f_K(p) = 2 c_K / (g - 1) ((p / p_K)^((g - 1) / (2 g)) - 1)      where p <= p_K: a rarefaction,
    A_K = 2 / ((g + 1) rho_K),   B_K = p_K (g - 1) / (g + 1)

and u* = (u_L + u_R + f_R(p*) - f_L(p*)) / 2. The solution depends on x / t alone (Toro, Riemann Solvers and Numerical
Methods for Fluid Dynamics, 3rd edition, 2009, equations 4.5 to 4.9 and section 4.5).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq

from surecast.study.errors import SimulationError


@dataclass(frozen=True)
class State:
    """A uniform state: density (kg/m3), velocity (m/s), pressure (Pa)."""

    density: float
    velocity: float
    pressure: float


@dataclass(frozen=True)
class ShockTube:
    """Two states that meet at x = 0, t = 0, and what comes of them.

    Raises
    ------
    SimulationError
        If a density or pressure is not positive, or if the states move apart so fast that a vacuum is left.
    """

    left: State
    right: State
    adiabatic_index: float = 1.4

    def __post_init__(self) -> None:
        """Refuse what has no solution of this form."""
        if min(self.left.density, self.left.pressure, self.right.density, self.right.pressure) <= 0:
            raise SimulationError("a density or pressure of the shock tube is not positive.", "give positive ones.")
        escape = 2 * (self._sound(self.left) + self._sound(self.right)) / (self.adiabatic_index - 1)
        if self.right.velocity - self.left.velocity >= escape:  # Toro, equation 4.40
            raise SimulationError(
                "the states of the shock tube leave a vacuum.", f"let them move apart at less than {escape:.6g} m/s."
            )

    def star(self) -> tuple[float, float]:
        """p* and u*."""

        def gap(pressure: float) -> float:
            return self._change(self.left, pressure) + self._change(self.right, pressure) + jump

        jump = self.right.velocity - self.left.velocity
        high = max(self.left.pressure, self.right.pressure)
        while gap(high) < 0:
            high *= 2
        pressure = brentq(gap, 0.0, high, xtol=1e-15 * high, rtol=1e-14)
        velocity = 0.5 * (self.left.velocity + self.right.velocity)
        velocity += 0.5 * (self._change(self.right, pressure) - self._change(self.left, pressure))
        return float(pressure), float(velocity)

    def star_densities(self) -> tuple[float, float]:
        """Densities to the left and to the right of the contact."""
        pressure, _ = self.star()
        return self._behind(self.left, pressure), self._behind(self.right, pressure)

    def at(self, speed: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Density, velocity and pressure where x / t = `speed` (m/s), of its shape."""
        pressure, velocity = self.star()
        speed = np.asarray(speed, dtype=np.float64)
        left = self._side(self.left, speed, pressure, velocity, 1.0)
        right = self._side(self.right, -speed, pressure, -velocity, -1.0)
        density, moving, pressures = np.where(speed < velocity, left, right)
        return density, moving, pressures

    def _side(self, state: State, speed: np.ndarray, pressure: float, velocity: float, sign: float) -> np.ndarray:
        """Density, velocity, pressure up to the contact from one side, as if that were the left (sign -1: a mirror)."""
        g, sound, own = self.adiabatic_index, self._sound(state), sign * state.velocity
        outer = np.array([state.density, state.velocity, state.pressure])
        inner = np.array([self._behind(state, pressure), sign * velocity, pressure])
        shape = (3, *(1,) * speed.ndim)
        if pressure > state.pressure:
            ratio = pressure / state.pressure
            shock = own - sound * np.sqrt((g + 1) / (2 * g) * ratio + (g - 1) / (2 * g))
            return np.asarray(np.where(speed < shock, outer.reshape(shape), inner.reshape(shape)))
        head, tail = own - sound, velocity - sound * (pressure / state.pressure) ** ((g - 1) / (2 * g))
        part = 2 / (g + 1) + (g - 1) / ((g + 1) * sound) * (own - np.clip(speed, head, tail))
        fan = np.stack([
            state.density * part ** (2 / (g - 1)),
            sign * 2 / (g + 1) * (sound + 0.5 * (g - 1) * own + np.clip(speed, head, tail)),
            state.pressure * part ** (2 * g / (g - 1)),
        ])  # fmt: skip
        return np.asarray(
            np.where(speed < head, outer.reshape(shape), np.where(speed > tail, inner.reshape(shape), fan))
        )

    def _change(self, state: State, pressure: float) -> float:
        """f_K."""
        g = self.adiabatic_index
        if pressure > state.pressure:
            a, b = 2 / ((g + 1) * state.density), state.pressure * (g - 1) / (g + 1)
            return float((pressure - state.pressure) * np.sqrt(a / (pressure + b)))
        ratio = pressure / state.pressure
        return float(2 * self._sound(state) / (g - 1) * (ratio ** ((g - 1) / (2 * g)) - 1))

    def _behind(self, state: State, pressure: float) -> float:
        """Density behind the outer wave."""
        g, ratio = self.adiabatic_index, pressure / state.pressure
        if ratio > 1:
            small = (g - 1) / (g + 1)
            return state.density * (ratio + small) / (small * ratio + 1)
        return float(state.density * ratio ** (1 / g))

    def _sound(self, state: State) -> float:
        return float(np.sqrt(self.adiabatic_index * state.pressure / state.density))
