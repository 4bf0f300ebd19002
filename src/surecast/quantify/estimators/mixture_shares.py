r"""Shares of a mixture by convex optimisation: the least variance of importance sampling.

    min over the simplex of  F(alpha) = mean_i[s_i/(G alpha)_i],    dF/dalpha_c = -mean_i[s_i G_ic/(G alpha)_i^2]

with s_i the squared integrand and G_ic the components' densities, over the density of the points (Demange-Chryst,
Bachoc and Morio 2022, arXiv 2212.00568). F is convex: 1/q is, and q is linear in alpha.
"""

from __future__ import annotations

import numpy as np
from scipy.optimize import minimize

SMALLEST = 1e-11
"""Least share of a component in the search for shares."""


def best_shares(parts: np.ndarray, square: np.ndarray, start: np.ndarray, defence: float) -> np.ndarray:
    """Shares on the simplex that minimise mean[square/(parts . shares)], by sequential quadratic programming.

    Parameters
    ----------
    parts : (n, C) array
        Densities of the components over that of the points.
    square : (n,) array
        Squared integrands over the squared density of the points.
    start : (C,) array
        Where the search begins, and what is kept if it fails.
    defence : float
        Least share of the first two together, half each.
    """
    used = square > 0
    parts, square = parts[used], square[used] / max(float(square.mean()), np.finfo(float).tiny)
    if not len(square):
        return start

    def objective(alpha: np.ndarray) -> tuple[float, np.ndarray]:
        q = parts @ alpha
        ratio = square / q
        return float(ratio.mean()), -(ratio / q) @ parts / len(q)

    low = np.full(len(start), SMALLEST)
    low[:2] = 0.5 * defence
    base = objective(start)[0]
    found = minimize(
        lambda alpha: tuple(part / base for part in objective(alpha)),
        start,
        jac=True,
        method="SLSQP",
        bounds=[(least, 1.0) for least in low],
        constraints={"type": "eq", "fun": lambda a: a.sum() - 1, "jac": np.ones_like},
        options={"maxiter": 60, "ftol": 1e-5},
    )
    alpha = np.maximum(np.where(np.isfinite(found.x), found.x, start), low)
    alpha /= alpha.sum()
    return alpha if objective(alpha)[0] < base else start
