"""What an estimator hands back: a value, its interval, what it cost, and whether it may be believed."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

from surecast.quantify.intervals import t_quantile


@dataclass(frozen=True)
class Statistic:
    """One number that a question asks for.

    Parameters
    ----------
    output : str
        Output (or event) it is about.
    name : str
        For the reader and the table: ``mean``, ``variance``, ``first[head]``, ``probability`` ...
    measure : str
        ``mean``, ``variance``, ``first``, ``total``, ``probability`` ...: what decides its unit.
    group : str
        Group of inputs, for Sobol indices; the other output, for a covariance or correlation.
    interval : str
        Scale of its interval: ``real``, ``positive`` (logarithm), ``correlation`` (Fisher's z), ``share``
        (cut to [0, 1]) or ``probability`` (an interval of counts).
    law : str
        Law of the inputs that it is under; empty for the study's own.
    """

    output: str
    name: str
    measure: str
    group: str = ""
    interval: str = "real"
    law: str = ""


@dataclass(frozen=True)
class Point:
    """Value and interval after so many simulator runs."""

    simulator_runs: int
    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Estimate:
    """Answer of one estimator for one statistic.

    `plain_variance` is the variance that one run of plain Monte Carlo contributes to this statistic;
    `doubts` are the reasons against certifying it; `diagnostics` are further figures by name; `covariance` is
    that with the estimates of all statistics by the same estimator, where the question asks for it; `picture` are
    small arrays for figures, see `surecast.quantify.pictures`.
    """

    statistic: Statistic
    estimator: str
    value: float
    low: float
    high: float
    standard_error: float
    level: float
    simulator_runs: int
    surrogate_runs: int
    plain_variance: float
    failed_runs: int = 0
    doubts: tuple[str, ...] = ()
    convergence: tuple[Point, ...] = ()
    methods: tuple[str, ...] = ()
    diagnostics: dict[str, float] = field(default_factory=dict)
    covariance: tuple[float, ...] = ()
    picture: dict[str, Any] = field(default_factory=dict)

    @property
    def verdict(self) -> str:
        """``certified``, or ``not certified: `` and the reasons."""
        return "certified" if not self.doubts else "not certified: " + "; ".join(self.doubts)

    @property
    def equivalent_monte_carlo_runs(self) -> float:
        """Runs plain Monte Carlo would need for an interval as wide: (z/half)^2 variance; NaN if unknown."""
        half = 0.5 * (self.high - self.low)
        if not (math.isfinite(half) and half > 0 and math.isfinite(self.plain_variance) and self.plain_variance > 0):
            return math.nan
        return (t_quantile(self.level, math.inf) / half) ** 2 * self.plain_variance
