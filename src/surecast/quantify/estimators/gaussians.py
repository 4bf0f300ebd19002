"""Mixtures of Gaussians in standard-normal space: q(z) = sum_k alpha_k N(z; mu_k, I + U_k diag(lambda_k - 1) U_k^T).

The covariance departs from the identity in a few directions only, those whose eigenvalue lambda costs
most in Kullback-Leibler divergence, (lambda - 1 - log lambda)/2, and lies outside what n samples of the
identity would show (Marchenko and Pastur 1967). So the weights stay bounded in tens of dimensions (El
Masri, Morio and Simatos 2021).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import logsumexp

_LOG_TAU = float(np.log(2 * np.pi))
WIDER = 1.2
"""Fitted variances are widened by this factor: a proposal with lighter tails than its target has unbounded weights."""
SMALLEST_SHARE = 1e-3
"""Components of a smaller share are dropped."""


@dataclass(frozen=True)
class Gaussian:
    """One component: mean (d,), orthonormal directions (d, r), variances (r,) along them, `scale`^2 elsewhere."""

    mean: np.ndarray
    directions: np.ndarray
    variances: np.ndarray
    scale: float = 1.0

    def log_density(self, z: np.ndarray) -> np.ndarray:
        """Logarithm of the density, (n, d) to (n,)."""
        away = z - self.mean
        along = away @ self.directions
        squares = (away * away).sum(axis=1) / self.scale**2
        squares += (along * along * (1 / self.variances - 1 / self.scale**2)).sum(axis=1)
        d, r = self.directions.shape
        return -0.5 * (squares + d * _LOG_TAU + np.log(self.variances).sum() + 2 * (d - r) * np.log(self.scale))

    def transform(self, normals: np.ndarray) -> np.ndarray:
        """Draws from standard normals (n, d)."""
        along = normals @ self.directions
        return self.mean + self.scale * normals + (along * (np.sqrt(self.variances) - self.scale)) @ self.directions.T


def isotropic(dimension: int, scale: float) -> Gaussian:
    """N(0, scale^2 I): the input law (scale 1), or the input law inflated."""
    return Gaussian(np.zeros(dimension), np.zeros((dimension, 0)), np.zeros(0), scale)


def fit_gaussian(z: np.ndarray, weights: np.ndarray, rank: int) -> Gaussian:
    """Shift and low-rank covariance of weighted samples.

    Parameters
    ----------
    z : (n, d) array
    weights : (n,) array, non-negative
    rank : int
        Largest number of directions whose variance is not 1.
    """
    weights = weights / weights.sum()
    effective = 1 / float(np.square(weights).sum())
    mean = weights @ z
    d = z.shape[1]
    if effective < 2 * d + 10:  # too few for a covariance
        return Gaussian(mean, np.zeros((d, 0)), np.zeros(0))
    away = z - mean
    values, vectors = np.linalg.eigh((away * weights[:, None]).T @ away * effective / (effective - 1))
    edge = np.sqrt(d / effective)
    outside = (values < (1 - min(edge, 0.95)) ** 2) | (values > (1 + edge) ** 2)
    values = np.maximum(values, 1e-3)
    cost = np.where(outside, values - 1 - np.log(values), -1.0)
    kept = [k for k in np.argsort(-cost, kind="stable")[:rank] if cost[k] > 0]
    return Gaussian(mean, np.ascontiguousarray(vectors[:, kept]), WIDER * values[kept])


@dataclass(frozen=True)
class Mixture:
    """Components with their shares (which sum to 1)."""

    components: tuple[Gaussian, ...]
    shares: np.ndarray

    def log_densities(self, z: np.ndarray) -> np.ndarray:
        """log alpha_k + log q_k, (n, components)."""
        with np.errstate(divide="ignore"):
            shares = np.log(self.shares)
        return np.stack([c.log_density(z) for c in self.components], axis=1) + shares

    def log_density(self, z: np.ndarray) -> np.ndarray:
        """log q, (n,)."""
        return np.asarray(logsumexp(self.log_densities(z), axis=1))

    def draw(self, generator: np.random.Generator, count: int) -> np.ndarray:
        """Independent draws (count, d) in random order of components."""
        chosen = np.searchsorted(np.cumsum(self.shares)[:-1], generator.random(count), side="right")
        normals = generator.standard_normal((count, len(self.components[0].mean)))
        z = np.empty_like(normals)
        for index, component in enumerate(self.components):
            z[chosen == index] = component.transform(normals[chosen == index])
        return z


def fit_shares(log_densities: np.ndarray, weights: np.ndarray, least: float, sweeps: int = 50) -> np.ndarray:
    """Shares that minimise the cross-entropy of weighted samples, by expectation maximisation.

    Parameters
    ----------
    log_densities : (n, components) array
        log q_k without shares.
    weights : (n,) array
    least : float
        Floor under every share, as a part of an equal share.
    """
    count = log_densities.shape[1]
    shares = np.full(count, 1 / count)
    if weights.sum() <= 0:
        return shares
    for _ in range(sweeps):
        joint = log_densities + np.log(shares)
        part = np.exp(joint - logsumexp(joint, axis=1, keepdims=True))
        shares = weights @ part / weights.sum()
        shares = np.maximum(shares, least / count)
        shares /= shares.sum()
    return shares


def maximise(
    components: Sequence[Gaussian], shares: np.ndarray, z: np.ndarray, weights: np.ndarray, rank: int, sweeps: int = 8
) -> tuple[list[Gaussian], np.ndarray]:
    """Refit a mixture to weighted samples by expectation maximisation; components that lose their samples go.

    Parameters
    ----------
    components, shares
        Where it starts.
    z : (n, d) array
    weights : (n,) array, non-negative
    """
    kept, parts = list(components), np.asarray(shares, dtype=np.float64)
    inside = weights > 0
    z, weights = z[inside], weights[inside] / weights.sum()
    for _ in range(sweeps):
        joint = Mixture(tuple(kept), parts).log_densities(z)
        owned = np.exp(joint - logsumexp(joint, axis=1, keepdims=True)) * weights[:, None]
        held = owned.sum(axis=0)
        effective = held**2 / np.maximum(np.square(owned).sum(axis=0), np.finfo(float).tiny)
        alive = np.flatnonzero((held > SMALLEST_SHARE) & (effective >= 5))
        if not alive.size:
            break
        kept = [fit_gaussian(z, owned[:, k], rank) for k in alive]
        parts = held[alive] / held[alive].sum()
    return kept, parts


def fit_mixture(z: np.ndarray, rank: int, most: int, seed: int) -> tuple[list[Gaussian], np.ndarray]:
    """Components and shares fitted to samples; their number, 1 to `most`, by the likelihood of the half held out.

    Groups are found by k-means (k-means++ start).
    """
    learn, judge = z[::2], z[1::2]
    best, best_score = 1, -np.inf
    for count in range(1, most + 1):
        components, shares = _grouped(learn, count, rank, seed)
        score = float(Mixture(tuple(components), shares).log_density(judge).mean())
        if score > best_score + 0.02:
            best, best_score = count, score
    return _grouped(z, best, rank, seed)


def _grouped(z: np.ndarray, count: int, rank: int, seed: int) -> tuple[list[Gaussian], np.ndarray]:
    from scipy.cluster.vq import ClusterError, kmeans2

    # An exploration whose moves are refused repeats its samples, and points that coincide cannot be told apart.
    count = min(count, len(np.unique(z, axis=0)))
    if count == 1:
        return [fit_gaussian(z, np.ones(len(z)), rank)], np.ones(1)
    try:
        _, owner = kmeans2(z, count, minit="++", rng=np.random.default_rng(seed), iter=30, missing="raise")
    except ClusterError:  # a group lost every sample to its neighbours on the way: there are not that many
        return _grouped(z, count - 1, rank, seed)
    sizes = np.bincount(owner, minlength=count)
    kept: Sequence[int] = [k for k in range(count) if sizes[k] >= 5]
    if not kept:
        return _grouped(z, count - 1, rank, seed)
    shares = sizes[kept] / sizes[kept].sum()
    return [fit_gaussian(z[owner == k], np.ones(sizes[k]), rank) for k in kept], shares
