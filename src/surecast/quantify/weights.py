"""Importance weights: how many runs they are worth, how heavy their tail is, and the doubts that follow.

Effective number (Kish 1965):  (sum w)^2 / sum w^2.
Tail index k:  P(w > u + x) ~ (1 + k x/sigma)^(-1/k) for the largest weights; moments of order below 1/k are finite.
"""

from __future__ import annotations

import math

import numpy as np

TAIL_INDEX = 0.7
"""Largest tail index of weights that any number of them can bear (Vehtari et al. 2024, section 3.2)."""


def effective_number(weights: np.ndarray) -> float:
    """Effective number (sum w)^2/sum w^2 of weights; 0 without a positive one."""
    top = float(weights.max(initial=0.0))
    if not 0 < top < math.inf:
        return 0.0
    scaled = weights / top  # squares of large weights would overflow
    return float(scaled.sum()) ** 2 / float(np.square(scaled).sum())


def tail_index(weights: np.ndarray) -> float:
    """Tail index k of weights: shape of a generalised Pareto law fitted to the largest of them.

    P(w > u + x) ~ (1 + k x/sigma)^(-1/k): the moments of order below 1/k are finite. The posterior mean of
    Zhang and Stephens (2009, Technometrics 51) over the largest min(n/5, 3 sqrt(n)) excesses, drawn towards
    1/2 as by ten more (Vehtari et al. 2024). -inf where the largest weights are equal: bounded.
    """
    n = len(weights)
    count = math.ceil(min(0.2 * n, 3 * math.sqrt(n)))
    if count < 5:
        return -math.inf
    ordered = np.sort(weights)[-count - 1 :]
    excess = ordered[1:] - ordered[0]
    if not 1e-12 * ordered[-1] < excess[-1] < math.inf or excess[(count + 2) // 4 - 1] <= 0:
        return -math.inf
    grid = 30 + int(math.sqrt(count))
    b = (1 - np.sqrt(grid / (np.arange(1, grid + 1) - 0.5))) / (3 * excess[(count + 2) // 4 - 1]) + 1 / excess[-1]
    shape = np.log1p(-b[:, None] * excess).mean(axis=1)
    likelihood = count * (np.log(-b / shape) - shape - 1)
    posterior = np.exp(likelihood - likelihood.max())
    best = float((b * posterior).sum() / posterior.sum())
    k = float(np.log1p(-best * excess).mean())
    return (count * k + 5) / (count + 10)


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
    if len(weights) > 10:
        k, bearable = tail_index(weights), min(1 - 1 / math.log10(len(weights)), TAIL_INDEX)
        if k > bearable:
            found.append(
                f"the tail index of the weights, {k:.2f}, is above {bearable:.2f}, so their mean may hang on few"
            )
    return tuple(found)
