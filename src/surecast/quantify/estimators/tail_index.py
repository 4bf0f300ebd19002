"""Tail index of importance weights: the shape k of a generalised Pareto law fitted to the largest ones.

Weights with a tail of index k have finite moments below the order 1/k; a mean of them is reliable for k < 0.7
(Vehtari, Simpson, Gelman, Yao and Gabry 2024, Journal of Machine Learning Research 25(72), "Pareto smoothed
importance sampling"). The fit is the empirical Bayes one of Zhang and Stephens (2009, Technometrics 51), with the
weak prior of the former, k <- (M k + 10/2)/(M + 10).
"""

from __future__ import annotations

import numpy as np

LARGEST = 0.7
"""Index above which a mean of weights is not trusted."""
_LEAST = 5


def tail_index(values: np.ndarray) -> float:
    """Index k of positive values (n,), from the M = min(n/5, 3 sqrt(n)) largest; 1 where these are fewer than five.

    Values that are all equal in their tail have a bounded one: k = 0.
    """
    ordered = np.sort(values[values > 0])
    n = len(ordered)
    count = int(min(n / 5, 3 * np.sqrt(n)))
    if count < _LEAST:
        return 1.0
    excess = ordered[-count:] - ordered[-count - 1]
    excess = excess[excess > 1e-9 * ordered[-1]]
    if len(excess) < _LEAST:
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
