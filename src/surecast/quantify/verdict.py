"""The verdict: the reasons, in words, against certifying an estimate. No reason, and it is certified.

An estimate is doubted if

- its interval is unbounded, or wider than the tolerance when the budget of runs is spent;
- runs failed and the interval does not hold whatever they might have been (see `surecast.quantify.failures`);
- every run gave the same value, so that nothing is known of the spread;
- a single run makes more than half of the sample variance: the tail is not seen;
- importance weights overflow, their effective number (sum w)^2/sum w^2 is small, or their tail index is
  above 1/2 (no finite variance) or what so many weights can bear (Vehtari et al. 2024, eq. 13);
- the surrogate's own integral hangs on one of its replicates;
- simulator and surrogate disagree about most of an event (each estimator says how it measures that).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from surecast.quantify.intervals import t_quantile
from surecast.quantify.weights import effective_number, weight_reasons
from surecast.study.errors import EstimationError

if TYPE_CHECKING:
    from surecast.quantify.estimates import Statistic
    from surecast.quantify.estimators.estimator import Figure
    from surecast.quantify.integrand import Integrand
    from surecast.quantify.sampling import Task

__all__ = [
    "constant_outputs", "constant_reasons", "doubts", "effective_number", "half_width", "index_tail_reasons",
    "integral_reasons", "largest_share", "reached", "require_defined", "require_squares",
    "sampling_error", "tail_reasons", "weight_reasons",
]  # fmt: skip

HEAVY_SHARE = 0.2
"""One row makes more than this share of the sample variance: the tail is heavy, and the interval is widened."""
TOO_HEAVY_SHARE = 0.5
"""Above this share no widening helps."""
NEGLIGIBLE = 0.01
"""Half-width of an index below which a single run that makes most of the variance is no doubt: the widened interval
holds what so few unseen ones could add, and an index is a share of 1."""
INDICES = ("first", "total", "second", "shapley")
LEAST_SPREAD = 1e-145
"""Values that differ by less have squares that lose digits: doubles are exact to 1e-308 times their precision only."""
MOST_SPREAD = 1e150
"""Sums of squares of values that differ by more overflow."""
TAIL = "a single run makes over half of the sample variance, so the tail is not seen well enough"
INTEGRAL_SHARE = 0.5
"""Share of the squared error above which the surrogate's own integral is what keeps the interval wide."""
_DEFINED = ("mean", "variance", "standard_deviation", "covariance", "quantile", "tail", "probability", "power")
"""Measures of a constant that are numbers; indices and correlations are not."""


def doubts(
    figure: Figure,
    task: Task,
    *,
    runs: int = 0,
    failed: int = 0,
    counted: bool = False,
    boundable: bool = True,
    more: Sequence[str] = (),
    integral_share: float = 0.0,
) -> tuple[str, ...]:
    """Reasons against certifying an estimate.

    Parameters
    ----------
    figure : Figure
        Value and interval.
    runs, failed : int
        Simulator runs spent, and how many of them failed.
    counted : bool
        Whether the interval already holds whatever the failed runs might have been.
    boundable : bool
        Whether it would, were `bounds` of the output declared.
    more : sequence of str
        Reasons of the estimator's own.
    integral_share : float
        Share of the squared error that the surrogate's own integral makes.
    """
    reasons = list(dict.fromkeys(more))
    if failed and not counted:
        reasons.append(_left_out(failed, runs, boundable))
    if not np.isfinite([figure.value, figure.low, figure.high]).all():
        reasons.append("the interval is unbounded")
    elif not reached(figure, task):
        reasons.append(_too_wide(figure, task, runs, integral_share))
    return tuple(reasons)


def _left_out(failed: int, runs: int, boundable: bool) -> str:
    share = f" ({100 * failed / runs:.2g} % of them)" if runs else ""
    remedy = (
        "declare `bounds` of the output to bound what they may have been"
        if boundable
        else "no `bounds` of the output can tell what they would have changed in this statistic by this estimator"
    )
    return f"{failed} runs failed and are left out{share}, so the value is that of the runs which finished: {remedy}"


def _too_wide(figure: Figure, task: Task, runs: int, integral_share: float) -> str:
    of = "" if task.tolerance is None or task.absolute else " of the value"
    wanted = task.absolute_tolerance if task.tolerance is None else task.tolerance
    half = 0.5 * (figure.high - figure.low) if task.tolerance is None else half_width(figure, task)
    spent = f"the budget of {runs} runs was spent before the tolerance: " if runs else ""
    text = f"{spent}the half-width {half:.2g}{of} is wider than the tolerance {wanted:.2g}"
    if integral_share > INTEGRAL_SHARE:
        text += f", and {100 * integral_share:.0f} % of its square is the surrogate's own integral (surrogate_runs)"
    return text


def half_width(figure: Figure, task: Task) -> float:
    """Half-width of the interval as the tolerance means it: absolute, or relative to the value."""
    half = 0.5 * (figure.high - figure.low)
    if task.absolute:
        return half
    return half / abs(figure.value) if figure.value else math.inf


def reached(figure: Figure, task: Task) -> bool:
    """Whether the interval is as narrow as one of the tolerances asks; so is any where there is none."""
    if task.tolerance is None and task.absolute_tolerance is None:
        return True
    half = 0.5 * (figure.high - figure.low)
    if task.absolute_tolerance is not None and half <= task.absolute_tolerance:
        return True
    return task.tolerance is not None and half_width(figure, task) <= task.tolerance


def largest_share(values: np.ndarray) -> float:
    """Share of the sample variance that the row farthest out makes."""
    squares = np.square(values - values.mean())
    total = float(squares.sum())
    return float(squares.max()) / total if total > 0 else 0.0


def tail_reasons(values: np.ndarray) -> tuple[str, ...]:
    """Doubt about independent values whose sample variance is mostly one of them."""
    return (TAIL,) if largest_share(values) > TOO_HEAVY_SHARE else ()


def index_tail_reasons(values: np.ndarray, statistic: Statistic, figure: Figure) -> tuple[str, ...]:
    """As `tail_reasons`; no doubt about an index, a share of 1, whose widened interval is negligibly narrow."""
    narrow = figure.high - figure.low <= 2 * NEGLIGIBLE
    return () if narrow and statistic.measure in INDICES else tail_reasons(values)


def sampling_error(values: np.ndarray, level: float, reach: float = 1.0, heavy_share: float = HEAVY_SHARE) -> float:
    """Standard error of the mean of independent values, widened for heavy tails.

    Where one value makes more than a fifth of the sample variance, another `reach` times as far out may be yet
    unseen: by the rule of three its expected number is below -log(1 - level), about 3 at 95 %. What so many would
    add to the mean is one more part of the error, taken as t times a standard error.
    """
    n = len(values)
    error = float(values.std(ddof=1)) / np.sqrt(n)
    if largest_share(values) <= HEAVY_SHARE:
        return error
    unseen = -np.log1p(-level) * reach * float(np.abs(values - values.mean()).max()) / n
    return float(np.hypot(error, unseen / t_quantile(level, n - 1)))


def integral_reasons(own: np.ndarray, share: float) -> tuple[str, ...]:
    """Doubt about a surrogate's own integral that decides the interval and hangs on one of its replicates.

    Parameters
    ----------
    own : (R,) array
        Independent replicates of the integral.
    share : float
        Share of the squared error that it makes.
    """
    if share > INTEGRAL_SHARE and largest_share(own) > TOO_HEAVY_SHARE:
        return ("one replicate makes over half of the error of the surrogate's own integral: raise `surrogate_runs`",)
    return ()


def constant_outputs(integrand: Integrand, rows: np.ndarray) -> set[str]:
    """Outputs that had one value in all rows (..., runs_per_row, columns) that finished.

    Raises
    ------
    EstimationError
        If a statistic is a share of the variance of such an output: it is not defined. See `require_squares` too.
    """
    require_squares(integrand, rows)
    still = {name for name, spread in _spreads(integrand, rows) if spread == 0}
    for statistic in integrand.statistics:
        constant = sorted(_outputs_of(statistic) & still)
        if constant and not statistic.measure.startswith(_DEFINED):
            raise EstimationError(
                f"{constant[0]} had the same value in every run: without a variance {statistic.name} is not defined.",
                "ask about an output that varies, or check that the simulator uses its inputs.",
            )
    return still


def require_squares(integrand: Integrand, rows: np.ndarray) -> None:
    """Refuse rows (..., runs_per_row, columns) whose squares underflow, and with them every error, or overflow.

    Raises
    ------
    EstimationError
        With the output and the statistic that squares it.
    """
    bad = {name: size for name, size in _spreads(integrand, rows) if size and not LEAST_SPREAD <= size <= MOST_SPREAD}
    for statistic in integrand.statistics:
        if statistic.interval == "probability" or statistic.measure == "quantile":
            continue  # counts and order statistics square nothing
        for name in sorted(_outputs_of(statistic) & bad.keys()):
            small = bad[name] < LEAST_SPREAD
            how = f"less than {LEAST_SPREAD:g}" if small else f"more than {MOST_SPREAD:g}"
            raise EstimationError(
                f"the values of {name} differ by {how}: their squares {'under' if small else 'over'}flow, so that "
                f"nothing can be said of the error of {statistic.name}.",
                f"give the output in a {'smaller' if small else 'larger'} unit, or its logarithm.",
            )


def _spreads(integrand: Integrand, rows: np.ndarray) -> list[tuple[str, float]]:
    """Output and range of each column that is of one output alone and finished anywhere."""
    if rows.shape[-1] != len(integrand.column_outputs):
        return []
    columns = rows[..., : integrand.runs_per_row, :].reshape(-1, rows.shape[-1]).T
    named = zip(integrand.column_outputs, columns, strict=True)
    finished = [(name, column[~np.isnan(column)]) for name, column in named if name]
    return [(name, float(column.max()) - float(column.min())) for name, column in finished if len(column)]


def _outputs_of(statistic: Statistic) -> set[str]:
    """The output it is about, both of them for a covariance or correlation."""
    pair = statistic.measure in ("covariance", "correlation")
    return {statistic.output, statistic.group} if pair else {statistic.output}


def constant_reasons(statistic: Statistic, still: set[str]) -> tuple[str, ...]:
    """Doubt about a statistic of an output that had the same value in every run.

    Probabilities are excepted: their intervals are of counts and hold for none.
    """
    if statistic.interval == "probability" or not _outputs_of(statistic) & still:
        return ()
    return ("every run gave the same value: the output does not vary, or too rarely for its spread to be known",)


def require_defined(statistic: Statistic, figure: Figure) -> None:
    """Refuse a value that is not a number.

    Raises
    ------
    EstimationError
        With what may be the cause.
    """
    if np.isnan([figure.value, figure.low, figure.high]).any():
        raise EstimationError(
            f"{statistic.name} of {statistic.output} is not defined for the runs made: its value is not a number.",
            "look whether the outputs vary, and whether their squares overflow.",
        )
