r"""First-order indices from any independent runs, by bins of equal counts along an input.

With y centred and the mean over the other runs of the bin in place of E[y|x],

    T = mean of y_j m_j,    m_j = mean of y over the bin of run j without it,    S = T/V,

which has no bias from noise within bins; what E[y|x] varies within a bin is lost, of order 1/bins^2 of T. Its
influence is that of an efficient estimate of E[E[y|x]^2],

    D_j = (2 y_j m_j - m_j^2 - S y_j^2)/V,    n Var(S) -> Var(D)

(the efficient influence function of E[E[y|x]^2]: Da Veiga, Gamboa, Klein, Lagnoux and Prieur 2023, which have a
kernel regression where there are bins here).
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from pydantic import Field

from surecast.quantify.estimators.given_runs import GivenRuns

LEAST_IN_BIN = 5


class Binning(GivenRuns):
    """Runs at hand, in bins of equal counts along an input."""

    kind: ClassVar[str] = "binning"
    methods: ClassVar[tuple[str, ...]] = ("daveiga2023",)

    bins: int | None = Field(
        default=None, ge=4, le=10_000, description="Number of bins; by default twice the cube root of the runs."
    )

    def index(self, values: np.ndarray) -> tuple[float, float, int]:
        """See `GivenRuns.index`."""
        y = values - values.mean()
        n = len(y)
        bins = self.bins or round(2 * np.cbrt(n))
        bins = max(min(bins, n // LEAST_IN_BIN), 2)
        place = np.arange(n) * bins // n
        counts, sums = np.bincount(place), np.bincount(place, weights=y)
        others = (sums[place] - y) / (counts[place] - 1)
        variance = float(np.square(y).mean())
        value = float((y * others).mean()) / variance
        parts = (2 * y * others - np.square(others) - value * np.square(y)) / variance
        return value, float(parts.std(ddof=1) / np.sqrt(n)), n - bins
