"""What every estimator is, and what they share: interval by statistic, convergence record, reasons for doubt."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from surecast.quantify.estimates import Estimate, Point, Statistic
from surecast.quantify.integrand import Integrand
from surecast.quantify.intervals import correlation_t_interval, positive_t_interval, t_interval, t_quantile
from surecast.quantify.sampling import Task
from surecast.study.component import Component

HEAVY_SHARE = 0.2
"""One row makes more than this share of the sample variance: the tail is heavy, and the interval is widened."""
TOO_HEAVY_SHARE = 0.5
"""Above this share no widening helps."""
TAIL = "a single run makes over half of the sample variance, so the tail is not seen well enough"


class Estimator(Component):
    """Base of the estimators. Settings are fields; `estimate` does the work."""

    kind: ClassVar[str]
    needs_surrogate: ClassVar[bool] = False
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
    """

    figure: Figure
    reasons: tuple[str, ...] = ()
    counted: bool = False
    methods: tuple[str, ...] = ()
    diagnostics: dict[str, float] = field(default_factory=dict)


def estimates(
    estimator: Estimator,
    integrand: Integrand,
    task: Task,
    record: Mapping[int, Sequence[Found]],
    *,
    plain_variance: Sequence[float] | np.ndarray,
    failed: int = 0,
    surrogate_runs: int = 0,
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
    """
    spent = max(record)
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
            doubts=doubts(last.figure, task, failed=failed, counted=last.counted, more=last.reasons),
            convergence=tuple(
                Point(runs, f[index].figure.value, f[index].figure.low, f[index].figure.high)
                for runs, f in sorted(record.items())
            ),
            methods=(*type(estimator).methods, *last.methods),
            diagnostics=last.diagnostics,
        )
        for index, (statistic, last) in enumerate(zip(integrand.statistics, record[spent], strict=True))
    ]


def figure(statistic: Statistic, value: float, standard_error: float, dof: float, level: float) -> Figure:
    """t interval on the statistic's scale."""
    scale = {"positive": positive_t_interval, "correlation": correlation_t_interval}.get(statistic.interval, t_interval)
    low, high = scale(value, standard_error, dof, level)
    if statistic.interval == "correlation":
        value = min(max(value, -1.0), 1.0)  # the jackknife's correction may step over the end
    if statistic.interval == "probability":
        low, high = max(low, 0.0), min(high, 1.0)
    return Figure(value, low, high, standard_error)


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


def largest_share(values: np.ndarray) -> float:
    """Share of the sample variance that the row farthest out makes."""
    squares = np.square(values - values.mean())
    total = float(squares.sum())
    return float(squares.max()) / total if total > 0 else 0.0


def tail_reasons(values: np.ndarray) -> tuple[str, ...]:
    """Doubt about independent values whose sample variance is mostly one of them."""
    return (TAIL,) if largest_share(values) > TOO_HEAVY_SHARE else ()


def sampling_error(values: np.ndarray, level: float) -> float:
    """Standard error of the mean of independent values, widened for heavy tails.

    Where one value makes more than a fifth of the sample variance, another as far out may be yet unseen:
    by the rule of three its expected number is below -log(1 - level), about 3 at 95 %. What so many would
    add to the mean is one more part of the error, taken as t times a standard error.
    """
    n = len(values)
    error = float(values.std(ddof=1)) / np.sqrt(n)
    if largest_share(values) <= HEAVY_SHARE:
        return error
    unseen = -np.log1p(-level) * float(np.abs(values - values.mean()).max()) / n
    return float(np.hypot(error, unseen / t_quantile(level, n - 1)))


def doubts(
    figure: Figure, task: Task, *, failed: int = 0, counted: bool = False, more: Sequence[str] = ()
) -> tuple[str, ...]:
    """Reasons against certifying an estimate.

    Parameters
    ----------
    failed : int
        Failed runs among those used.
    counted : bool
        Whether the interval already holds whatever the failed runs might have been.
    more : sequence of str
        Reasons of the estimator's own.
    """
    reasons = list(more)
    if failed and not counted:
        reasons.append(f"{failed} runs failed and are left out, so the value is that of the runs which finished")
    if not np.isfinite([figure.value, figure.low, figure.high]).all():
        reasons.append("the interval is unbounded")
    elif not reached(figure, task):
        of = "" if task.absolute else " of the value"
        reasons.append(
            f"the half-width {half_width(figure, task):.2g}{of} is wider than the tolerance {task.tolerance:.2g}"
        )
    return tuple(reasons)


def half_width(figure: Figure, task: Task) -> float:
    """Half-width of the interval as the tolerance means it: absolute, or relative to the value."""
    half = 0.5 * (figure.high - figure.low)
    if task.absolute:
        return half
    return half / abs(figure.value) if figure.value else np.inf


def reached(figure: Figure, task: Task) -> bool:
    """Whether the interval is as narrow as the tolerance asks; so is any without a tolerance."""
    return task.tolerance is None or half_width(figure, task) <= task.tolerance
