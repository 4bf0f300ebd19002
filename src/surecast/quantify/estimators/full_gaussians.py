r"""Gaussians with full covariances, fitted to weighted points one by one or in pairs.

    q_c(z) = N(z; mu_c, L_c L_c^T),    mu = sum w z/sum w,    L L^T = sum w (z - mu)(z - mu)^T/sum w

is the Gaussian of the least Kullback-Leibler divergence from the law that the weighted points stand for (De Boer,
Kroese, Mannor and Rubinstein 2005, section 3.2); a pair is found by weighted expectation maximisation, started on
either side of the mean along the widest direction. Few effective points draw the covariance towards the identity.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.linalg import solve_triangular

_LOG_TAU = float(np.log(2 * np.pi))
RIDGE = 1e-6
"""Added to every variance, so that no covariance is singular."""
SWEEPS = 12
SMALLEST_SHARE = 0.02
"""A part of a pair that keeps less than this share is no part of its own."""


@dataclass(frozen=True)
class FullGaussian:
    """Mean (d,) and lower Cholesky factor (d, d) of the covariance."""

    mean: np.ndarray
    factor: np.ndarray

    def log_density(self, z: np.ndarray) -> np.ndarray:
        """Logarithm of the density, (n, d) to (n,)."""
        away = solve_triangular(self.factor, (z - self.mean).T, lower=True, check_finite=False)
        return np.asarray(
            -0.5 * ((away * away).sum(axis=0) + len(self.mean) * _LOG_TAU) - np.log(np.diag(self.factor)).sum()
        )

    def transform(self, normals: np.ndarray) -> np.ndarray:
        """Draws from standard normals (n, d)."""
        return np.asarray(self.mean + normals @ self.factor.T)


def fit_one(z: np.ndarray, weights: np.ndarray) -> FullGaussian:
    """The Gaussian of weighted points.

    Parameters
    ----------
    z : (n, d) array
    weights : (n,) array, non-negative, not all 0
    """
    weights = weights / weights.sum()
    effective = 1 / float(np.square(weights).sum())
    mean = weights @ z
    away = z - mean
    d = z.shape[1]
    drawn = d / (d + effective)
    covariance = (1 - drawn) * (away * weights[:, None]).T @ away + (drawn + RIDGE) * np.eye(d)
    return FullGaussian(mean, np.linalg.cholesky(covariance))


def fit_pair(z: np.ndarray, weights: np.ndarray) -> list[FullGaussian]:
    """Two Gaussians of weighted points, or one where a second finds nothing of its own."""
    inside = weights > 0
    z, weights = z[inside], weights[inside] / weights.sum()
    whole = fit_one(z, weights)
    widest = np.linalg.svd(whole.factor)
    step = widest[0][:, 0] * widest[1][0]
    parts = [FullGaussian(whole.mean + sign * step, whole.factor) for sign in (1, -1)]
    shares = np.array([0.5, 0.5])
    for _ in range(SWEEPS):
        joint = np.stack([part.log_density(z) for part in parts], axis=1) + np.log(shares)
        owned = np.exp(joint - np.logaddexp(joint[:, :1], joint[:, 1:])) * weights[:, None]
        held = owned.sum(axis=0)
        effective = held**2 / np.maximum(np.square(owned).sum(axis=0), np.finfo(float).tiny)
        if held.min() < SMALLEST_SHARE or effective.min() < 3:
            return [whole]
        parts = [fit_one(z, owned[:, k]) for k in (0, 1)]
        shares = held / held.sum()
    return parts


def log_densities(components: Sequence[FullGaussian], z: np.ndarray) -> np.ndarray:
    """log q_c(z), (n, components)."""
    return np.stack([component.log_density(z) for component in components], axis=1)
