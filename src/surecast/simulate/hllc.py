r"""Euler's equations of an ideal gas for Godunov's method: the approximate Riemann solver HLLC.

    U = (rho, rho u, rho v, E),   W = (rho, u, v, p),   p = (g - 1) (E - rho (u^2 + v^2) / 2)

with g the adiabatic index. Between the two states K = L, R at a face run three waves, of speeds s_L, s_R and, between
them, the contact

    s = (p_R - p_L + m_L u_L - m_R u_R) / (m_L - m_R),   m_K = rho_K (s_K - u_K)

(Toro, Riemann Solvers and Numerical Methods for Fluid Dynamics, 3rd edition, 2009, equation 10.37). The flux is that of
the state behind the outer wave on the contact's side, with w = s there (w = u_K if s_K does not let anything back):

    rho = m_K / (s_K - w),   p = p_K + m_K (w - u_K),   e = e_K + (w - u_K) (w + p_K / m_K)

(equations 10.36 and 10.39 in other words). s_L and s_R are the smaller, and larger, of those of the states themselves
and of Roe's average (Batten, Clarke, Lambert and Causon, SIAM J. Sci. Comput. 18 (1997) 1553), which keeps densities
and pressures positive in first order.
"""

from __future__ import annotations

import numpy as np

from surecast.simulate.godunov import Law


class IdealGas(Law):
    """An ideal gas of a given adiabatic index."""

    trouble = "density or pressure is not positive, or not finite,"

    def __init__(self, adiabatic_index: float) -> None:
        self._index = adiabatic_index

    def conserved(self, w: np.ndarray) -> np.ndarray:
        """U of W, a new array."""
        state = w * w[0]
        state[0] = w[0]
        state[-1] = w[-1] / (self._index - 1) + 0.5 * (state[1:-1] * w[1:-1]).sum(axis=0)
        return np.asarray(state)

    def primitives(self, state: np.ndarray) -> np.ndarray:
        """See `Law.primitives`."""
        w = state / state[0]
        w[0] = state[0]
        np.copyto(w[-1], state[-1])
        for direction in range(1, len(w) - 1):
            w[-1] -= 0.5 * w[direction] * state[direction]
        w[-1] *= self._index - 1
        return np.asarray(w)

    def sound(self, w: np.ndarray) -> np.ndarray:
        """See `Law.sound`."""
        return np.asarray((w[0] > 0) & (w[-1] > 0) & (w[-1] < np.inf))

    def waves(self, w: np.ndarray) -> np.ndarray:
        """Speed of sound."""
        return np.asarray(np.sqrt(self._index * w[-1] / w[0]))

    def fluxes(self, left: np.ndarray, right: np.ndarray, direction: int) -> tuple[np.ndarray, np.ndarray]:
        """See `Law.fluxes`; both are the same."""
        normal = 1 + direction
        (density_l, u_l, p_l), (density_r, u_r, p_r) = ((w[0], w[normal], w[-1]) for w in (left, right))
        slowest, fastest = self._outer_waves((density_l, u_l, p_l), (density_r, u_r, p_r))
        m_l, m_r = density_l * (slowest - u_l), density_r * (fastest - u_r)
        contact = (p_r - p_l + (m_l * u_l - m_r * u_r)) / (m_l - m_r)
        from_left = contact >= 0
        density, u, p, m, outer = (
            np.where(from_left, before, behind)
            for before, behind in (
                (density_l, density_r), (u_l, u_r), (p_l, p_r), (m_l, m_r), (slowest, fastest)
            )
        )  # fmt: skip
        face = np.where((slowest >= 0) | (fastest <= 0), u, contact)
        change = face - u
        flux = np.empty_like(left)
        mass = np.multiply(m / (outer - face), face, out=flux[0])
        pressure = p + m * change
        np.add(mass * face, pressure, out=flux[normal])
        energy = p / ((self._index - 1) * density) + 0.5 * u * u + change * (face + p / m)
        for other in range(1, len(left) - 1):
            if other != normal:
                across = np.where(from_left, left[other], right[other])
                np.multiply(mass, across, out=flux[other])
                energy += 0.5 * across * across
        np.add(mass * energy, pressure * face, out=flux[-1])
        return flux, flux

    def _outer_waves(
        self, left: tuple[np.ndarray, ...], right: tuple[np.ndarray, ...]
    ) -> tuple[np.ndarray, np.ndarray]:
        """s_L and s_R, from density, normal velocity and pressure."""
        (density_l, u_l, p_l), (density_r, u_r, p_r) = left, right
        square_l, square_r = self._index * p_l / density_l, self._index * p_r / density_r
        share_l, share_r = np.sqrt(density_l), np.sqrt(density_r)
        total = share_l + share_r
        share_l /= total
        share_r /= total
        mean = share_l * u_l + share_r * u_r
        jump = u_r - u_l
        square = share_l * square_l + share_r * square_r + (0.5 * (self._index - 1)) * (share_l * share_r) * jump * jump
        wave = np.sqrt(square)
        return np.minimum(u_l - np.sqrt(square_l), mean - wave), np.maximum(u_r + np.sqrt(square_r), mean + wave)
