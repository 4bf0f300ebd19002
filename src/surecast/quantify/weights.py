"""Importance weights: how many runs they are worth, how heavy their tail is, and the doubts that follow.

Effective number (Kish 1965):  (sum w)^2 / sum w^2.
Tail index k:  P(w > u + x) ~ (1 + k x/sigma)^(-1/k) for the largest weights; moments of order below 1/k are finite.
"""

from __future__ import annotations

import math

import numpy as np

TAIL_INDEX = 0.7
"""Largest tail index of weights that any number of them can bear (Vehtari et al. 2024, section 3.2)."""
_LEAST_EXCESSES = 5


def effective_number(weights: np.ndarray) -> float:
    """Effective number (sum w)^2/sum w^2 of weights; 0 without a positive one."""
    top = float(weights.max(initial=0.0))
    if not 0 < top < math.inf:
        return 0.0
    scaled = weights / top  # squares of large weights would overflow
    return float(scaled.sum()) ** 2 / float(np.square(scaled).sum())


def tail_index(values: np.ndarray) -> float:
    """Tail index k of positive values (n,): shape of a generalised Pareto law fitted to the largest of them.

    P(w > u + x) ~ (1 + k x/sigma)^(-1/k): the moments of order below 1/k are finite. The empirical Bayes fit of
    Zhang and Stephens (2009, Technometrics 51) to the M = min(n/5, 3 sqrt(n)) largest, drawn towards 1/2 as by ten
    more, k <- (M k + 10/2)/(M + 10) (Vehtari et al. 2024). 1 where these are fewer than five: nothing is known of the
    tail. 0 where they are equal: bounded.
    """
    ordered = np.sort(values[values > 0])
    n = len(ordered)
    count = int(min(n / 5, 3 * np.sqrt(n)))
    if count < _LEAST_EXCESSES:
        return 1.0
    excess = ordered[-count:] - ordered[-count - 1]
    excess = excess[excess > 1e-9 * ordered[-1]]
    if len(excess) < _LEAST_EXCESSES:
        return 0.0
    k = -_shape(excess)
    return (len(excess) * k + 5) / (len(excess) + 10)


def _shape(x: np.ndarray) -> float:
    """-k of sorted excesses x: profile likelihood averaged over a grid of theta (Zhang and Stephens, section 3)."""
    n = len(x)
    points = 30 + int(np.sqrt(n))
    quartile = x[int(n / 4 + 0.5) - 1]
    theta = 1 / x[-1] + (1 - np.sqrt(points / (np.arange(1, points + 1) - 0.5))) / (3 * quartile)
    shapes = -np.log1p(-theta[:, None] * x).mean(axis=1)
    profile = n * (np.log(theta / shapes) + shapes - 1)
    weights = np.exp(profile - profile.max())
    best = float(theta @ weights / weights.sum())
    return float(-np.log1p(-best * x).mean())


def weight_reasons(weights: np.ndarray, least: float, what: str = "runs") -> tuple[str, ...]:
    """Doubts about importance weights: overflow, effective number below `least`, too heavy a tail.

    Parameters
    ----------
    weights : (n,) array
        Ratios of densities, non-negative.
    least : float
        Effective number that is asked for.
    what : str
        What is weighted, in words.
    """
    if not np.isfinite(weights).all():
        return (f"the weights of the {what} overflow: the sampled law is too far from the one asked about",)
    found: list[str] = []
    effective = effective_number(weights)
    if effective < least:
        found.append(f"the effective number of {what}, {effective:.0f}, is below {least:.0f}")
    if len(weights) >= 5 * _LEAST_EXCESSES:
        k, bearable = tail_index(weights), min(1 - 1 / math.log10(len(weights)), TAIL_INDEX)
        if k > bearable:
            found.append(
                f"the tail index of the weights, {k:.2f}, is above {bearable:.2f}, so their mean may hang on few"
            )
    return tuple(found)
