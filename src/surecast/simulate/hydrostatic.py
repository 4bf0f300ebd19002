r"""Shallow water for Godunov's method: hydrostatic reconstruction, which leaves a lake at rest to the last bit.

    U = (l, h u, h v),   W = (l, u, v, h),   l = h + b

h is the depth, b the bed, l the level of the surface. Level and depth are linear in a cell, and so is the bed,
b = l - h. At a face the states L and R see the higher of both beds,

    b' = max(b_L, b_R),   h'_K = max(0, l_K - b')

(Audusse, Bouchut, Bristeau, Klein and Perthame, SIAM J. Sci. Comput. 25 (2004) 2050), and the flux F of HLL (Toro,
Shock-Capturing Methods for Free-Surface Shallow Flows, 2001, chapter 10) between h'_L and h'_R. The pressure that these
lack, the source in the cell and its own pressure sum up to one difference of levels; what a cell loses of its momentum
along x is

    (F - g h'_L^2 / 2) at its right face - (F - g h'_R^2 / 2) at its left face + g h (l_right - l_left).

With the level, not the depth, among the conserved quantities all three terms are exactly zero where l is constant and
nothing moves. What flows along a face is carried by the water that passes it (as in HLLC).
"""

from __future__ import annotations

import numpy as np

from surecast.simulate.godunov import Law

DRY = 1e-6  # of the run's largest depth at first: shallower water does not move, lest its speed be rounding
NEGATIVE = 1e-9  # of the same: a depth that is below zero by more is no rounding


class Water(Law):
    """Shallow water over a bed.

    Parameters
    ----------
    gravity : float
        m/s2.
    bed : ndarray, shape (run, cell)
        b, m, ghost cells included.
    state : ndarray, shape (quantity, run, cell)
        U at first, by which depths are judged.
    """

    trouble = "the depth is negative, or not finite,"

    def __init__(self, gravity: float, bed: np.ndarray, state: np.ndarray) -> None:
        self._gravity, self._bed = gravity, bed
        deepest = (state[0] - bed).max(axis=1, keepdims=True)
        self._dry, self._negative = DRY * deepest, -NEGATIVE * deepest

    def primitives(self, state: np.ndarray) -> np.ndarray:
        """See `Law.primitives`; water that is too shallow is at rest."""
        depth = state[0] - self._bed
        w = np.concatenate([state, depth[None]])
        w[1:-1] /= np.where(depth > self._dry, depth, np.inf)
        return w

    def tidy(self, state: np.ndarray) -> np.ndarray:
        """See `Law.tidy`: no depth below zero by rounding, no momentum of water that is too shallow."""
        depth = state[0] - self._bed
        np.copyto(state[0], self._bed, where=(depth < 0) & (depth >= self._negative))
        np.copyto(state[1:], 0.0, where=depth <= self._dry)
        return state

    def sound(self, w: np.ndarray) -> np.ndarray:
        """See `Law.sound`."""
        found = (w[-1] >= self._negative) & (w[-1] < np.inf)
        for velocity in w[1:-1]:
            found &= np.abs(velocity) < np.inf
        return np.asarray(found)

    def waves(self, w: np.ndarray) -> np.ndarray:
        """Speed of long waves, sqrt(g h)."""
        return np.asarray(np.sqrt(self._gravity * w[-1]))

    def fluxes(self, left: np.ndarray, right: np.ndarray, direction: int) -> tuple[np.ndarray, np.ndarray]:
        """See `Law.fluxes`; less the pressure that either side has at its face."""
        normal = 1 + direction
        bed = np.maximum(left[0] - left[-1], right[0] - right[-1])
        h_l, h_r = np.maximum(left[0] - bed, 0.0), np.maximum(right[0] - bed, 0.0)
        u_l, u_r = left[normal], right[normal]
        slowest, fastest = self._outer_waves(h_l, u_l, h_r, u_r)
        width = fastest - slowest
        width += width == 0  # no water on either side: no flux
        # HLL as mean and differences: exact where both sides agree, and the same seen from either side.
        upwind, spread = 0.5 * (fastest + slowest) / width, fastest * slowest / width
        flow_l, flow_r = h_l * u_l, h_r * u_r
        pressure_l, pressure_r = (0.5 * self._gravity) * h_l * h_l, (0.5 * self._gravity) * h_r * h_r
        momentum_l, momentum_r = flow_l * u_l + pressure_l, flow_r * u_r + pressure_r
        leaving = np.empty((len(left) - 1, *left.shape[1:]))
        mass = leaving[0]
        mass[...] = 0.5 * (flow_l + flow_r) + upwind * (flow_l - flow_r) + spread * (h_r - h_l)
        for other in range(1, len(leaving)):
            if other != normal:
                np.multiply(mass, np.where(mass >= 0, left[other], right[other]), out=leaving[other])
        momentum = 0.5 * (momentum_l + momentum_r) + upwind * (momentum_l - momentum_r) + spread * (flow_r - flow_l)
        entering = leaving.copy()
        np.subtract(momentum, pressure_l, out=leaving[normal])
        np.subtract(momentum, pressure_r, out=entering[normal])
        return leaving, entering

    def within(self, low: np.ndarray, high: np.ndarray, direction: int) -> np.ndarray:
        """See `Law.within`: g h (l_right - l_left)."""
        return np.asarray((0.5 * self._gravity) * (low[-1] + high[-1]) * (high[0] - low[0]))

    def _outer_waves(
        self, h_l: np.ndarray, u_l: np.ndarray, h_r: np.ndarray, u_r: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Speeds of the slowest and the fastest wave, not above and not below 0.

        Those of the states and of Roe's average (Einfeldt); towards dry land that of the front, u + 2 sqrt(g h).
        """
        c_l, c_r = np.sqrt(self._gravity * h_l), np.sqrt(self._gravity * h_r)
        total = c_l + c_r
        total += total == 0
        mean = (c_l * u_l + c_r * u_r) / total
        wave = np.sqrt((0.5 * self._gravity) * (h_l + h_r))
        slowest, fastest = np.minimum(u_l - c_l, mean - wave), np.maximum(u_r + c_r, mean + wave)
        slowest = np.where(h_l > 0, np.where(h_r > 0, slowest, u_l - c_l), u_r - 2 * c_r)
        fastest = np.where(h_r > 0, np.where(h_l > 0, fastest, u_r + c_r), u_l + 2 * c_l)
        return np.minimum(slowest, 0.0), np.maximum(fastest, 0.0)
