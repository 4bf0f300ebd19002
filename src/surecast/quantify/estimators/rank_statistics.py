r"""First-order indices from any independent runs, by rank statistics: each run is paired with its neighbour.

With the runs in the order of an input x and y centred (Gamboa, Gremaud, Klein and Lagnoux 2022, section 2),

    T = mean of y_j y_{j+1} ~ E[E[y|x]^2],    S = T/V.

The last run, which they pair with the first one, is left unpaired here: that pair tells nothing of E[y|x]^2 and
costs a bias of order 1/n. Given the x, D_j = (y_j y_{j+1} - S y_j^2)/V depends on its neighbours alone, and its
mean varies slowly, so that with gamma_k the covariance of D_j and D_{j+k}

    n Var(S) -> gamma_0 + 2 (gamma_1 - gamma_2).
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from surecast.quantify.estimators.given_runs import GivenRuns


class RankStatistics(GivenRuns):
    """Runs at hand, each paired with the next one in the order of an input."""

    kind: ClassVar[str] = "rank_statistics"
    methods: ClassVar[tuple[str, ...]] = ("gamboa2022",)

    def index(self, values: np.ndarray) -> tuple[float, float, int]:
        """See `GivenRuns.index`."""
        y = values - values.mean()
        n = len(y)
        variance = float(np.square(y).mean())
        products = y[:-1] * y[1:]
        value = float(products.mean()) / variance
        parts = (products - value * np.square(y[:-1])) / variance
        parts -= parts.mean()
        gamma = [float((parts[: n - 1 - lag] * parts[lag:]).mean()) for lag in range(3)]
        spread = gamma[0] + 2 * (gamma[1] - gamma[2])
        # An estimate of a small or negative sum: the part that is a variance for certain is the least.
        return value, float(np.sqrt(max(spread, 0.1 * gamma[0]) / n)), n - 1
