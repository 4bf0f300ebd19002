r"""Quantiles, and means beyond them, if the inputs followed another law, from the same runs by reweighting.

    F_other(y) = E[w 1{Y <= y}] / E[w],    w = f_other / f

with the t interval of a ratio of means, where few runs count on one side of y joined with that of weighted counts
(Fay and Feuer 1997; E[w] = 1 is known), and inverted (see `inversion`; Hesterberg and Nelson, Management Science 44,
1998, section 2). Beyond a quantile q the mean is E[w psi_q]/E[w] (see `tail`), worked out at both ends of the
quantile's interval too. Failed runs keep their weight, which the inputs decide, and count both ways.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from surecast.quantify.estimates import Statistic
from surecast.quantify.estimators.estimator import Figure, Found
from surecast.quantify.intervals import Interval, t_interval, union, weighted_count_interval
from surecast.quantify.inversion import FEW, Weighted
from surecast.quantify.other_law import LEAST_ROWS, DensityRatio, scaled
from surecast.quantify.quantiles import QuantilesIntegrand, quantile_found
from surecast.quantify.reweighted import OTHER, WeighedRuns
from surecast.quantify.tail import Analysis, TailIntegrand, psi
from surecast.quantify.verdict import effective_number, sampling_error, tail_reasons, weight_reasons

_METHODS = ("hesterberg1995", "hesterberg1998", "fay1997")


class ReweightedDistribution(Weighted):
    """F of runs drawn from one law, under another; weights are the ratio of the densities."""

    def share(self, below: np.ndarray, weights: np.ndarray) -> tuple[float, Interval]:
        """See `Weighted.share`."""
        share, error = _ratio(below.astype(np.float64), weights, self.confidence)
        interval = t_interval(share, error, effective_number(weights) - 1, self.confidence)
        few = below if weights[below].sum() <= weights[~below].sum() else ~below
        if effective_number(weights[few]) < FEW:
            size = len(weights)
            low, high = weighted_count_interval(weights[few] / size, float(weights.max()) / size, self.confidence)
            interval = union(interval, (low, high) if few is below else (1 - high, 1 - low))
        return share, (max(interval[0], 0.0), min(interval[1], 1.0))


class _Levels(WeighedRuns):
    """What both share."""

    @property
    def column_outputs(self) -> tuple[str, ...]:
        """The outputs; the last column is the weight's."""
        return (*self.outputs, "")

    def remarks(self, rows: np.ndarray) -> list[tuple[tuple[str, ...], dict[str, float]]]:
        """See `Integrand.remarks`: the effective number of runs."""
        weights = scaled(rows[:, 0, -1])
        reasons = weight_reasons(weights, max(self.least_share * len(weights), LEAST_ROWS))
        found = {"effective_rows": effective_number(weights), "rows": float(len(weights))}
        return [(reasons, found)] * len(self.statistics)


class ReweightedQuantiles(_Levels, QuantilesIntegrand):
    """Quantiles of every output at every level, under another law."""

    methods = (*QuantilesIntegrand.methods, *_METHODS)

    def __init__(self, base: QuantilesIntegrand, ratio: DensityRatio, least_share: float) -> None:
        super().__init__(base.law, base.outputs, base.levels)
        self.ratio, self.least_share = ratio, least_share
        self.statistics = tuple(_under_other_law(one) for one in base.statistics)

    def summands(self, rows: np.ndarray) -> tuple[np.ndarray, Callable[[np.ndarray], np.ndarray]]:
        """See `Integrand.summands`: influence values."""
        weights = np.exp(rows[:, 0, -1])
        columns = [_influence(rows[:, 0, c], weights, a) for c in range(len(self.outputs)) for a in self.levels]
        return np.stack(columns, axis=1), lambda means: means

    def from_random(self, rows: np.ndarray, level: float) -> list[Found]:
        """See `DistributionIntegrand.from_random`."""
        weights = np.exp(rows[:, 0, -1])
        return [
            quantile_found(ReweightedDistribution(rows[:, 0, column], weights, level), a, level)
            for column in range(len(self.outputs))
            for a in self.levels
        ]


class ReweightedTail(_Levels, TailIntegrand):
    """CVaR and quantile of every output at every level, under another law."""

    methods = (*TailIntegrand.methods, *_METHODS)

    def __init__(self, base: TailIntegrand, ratio: DensityRatio, least_share: float) -> None:
        levels = base.levels if base.sign > 0 else tuple(1 - level for level in base.levels)
        super().__init__(base.law, base.outputs, levels, "upper" if base.sign > 0 else "lower")
        self.ratio, self.least_share = ratio, least_share
        self.statistics = tuple(_under_other_law(one) for one in base.statistics)

    def summands(self, rows: np.ndarray) -> tuple[np.ndarray, Callable[[np.ndarray], np.ndarray]]:
        """See `Integrand.summands`: w psi at the sample's quantile, and the quantile's influence values."""
        weights, columns = np.exp(rows[:, 0, -1]), []
        for column in range(len(self.outputs)):
            values = self.sign * rows[:, 0, column]
            for level in self.levels:
                q = _quantile(values, weights, level)
                columns += [weights * psi(values, q, level), _influence(values, weights, level)]
        return self.sign * np.stack(columns, axis=1), lambda means: means

    def from_random(self, rows: np.ndarray, level: float) -> list[Found]:
        """See `DistributionIntegrand.from_random`."""
        found, weights = [], np.exp(rows[:, 0, -1])
        for column in range(len(self.outputs)):
            values = self.sign * rows[:, 0, column]
            done = ~np.isnan(values)
            distribution = ReweightedDistribution(values, weights, level)
            for a in self.levels:
                beyond = values[done] > _quantile(values[done], weights[done], a)
                analysis = _mean_beyond(values[done], weights[done], a, level)
                found += self._pair(distribution, a, level, analysis, beyond=effective_number(weights[done][beyond]))
        return found


def _under_other_law(statistic: Statistic) -> Statistic:
    return replace(statistic, law=OTHER)


def _ratio(values: np.ndarray, weights: np.ndarray, level: float) -> tuple[float, float]:
    """sum w y / sum w and its standard error by the delta method, widened for heavy tails."""
    value = float(np.average(values, weights=weights))
    return value, sampling_error(weights * (values - value) / weights.mean(), level)


def _mean_beyond(values: np.ndarray, weights: np.ndarray, a: float, level: float) -> Analysis:
    def analysis(q: float) -> Found:
        found = psi(values, q, a)
        mean, error = _ratio(found, weights, level)
        reasons = tail_reasons(weights * (found - mean))
        return Found(Figure(mean, *t_interval(mean, error, effective_number(weights) - 1, level), error), reasons)

    return analysis


def _quantile(values: np.ndarray, weights: np.ndarray, level: float) -> float:
    """Least value at which the weighted distribution function reaches a level."""
    order = np.argsort(values)
    total = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(total, level * total[-1] * (1 - 1e-12))])


def _influence(values: np.ndarray, weights: np.ndarray, level: float) -> np.ndarray:
    """Influence values q + w (a - 1{y <= q})/f(q), (n,); the slope 1/f from two standard errors of F to either side."""
    q = _quantile(values, weights, level)
    left = weights / weights.mean() * (level - (values <= q))
    reach = 2 * float(left.std()) / np.sqrt(len(values))
    ends = max(level - reach, 0.0), min(level + reach, 1.0)
    slope = (_quantile(values, weights, ends[1]) - _quantile(values, weights, ends[0])) / max(ends[1] - ends[0], 1e-12)
    return np.asarray(q + slope * left)
