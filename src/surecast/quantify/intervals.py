"""Confidence intervals: Student's t, exact binomial, weighted counts, and sums of parts that are each known so well.

Every function returns ``(low, high)`` at a two-sided confidence level.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from scipy import special

Interval = tuple[float, float]


def t_quantile(level: float, dof: float) -> float:
    """Two-sided quantile of Student's t: P(|T| < q) = level. Real degrees of freedom are allowed."""
    return float(special.stdtrit(max(dof, 1e-3), 0.5 + 0.5 * level))


def t_interval(value: float, standard_error: float, dof: float, level: float) -> Interval:
    """value -+ t standard_error; unbounded without degrees of freedom."""
    if dof <= 0 or not math.isfinite(standard_error):
        return -math.inf, math.inf
    half = t_quantile(level, dof) * standard_error
    return value - half, value + half


def positive_t_interval(value: float, standard_error: float, dof: float, level: float) -> Interval:
    """t interval of the logarithm (delta method), for positive statistics such as a variance.

    log v has standard error se/v. Skewed outputs make variance estimates skewed to the right: the
    interval on the logarithm follows them, the symmetric one misses on the upper side.
    """
    if dof <= 0 or not math.isfinite(standard_error):
        return 0.0, math.inf
    if value <= 0:
        return 0.0, max(0.0, t_interval(value, standard_error, dof, level)[1])
    half = t_quantile(level, dof) * standard_error / value
    return value * math.exp(-half), value * math.exp(min(half, 700.0))


def correlation_t_interval(value: float, standard_error: float, dof: float, level: float) -> Interval:
    """t interval of atanh r (Fisher's z), for correlations.

    atanh r has standard error se/(1 - r^2) by the delta method; tanh brings the ends back inside (-1, 1).
    """
    if dof <= 0 or not math.isfinite(standard_error):
        return -1.0, 1.0
    inside = min(max(value, -1 + 1e-15), 1 - 1e-15)
    half = t_quantile(level, dof) * standard_error / (1 - inside * inside)
    low, high = math.tanh(math.atanh(inside) - half), math.tanh(math.atanh(inside) + half)
    return min(low, max(value, -1.0)), max(high, min(value, 1.0))


def clopper_pearson(events: float, trials: int, level: float) -> Interval:
    """Exact interval of a binomial probability (Clopper and Pearson 1934): covers at least `level` for every p and n.

    With no events the upper end is about 3.7/trials at 95 %: the two-sided form of the rule of three.
    """
    tail = 0.5 * (1 - level)
    low = 0.0 if events <= 0 else float(special.betaincinv(events, trials - events + 1, tail))
    high = 1.0 if events >= trials else float(special.betaincinv(events + 1, trials - events, 1 - tail))
    return low, high


def weighted_count_interval(weights: np.ndarray, largest: float, level: float) -> Interval:
    """Interval of the expected sum of weights over Poisson events (Fay and Feuer 1997, Statistics in Medicine 16).

    low = v/(2y) chi2_{2y^2/v}(a/2), high = v'/(2y') chi2_{2y'^2/v'}(1-a/2) with y the sum of the
    weights, v the sum of their squares, y' = y + w, v' = v + w^2 and w the largest weight an event
    could have had. Equal weights give the exact Poisson interval; no event gives [0, 3.7 w]: the
    rule-of-three floor of importance sampling and of control variates that never disagree.

    Parameters
    ----------
    weights : (events,) array
        Weight of each event seen (already divided by the number of runs); non-negative.
    largest : float
        Largest weight that an unseen event could have carried.
    """
    tail = 0.5 * (1 - level)
    weights = weights[weights > 0]
    y, v = float(weights.sum()), float(np.square(weights).sum())
    w = max(largest, float(weights.max(initial=0.0)))
    low = 0.0 if y == 0 else v / y * float(special.gammaincinv(y * y / v, tail))
    if w == 0:
        return low, y
    y_up, v_up = y + w, v + w * w
    return low, v_up / y_up * float(special.gammaincinv(y_up * y_up / v_up, 1 - tail))


def combined(values: Sequence[float], intervals: Sequence[Interval]) -> Interval:
    """Interval of a sum of independent parts from the interval of each (MOVER; Zou and Donner 2008).

    low = theta - sqrt(sum (theta_i - l_i)^2), high likewise: variances are recovered from each end of
    each interval, so that skewed parts keep their skew.
    """
    total = float(sum(values))
    below = math.sqrt(sum((value - low) ** 2 for value, (low, _) in zip(values, intervals, strict=True)))
    above = math.sqrt(sum((high - value) ** 2 for value, (_, high) in zip(values, intervals, strict=True)))
    return total - below, total + above


def union(first: Interval, second: Interval) -> Interval:
    """Smallest interval that holds both."""
    return min(first[0], second[0]), max(first[1], second[1])


def welch(parts: Sequence[tuple[float, float]]) -> float:
    """Degrees of freedom of a sum of variances (Welch and Satterthwaite): (sum v)^2 / sum (v^2/dof)."""
    total = sum(variance for variance, _ in parts)
    below = sum(variance**2 / dof for variance, dof in parts if dof > 0)
    return total**2 / below if below > 0 else math.inf
