"""A probability from the disagreement of simulator and surrogate, with weights w of the draws.

    p = beta p_s + E[(1 - beta) w f s] + E[w f (1 - s)] - E[beta w (1 - f) s]

with f and s the indicators of simulator and surrogate and p_s the surrogate's own probability. Where the
two disagree rarely, a sample variance says too little: no disagreement seen is no proof of none. So every
part has its own interval, for few and unequal weights that of Fay and Feuer, and the parts are combined.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from surecast.quantify.estimators.estimator import Figure, both_ways
from surecast.quantify.intervals import (
    Interval,
    clopper_pearson,
    combined,
    positive_t_interval,
    t_interval,
    union,
    weighted_count_interval,
)

MANY = 50
"""Effective number of events from which their mean is normal enough for a t interval."""
LEAST_COEFFICIENT = 0.05
"""Coefficients below this are taken as 0."""


@dataclass(frozen=True)
class Indicators:
    """Events of independent draws.

    Parameters
    ----------
    event : (n,) array
        Of the simulator: 0, 1, or NaN where the run failed.
    seen : (n,) array
        Of the surrogate, on the same draws: 0 or 1.
    weights : (n,) array
        Density of the law over that of the draws.
    coefficient : (n,) array
        beta of each draw, 0 to 1, chosen without it.
    own : (m,) array
        Independent replicates whose mean is the surrogate's own probability p_s.
    """

    event: np.ndarray
    seen: np.ndarray
    weights: np.ndarray
    coefficient: np.ndarray
    own: np.ndarray


def probability(sample: Indicators, level: float) -> Figure:
    """Value and interval; failed runs are counted once as no event and once as event.

    Coefficients below a twentieth are taken as 0. Where all are, and the draws are those of the law, the events are
    counted as plain Monte Carlo counts them (Clopper and Pearson): the parts' floors would cost more than such a
    control saves.
    """
    sample = replace(sample, coefficient=np.where(sample.coefficient < LEAST_COEFFICIENT, 0.0, sample.coefficient))
    if not sample.coefficient.any() and (sample.weights == 1).all():
        return counted(sample.event, level)
    ways = [_probability(sample, np.where(np.isnan(sample.event), fill, sample.event), level) for fill in (0.0, 1.0)]
    return both_ways(*ways)


def counted(event: np.ndarray, level: float) -> Figure:
    """Share of events (n,) among independent draws of the law; the interval holds failed runs both ways."""
    n, events, failed = len(event), int(np.nansum(event)), int(np.isnan(event).sum())
    low, high = clopper_pearson(events, n, level)[0], clopper_pearson(events + failed, n, level)[1]
    share = (events + 0.5 * failed) / n
    return Figure(share, low, high, float(np.sqrt(share * (1 - share) / (n - 1))))


def weighted_probability(event: np.ndarray, weights: np.ndarray, level: float) -> Figure:
    """E[w f] from independent draws, without a surrogate; failed runs are counted once as no event and once as event.

    Parameters
    ----------
    event, weights : (n,) arrays
        f, NaN where the run failed, and w.
    """
    ways = []
    for fill in (0.0, 1.0):
        values = weights * np.where(np.isnan(event), fill, event)
        heaviest = float(values.max(initial=0.0))
        largest = (heaviest if heaviest > 0 else float(np.median(weights))) / len(values)
        low, high = _mean_interval(values, largest, level)
        error = float(values.std(ddof=1) / np.sqrt(len(values)))
        ways.append(Figure(float(values.mean()), max(low, 0.0), min(high, 1.0), error))
    return both_ways(*ways)


def _probability(sample: Indicators, event: np.ndarray, level: float) -> Figure:
    n, weights, seen, beta = len(event), sample.weights, sample.seen, sample.coefficient
    both = (1 - beta) * weights * event * seen
    missed, extra = weights * event * (1 - seen), beta * weights * (1 - event) * seen
    share, own = float(beta.mean()), float(sample.own.mean())
    own_error = share * float(sample.own.std(ddof=1) / np.sqrt(len(sample.own)))
    # An unseen disagreement could have weighed as much as the heaviest draw in or near the event.
    heaviest = float((weights * np.maximum(event, seen)).max(initial=0.0))
    largest = (heaviest if heaviest > 0 else float(np.median(weights))) / n
    unwanted = weighted_count_interval(extra / n, float(beta.max()) * largest, level)
    parts = [
        t_interval(share * own, own_error, len(sample.own) - 1, level),
        _mean_interval(both, float((1 - beta).max()) * largest, level),
        weighted_count_interval(missed / n, largest, level),
        (-unwanted[1], -unwanted[0]),
    ]
    values = [share * own, float(both.mean()), float(missed.mean()), -float(extra.mean())]
    low, high = combined(values, parts)
    spread = float((weights * (event - beta * seen)).var(ddof=1))
    return Figure(float(sum(values)), max(low, 0.0), min(high, 1.0), float(np.sqrt(spread / n + own_error**2)))


def _mean_interval(values: np.ndarray, largest: float, level: float) -> Interval:
    """Mean of non-negative values: t on both scales if many are positive, else as weighted counts."""
    n, mean, squares = len(values), float(values.mean()), float(np.square(values).sum())
    if squares == 0 or (n * mean) ** 2 / squares < MANY:
        return weighted_count_interval(values / n, largest, level)
    error = float(values.std(ddof=1) / np.sqrt(n))
    return union(t_interval(mean, error, n - 1, level), positive_t_interval(mean, error, n - 1, level))
