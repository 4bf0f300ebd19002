"""Fixed points of many maps at once, by Anderson's acceleration.

    u = G(u),   f_n = G(u_n) - u_n,
    u_n+1 = G(u_n) - sum_j c_j (G(u_n-m+j) - G(u_n-m+j-1)),   c = argmin |f_n - sum_j c_j (f_n-m+j - f_n-m+j-1)|

with the last m differences (Anderson, J. ACM 12 (1965) 547-560; Walker and Ni, SIAM J. Numer. Anal. 49 (2011)
1715-1735). Where the accelerated state is not admissible the plain one, G(u_n), takes its place and the differences are
forgotten; a run whose plain state is not admissible either has no fixed point within reach. A run that has converged or
failed no longer moves, and no number passes from one run to another: its bits do not depend on them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

SMALLEST = 1e-12  # share of the largest squared difference below which a direction adds nothing but rounding


@dataclass(frozen=True)
class FixedPoint:
    """Fixed points of a batch.

    Attributes
    ----------
    u : ndarray, shape (batch, ...)
        The last states at which G was evaluated.
    change : ndarray, shape (batch,)
        |G(u) - u| / |G(u)| at the end.
    iterations : ndarray of int, shape (batch,)
        Evaluations of G.
    converged, lost : ndarray of bool, shape (batch,)
        Whether the change met the tolerance; whether the run left the admissible states.
    """

    u: np.ndarray
    change: np.ndarray
    iterations: np.ndarray
    converged: np.ndarray
    lost: np.ndarray


def fixed_points(
    image: Callable[[np.ndarray], np.ndarray],
    start: np.ndarray,
    admissible: Callable[[np.ndarray], np.ndarray],
    *,
    tolerance: float = 1e-9,
    max_iterations: int = 100,
    depth: int = 5,
) -> FixedPoint:
    """Find a fixed point of each run's map.

    Parameters
    ----------
    image : callable
        G: states (batch, ...) to states, each run's from its own alone.
    start : ndarray, shape (batch, ...)
        First states, admissible ones.
    admissible : callable
        States to booleans (batch,): where G is defined.
    tolerance : float
        Relative change in G(u) - u at which a run has converged.
    max_iterations : int
        Evaluations of G after which a run that has not converged is given up.
    depth : int
        Differences that are kept (m); 0 for the plain iteration.
    """
    batch = len(start)
    u = start.copy()
    change, iterations = np.full(batch, np.inf), np.zeros(batch, dtype=np.int64)
    converged, lost = np.zeros(batch, dtype=bool), np.zeros(batch, dtype=bool)
    histories = [_History(depth) for _ in range(batch)]
    for _ in range(max_iterations):
        moving = ~(converged | lost)
        if not moving.any():
            break
        images = image(u)
        plain = admissible(images)
        moved = np.zeros(batch, dtype=bool)
        for run in np.flatnonzero(moving):
            g, f = images[run], images[run] - u[run]
            iterations[run] += 1
            size, length = np.sqrt(_dot(g, g)), np.sqrt(_dot(f, f))
            change[run] = length / size if size > 0 else length
            lost[run] = not plain[run]  # what is not finite is not admissible
            converged[run] = plain[run] and change[run] <= tolerance
            if not lost[run] and not converged[run] and iterations[run] < max_iterations:
                u[run] = histories[run].accelerated(g, f)
                moved[run] = True
        for run in np.flatnonzero(moved & ~admissible(u)):
            u[run] = images[run]
            histories[run].forget()
    return FixedPoint(u, change, iterations, converged, lost)


class _History:
    """Last images and residuals of one run."""

    def __init__(self, depth: int) -> None:
        self._depth = depth
        self.forget()

    def forget(self) -> None:
        """Start anew."""
        self._g: list[np.ndarray] = []
        self._f: list[np.ndarray] = []

    def accelerated(self, g: np.ndarray, f: np.ndarray) -> np.ndarray:
        """The next state, from the image and the residual of this one."""
        self._g, self._f = [*self._g, g.copy()][-self._depth - 1 :], [*self._f, f.copy()][-self._depth - 1 :]
        images, residuals = np.diff(self._g, axis=0), np.diff(self._f, axis=0)
        if not len(residuals):
            return g.copy()
        products = np.array([[_dot(one, other) for other in residuals] for one in residuals])
        values, vectors = np.linalg.eigh(products)
        kept = values > SMALLEST * values[-1]
        right = np.array([_dot(one, f) for one in residuals])
        weights = np.zeros(len(residuals))
        for value, vector in zip(values[kept], vectors.T[kept], strict=True):
            weights += vector * ((vector * right).sum() / value)
        following = g.copy()
        for weight, one in zip(weights, images, strict=True):
            following -= weight * one
        return following


def _dot(one: np.ndarray, other: np.ndarray) -> float:
    return float((one * other).sum())
