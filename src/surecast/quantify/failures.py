"""Failed runs: the interval of a statistic is widened to hold whatever they might have been.

An output with declared `bounds` [l, h] gave some unknown y in [l, h] wherever a run failed. Every statistic
is worked out from the sample completed in the ways that are extreme for it, and its interval is the
smallest that holds those of all (worst-case bounds of missing data; Horowitz and Manski 2000, JASA 95):

- mean: every failed run at l, every one at h;
- expectation of a power or of an event, under any law of the inputs: all that failed at its lowest, all at its highest;
- variance, m of n runs failed: it is convex in the failed values, so that it is largest with k of them at l
  and m - k at h for some k, all of which are tried, and smallest with all of them at the mean of the
  finished runs, cut to [l, h].

Probabilities need no bounds: they count a failed run once as event and once as none. Any other statistic
(indices, covariances, moments of fields, variances by weighted runs) leaves failed runs out and is not certified.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np

from surecast.quantify.estimators.estimator import Figure, Found, jointly
from surecast.quantify.integrand import Integrand

Bounds = Mapping[str, tuple[float, float]]
"""Output -> lowest and highest value that it can have, in its units."""


def with_failures(
    integrand: Integrand, rows: np.ndarray, bounds: Bounds, analyse: Callable[[np.ndarray], list[Found]]
) -> list[Found]:
    """What rows say, whatever the failed ones among them might have been.

    Parameters
    ----------
    rows : (..., runs_per_row, columns) array
        Observations, NaN where a run failed.
    bounds : mapping
        Of outputs; see `Bounds`.
    analyse : callable
        From rows to one `Found` a statistic; leaves out those that did not finish.
    """
    found = analyse(rows)
    if not np.isnan(rows).any():
        return found
    held = bounded(integrand, rows, bounds)
    if not held:
        return found
    ways = [analyse(completed) for completed in completions(integrand, rows, bounds)]
    outside = _outside(integrand, rows, bounds)
    widened = [
        _enclosing(one, [way[index] for way in ways], outside) if index in held else one
        for index, one in enumerate(found)
    ]
    return jointly(widened, np.array([one.covariance for one in found])) if integrand.joint else widened


def bounded(integrand: Integrand, rows: np.ndarray, bounds: Bounds) -> set[int]:
    """Statistics whose worst cases are known: those of a column with bounds, or without a failed run."""
    ends = integrand.column_bounds(bounds)
    if rows.shape[-1] != len(ends):
        return set()
    lost = np.isnan(rows).reshape(-1, rows.shape[-1]).any(axis=0)
    known = {column for column, end in enumerate(ends) if end is not None or not lost[column]}
    return {
        index
        for index, statistic in enumerate(integrand.statistics)
        if integrand.boundable(statistic) and integrand.column_of(index) in known
    }


def completions(integrand: Integrand, rows: np.ndarray, bounds: Bounds) -> list[np.ndarray]:
    """Rows completed in four ways: lowest mean, highest mean, smallest variance, largest variance of every column."""
    ways = [rows.copy() for _ in range(4)]
    for column, ends in enumerate(integrand.column_bounds(bounds)):
        values = rows[..., column]
        failed = np.isnan(values)
        if not failed.any():
            continue
        finished = values[~failed]
        centre = float(finished.mean())
        low, high = ends or (centre, centre)
        count = int(failed.sum())
        split = np.where(np.arange(count) < _at_low(finished, count, low, high), low, high)
        for way, fill in zip(ways, (low, high, float(np.clip(centre, low, high)), split), strict=True):
            way[..., column][failed] = fill
    return ways


def _at_low(finished: np.ndarray, count: int, low: float, high: float) -> int:
    """How many of the failed runs are at their low end where the variance is largest."""
    k = np.arange(count + 1)
    centre = float(finished.mean())  # the variance does not depend on it; sums of squares around it do not cancel
    squares = float(np.square(finished - centre).sum()) + k * (low - centre) ** 2 + (count - k) * (high - centre) ** 2
    mean = (k * (low - centre) + (count - k) * (high - centre)) / (len(finished) + count)
    return int(np.argmax(squares - (len(finished) + count) * mean**2))


def _enclosing(left_out: Found, ways: list[Found], outside: tuple[str, ...]) -> Found:
    figures = [way.figure for way in ways]
    values = [figure.value for figure in figures]
    return replace(
        left_out,
        figure=Figure(
            0.5 * (min(values) + max(values)),
            min(figure.low for figure in figures),
            max(figure.high for figure in figures),
            max(figure.standard_error for figure in figures),
        ),
        # A completed value may dominate the variance, but bounds say how far out it is: no doubt about the tail.
        reasons=(*left_out.reasons, *outside),
        counted=True,
        diagnostics={**left_out.diagnostics, "value_of_finished_runs": left_out.figure.value},
    )


def _outside(integrand: Integrand, rows: np.ndarray, bounds: Bounds) -> tuple[str, ...]:
    """Doubt about bounds that a finished run does not keep."""
    found = []
    for column, (name, ends) in enumerate(zip(integrand.column_outputs, integrand.column_bounds(bounds), strict=True)):
        if ends is not None:
            low, high = ends
            values = rows[..., column]
            least, most = float(np.nanmin(values)), float(np.nanmax(values))
            if least < low or most > high:
                what = name if ends == bounds[name] else f"a power of {name}"
                value = least if least < low else most
                found.append(f"a run gave {what} = {value:.4g}, outside its declared bounds [{low:g}, {high:g}]")
    return tuple(found)
