"""Intervals of quantiles by inverting intervals of the distribution function.

The quantile of level a is q = inf{y : F(y) >= a}. With an interval [l(y), u(y)] of F(y) at every fixed y, each end
missed with probability (1 - level)/2 at most,

    low  = min{y_i : u(y_i) >= a},      high = min{y_i : l(y_i) > a}

over the values y_i seen holds q at that level (Woodruff, JASA 47, 1952): below `low` the interval of F is below a, at
`high` it is above. Nothing is asked of the output's density: ties and discrete outputs widen the interval, no more. For
independent runs and the exact binomial interval these are the classical order statistics. Where u never falls below
a (or l never rises above it) the runs cannot bound that side, and the end is infinite.

Failed runs are counted both ways: as -inf for the lower end, as +inf for the upper end.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence

import numpy as np

from surecast.quantify.estimators.estimator import Figure
from surecast.quantify.intervals import Interval, clopper_pearson, combined, t_interval, t_quantile, union

FEW = 50
"""Runs on one side below which means over replicates are far from normal: the interval also holds the binomial one."""
LEAST_STRATUM = 10
"""Expected runs in a stratum below which it is merged with its neighbour."""
_ROUNDING = 1e-12


class Distribution(ABC):
    """What a sample says of F.

    Attributes
    ----------
    values : (n,) array
        Values of the runs that finished, sorted.
    diagnostics : dict
        Figures by name for the estimate's record.
    """

    values: np.ndarray
    diagnostics: dict[str, float]

    @abstractmethod
    def at(self, y: float, failed: float | None = None) -> tuple[float, Interval]:
        """Estimate and interval of F(y); failed runs are taken as `failed` (-inf, +inf), or left out."""

    def value(self, level: float) -> float:
        """Estimate of the quantile."""
        return self._first(lambda y: self.at(y)[0] >= level - _ROUNDING, float(self.values[-1]))

    def quantile(self, level: float, confidence: float) -> Figure:
        """Quantile with its interval and standard error."""
        low = -math.inf
        if self.at(-math.inf, -math.inf)[1][1] < level:
            low = self._first(lambda y: self.at(y, -math.inf)[1][1] >= level, float(self.values[-1]))
        high = self._first(lambda y: self.at(y, math.inf)[1][0] > level, math.inf)
        value = min(max(self.value(level), low), high)
        # One standard error of F(q) to either side, read off the quantiles.
        below, above = self.at(value)[1]
        error = 0.5 * (above - below) / t_quantile(confidence, math.inf)
        spread = self.value(min(level + error, 1.0)) - self.value(max(level - error, _ROUNDING))
        return Figure(value, low, high, 0.5 * spread)

    def _first(self, holds: Callable[[float], bool], otherwise: float) -> float:
        """Least value at which a monotone condition holds, by bisection."""
        below, above = -1, len(self.values)
        while above - below > 1:
            middle = (below + above) // 2
            if holds(float(self.values[middle])):
                above = middle
            else:
                below = middle
        return otherwise if above == len(self.values) else float(self.values[above])


class Stratified(Distribution):
    """F(y) = sum_k H_k F_k(y) from independent runs in strata of known probability H_k.

    Given the numbers of runs n_k, those below y are independent binomials: each has the exact interval, and the
    intervals are combined (MOVER). With one stratum this is the exact binomial interval.

    Parameters
    ----------
    values : (n,) array
        Runs, NaN where they failed.
    strata : (n,) integer array
        Stratum of each run, 0 to K - 1.
    shares : (R, K) array
        Independent replicates whose means are H_k; one row if they are exact.
    """

    def __init__(self, values: np.ndarray, strata: np.ndarray, shares: np.ndarray, confidence: float) -> None:
        done = ~np.isnan(values)
        self.values, self.shares, self.confidence = np.sort(values[done]), shares, confidence
        count = shares.shape[1]
        self._sorted = [np.sort(values[done & (strata == k)]) for k in range(count)]
        self._failed = [int(np.sum(~done & (strata == k))) for k in range(count)]
        self._probabilities = shares.mean(axis=0)
        self.diagnostics = {f"stratum_{k}": float(p) for k, p in enumerate(self._probabilities)} if count > 1 else {}

    def at(self, y: float, failed: float | None = None) -> tuple[float, Interval]:
        """See `Distribution.at`."""
        parts, intervals = [], []
        for probability, values, lost in zip(self._probabilities, self._sorted, self._failed, strict=True):
            below = int(np.searchsorted(values, y, side="right")) + (lost if failed == -math.inf else 0)
            runs = len(values) + (0 if failed is None else lost)
            low, high = clopper_pearson(below, runs, self.confidence) if runs else (0.0, 1.0)
            parts.append(below / runs if runs else 0.5)
            intervals.append((probability * low, probability * high))
        values_of = [float(probability * part) for probability, part in zip(self._probabilities, parts, strict=True)]
        if len(parts) == 1:
            return values_of[0], intervals[0]
        replicates = self.shares @ np.asarray(parts)
        if len(replicates) > 1:
            error = float(replicates.std(ddof=1)) / math.sqrt(len(replicates))
            values_of.append(0.0)
            intervals.append(t_interval(0.0, error, len(replicates) - 1, self.confidence))
        low, high = combined(values_of, intervals)
        return float(sum(values_of)), (max(low, 0.0), min(high, 1.0))


class Replicated(Distribution):
    """F(y) as the mean over independent replicates (scramblings, hypercubes), with a t interval over them.

    The estimate of F(y) is unbiased for every y, so that, unlike the mean of the replicates' own quantiles, it carries
    no bias from the few points in each. A replicate of m points knows F in steps of 1/m only: the spread is taken as
    1/(2m), that of a coin between two neighbouring steps, where that of all replicates happens to be less.

    Parameters
    ----------
    values : (R, m) array
        Runs, NaN where they failed.
    """

    def __init__(self, values: np.ndarray, confidence: float) -> None:
        done = ~np.isnan(values)
        self.values, self.confidence, self.points = np.sort(values[done]), confidence, values.shape[1]
        self._sorted = [np.sort(row[mask]) for row, mask in zip(values, done, strict=True)]
        self._failed = (~done).sum(axis=1)
        self.diagnostics = {"replicates": float(len(values)), "points": float(self.points)}

    def at(self, y: float, failed: float | None = None) -> tuple[float, Interval]:
        """See `Distribution.at`."""
        below = np.array([np.searchsorted(values, y, side="right") for values in self._sorted], dtype=np.float64)
        runs = np.array([len(values) for values in self._sorted], dtype=np.float64)
        if failed is None:
            share = float(below.sum() / runs.sum())
            below = below + share * self._failed
            runs = runs + self._failed
        else:
            below = below + (self._failed if failed < 0 else 0)
            runs = runs + self._failed
        means = below / runs
        count, share = len(means), float(means.mean())
        coin = min(0.5 / self.points, math.sqrt(max(share * (1 - share), 0.0) / self.points))
        error = max(float(means.std(ddof=1)), coin) / math.sqrt(count)
        low, high = t_interval(share, error, count - 1, self.confidence)
        total, events = int(runs.sum()), round(float(below.sum()))
        if min(events, total - events) < FEW:
            low, high = union((low, high), clopper_pearson(events, total, self.confidence))
        return share, (max(low, 0.0), min(high, 1.0))


class Weighted(Distribution):
    """F of independent runs that each have a weight; a subclass says what a share and its interval are.

    Parameters
    ----------
    values : (n,) array
        Runs, NaN where they failed.
    weights : (n,) array
    """

    def __init__(self, values: np.ndarray, weights: np.ndarray, confidence: float) -> None:
        self._all, self._weights, self.confidence = values, weights, confidence
        self._done = ~np.isnan(values)
        self.values, self.diagnostics = np.sort(values[self._done]), {}

    @abstractmethod
    def share(self, below: np.ndarray, weights: np.ndarray) -> tuple[float, Interval]:
        """Estimate and interval of F from runs (n,) that lie below or not, and their weights."""

    def at(self, y: float, failed: float | None = None) -> tuple[float, Interval]:
        """See `Distribution.at`."""
        kept = self._done if failed is None else np.ones(len(self._all), dtype=bool)
        values = self._all if failed is None else np.where(self._done, self._all, failed)
        return self.share(values[kept] <= y, self._weights[kept])


def strata_of(seen: np.ndarray, own: np.ndarray, levels: Sequence[float]) -> tuple[np.ndarray, np.ndarray]:
    """Strata by a surrogate's values, between its own quantiles.

    Parameters
    ----------
    seen : (n,) array
        The surrogate on the runs.
    own : (R, m) array
        The surrogate on independent replicates of points of its own.
    levels : sequence of float
        Levels of the surrogate's quantiles that part the strata, increasing.

    Returns
    -------
    (n,) array of strata, and the (R, K) array of their shares among the replicates
    """
    cuts = np.unique(np.quantile(own, list(levels), method="inverted_cdf"))
    place = np.searchsorted(cuts, seen, side="left")
    own_place = np.searchsorted(cuts, own, side="left")
    shares = np.stack([(own_place == k).mean(axis=1) for k in range(len(cuts) + 1)], axis=1)
    kept = _merged(shares.mean(axis=0) * len(seen))
    return kept[place], np.stack([shares[:, kept == k].sum(axis=1) for k in range(kept.max() + 1)], axis=1)


def _merged(expected: np.ndarray) -> np.ndarray:
    """New stratum of each stratum: neighbours are joined until each expects `LEAST_STRATUM` runs."""
    owner, place, held = np.zeros(len(expected), dtype=np.int64), 0, 0.0
    for k, runs in enumerate(expected):
        owner[k] = place
        held += runs
        if held >= LEAST_STRATUM and expected[k + 1 :].sum() >= LEAST_STRATUM:
            place, held = place + 1, 0.0
    return owner
