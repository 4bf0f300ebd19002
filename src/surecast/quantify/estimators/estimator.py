"""What every estimator is, and what they share: interval by statistic, convergence record, reasons for doubt."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import numpy as np

from surecast.quantify.estimates import Estimate, Point, Statistic
from surecast.quantify.integrand import Integrand
from surecast.quantify.intervals import correlation_t_interval, positive_t_interval, t_interval
from surecast.quantify.sampling import Task
from surecast.quantify.verdict import (
    constant_outputs,
    constant_reasons,
    doubts,
    largest_share,
    reached,
    require_defined,
    sampling_error,
    tail_reasons,
)
from surecast.study.component import Component

__all__ = [
    "Estimator", "Figure", "Found", "both_ways", "estimates", "figure", "finished", "growing", "largest_share",
    "reached", "sampling_error", "tail_reasons",
]  # fmt: skip


class Estimator(Component):
    """Base of the estimators. Settings are fields; `estimate` does the work."""

    kind: ClassVar[str]
    needs_surrogate: ClassVar[bool] = False
    counts: ClassVar[bool] = False
    """Whether it counts events among equal runs: then none seen leaves a floor, see `surecast.quantify.floor`."""
    methods: ClassVar[tuple[str, ...]] = ()

    @abstractmethod
    def estimate(self, integrand: Integrand, task: Task) -> list[Estimate]:
        """One estimate for each of the integrand's statistics."""


@dataclass(frozen=True)
class Figure:
    """Value, interval and standard error of one statistic."""

    value: float
    low: float
    high: float
    standard_error: float


@dataclass(frozen=True)
class Found:
    """What an estimator found for one statistic, before the verdict.

    Parameters
    ----------
    figure : Figure
        Value and interval.
    reasons : tuple of str
        The estimator's own reasons against certifying it.
    counted : bool
        Whether the interval already holds whatever the failed runs might have been.
    methods : tuple of str
        Citations beside the estimator's own.
    diagnostics : dict
        Further figures by name.
    covariance : tuple of float
        Covariance of its estimate with those of all statistics, where the integrand asks for it.
    integral_share : float
        Share of the squared error that the surrogate's own integral makes.
    picture : dict
        Small arrays for figures, see `surecast.quantify.pictures`.
    """

    figure: Figure
    reasons: tuple[str, ...] = ()
    counted: bool = False
    methods: tuple[str, ...] = ()
    diagnostics: dict[str, float] = field(default_factory=dict)
    covariance: tuple[float, ...] = ()
    integral_share: float = 0.0
    picture: dict[str, Any] = field(default_factory=dict)


def estimates(
    estimator: Estimator,
    integrand: Integrand,
    task: Task,
    record: Mapping[int, Sequence[Found]],
    *,
    plain_variance: Sequence[float] | np.ndarray,
    failed: int = 0,
    surrogate_runs: int = 0,
    rows: np.ndarray | None = None,
) -> list[Estimate]:
    """Estimates with verdict and convergence record, one a statistic.

    Parameters
    ----------
    record : mapping
        Simulator runs spent -> what was found with them, one `Found` a statistic; the last one is the answer.
    plain_variance : (S,) array
        Variance that one run of plain Monte Carlo contributes to each statistic.
    failed : int
        Failed runs among those used.
    rows : (..., runs_per_row, columns) array, optional
        Observations of the simulator, to see whether they vary.

    Raises
    ------
    EstimationError
        If a statistic is not defined for what was observed.
    """
    spent = max(record)
    still = set() if rows is None else constant_outputs(integrand, rows)
    for statistic, last in zip(integrand.statistics, record[spent], strict=True):
        require_defined(statistic, last.figure)
    remarks = list(() if rows is None else integrand.remarks(rows)) or [((), {})] * len(integrand.statistics)
    return [
        Estimate(
            statistic,
            estimator.kind,
            last.figure.value,
            last.figure.low,
            last.figure.high,
            last.figure.standard_error,
            task.level,
            spent,
            surrogate_runs,
            plain_variance=float(plain_variance[index]),
            failed_runs=failed,
            doubts=doubts(
                last.figure,
                task,
                runs=spent,
                failed=failed,
                counted=last.counted,
                boundable=integrand.boundable(statistic),
                more=(*last.reasons, *constant_reasons(statistic, still), *remarks[index][0]),
                integral_share=last.integral_share,
            ),
            convergence=tuple(
                Point(runs, f[index].figure.value, f[index].figure.low, f[index].figure.high)
                for runs, f in sorted(record.items())
            ),
            methods=(*type(estimator).methods, *last.methods),
            diagnostics=last.diagnostics | remarks[index][1],
            covariance=last.covariance,
            picture=last.picture,
        )
        for index, (statistic, last) in enumerate(zip(integrand.statistics, record[spent], strict=True))
    ]


def figure(statistic: Statistic, value: float, standard_error: float, dof: float, level: float) -> Figure:
    """t interval on the statistic's scale."""
    scale = {"positive": positive_t_interval, "correlation": correlation_t_interval}.get(statistic.interval, t_interval)
    low, high = scale(value, standard_error, dof, level)
    if statistic.interval == "correlation":
        value = min(max(value, -1.0), 1.0)  # the jackknife's correction may step over the end
    if statistic.interval in ("probability", "share"):
        low, high = max(low, 0.0), min(high, 1.0)
    return Figure(value, low, high, standard_error)


def jointly(found: Sequence[Found], covariance: np.ndarray) -> list[Found]:
    """Findings with the covariance (S, S) of their estimates; variances are the squared standard errors.

    The standard errors may be wider than the sample's own spread (heavy tails): correlations are kept.
    """
    error = np.array([one.figure.standard_error for one in found])
    own = np.sqrt(np.maximum(np.diag(np.atleast_2d(covariance)), 0.0))
    scale = np.divide(error, own, out=np.zeros_like(error), where=own > 0)
    matrix = np.atleast_2d(covariance) * scale[:, None] * scale
    np.fill_diagonal(matrix, error**2)
    return [replace(one, covariance=tuple(row.tolist())) for one, row in zip(found, matrix, strict=True)]


def both_ways(as_quiet: Figure, as_event: Figure) -> Figure:
    """Probability with failed runs: counted once as no event and once as event, the interval holds both."""
    return Figure(
        0.5 * (as_quiet.value + as_event.value),
        min(as_quiet.low, as_event.low),
        max(as_quiet.high, as_event.high),
        max(as_quiet.standard_error, as_event.standard_error),
    )


def growing(rows: int, steps: int, least: int = 20) -> list[int]:
    """Numbers of rows at which convergence is recorded: geometric, the last one is `rows`."""
    if steps <= 1 or rows <= least:
        return [rows]
    return sorted({round(n) for n in np.geomspace(least, rows, steps)})


def finished(rows: np.ndarray) -> np.ndarray:
    """Mask (n,) of rows without a failed run."""
    return ~np.isnan(rows).any(axis=tuple(range(1, rows.ndim)))
