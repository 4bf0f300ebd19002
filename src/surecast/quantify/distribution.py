"""What asks for an output's distribution rather than for means: quantiles, and the mean beyond one.

Such statistics are no smooth functions of means of fixed summands, so that estimators leave the analysis of their
sample to the integrand: of independent runs, of replicates (scramblings, hypercubes), of runs with surrogates.
Its summands are influence values around the sample's own quantiles: their mean is the estimate and their variance
that of plain Monte Carlo, to first order.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence

import numpy as np

from surecast.quantify.estimators.estimator import Found
from surecast.quantify.integrand import Integrand


class DistributionIntegrand(Integrand):
    """Base of the integrands that analyse samples themselves; rows are single runs, columns are outputs."""

    runs_per_row = 1

    @abstractmethod
    def from_random(self, rows: np.ndarray, level: float) -> list[Found]:
        """What independent rows (n, 1, outputs) say, one `Found` a statistic; NaN where a run failed."""

    @abstractmethod
    def from_replicates(self, rows: np.ndarray, level: float) -> list[Found]:
        """What independent replicates (R, m, 1, outputs) of rows say."""

    @abstractmethod
    def from_controls(
        self, rows: np.ndarray, predicted: Sequence[np.ndarray], own: Sequence[np.ndarray], folds: int, level: float
    ) -> list[Found]:
        """What independent rows say with surrogates' help.

        Parameters
        ----------
        rows : (n, 1, outputs) array
            The simulator.
        predicted : sequence of (n, 1, outputs) arrays
            Each surrogate on the same rows.
        own : sequence of (R, m, 1, outputs) arrays
            Each surrogate on replicates of points of its own.
        folds : int
            Folds of the cross-fitting.
        """


def quantile_influence(values: np.ndarray, level: float) -> np.ndarray:
    """Influence values q + (a - 1{y <= q})/f(q) of a quantile, (n,), with 1/f from the quantiles around a.

    The slope of the quantile function is taken over two standard errors of F(q) to either side.
    """
    ordered, n = np.sort(values), len(values)
    place = max(int(np.ceil(level * n - 1e-9)) - 1, 0)
    reach = max(round(2 * np.sqrt(level * (1 - level) * n)), 1)
    low, high = max(place - reach, 0), min(place + reach, n - 1)
    slope = float(ordered[high] - ordered[low]) / max(high - low, 1) * n
    return np.asarray(ordered[place] + slope * (level - (values <= ordered[place])))
