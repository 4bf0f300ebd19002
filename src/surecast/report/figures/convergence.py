"""How each estimate settled as simulator runs were spent: value and interval of several estimators."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from surecast.report.figures.canvas import DASHES, MARKERS, PALETTE, SERIES, Drawing, log_axis

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True)
class Path:
    """One estimator's way: value and interval after so many simulator runs (equal lengths)."""

    label: str
    runs: np.ndarray
    value: np.ndarray
    low: np.ndarray
    high: np.ndarray


def convergence(name: str, title: str, units: str, paths: Sequence[Path], level: float) -> Drawing:
    """Draw value against simulator runs, one line and one band an estimator.

    The first path is the estimate that answers the question; its last value is the thin level line.
    """
    last = "; ".join(f"{path.label} ends at {path.value[-1]:.4g} after {path.runs[-1]:.0f} runs" for path in paths)
    drawing = Drawing(name, 400, 290, f"{title} against simulator runs, with {100 * level:g} % intervals: {last}.")
    with drawing:
        (axes,) = drawing.axes()
        axes.axhline(paths[0].value[-1], color=PALETTE["muted"], linewidth=0.8)
        for index, path in enumerate(paths):
            colour = SERIES[index % len(SERIES)]
            style: dict[str, Any] = {
                "color": colour,
                "marker": MARKERS[index % len(MARKERS)],
                "markersize": 4.0,
                "zorder": 4 - 0.1 * index,
            }
            if len(path.runs) > 1:
                axes.fill_between(path.runs, path.low, path.high, color=colour, alpha=0.16, linewidth=0)
                axes.plot(
                    path.runs,
                    path.value,
                    linewidth=1.7,
                    linestyle=DASHES[index % len(DASHES)],
                    label=path.label,
                    **style,
                )
            else:
                spread = np.array([path.value - path.low, path.high - path.value])
                axes.errorbar(path.runs, path.value, spread, linewidth=1.7, linestyle="", label=path.label, **style)
        _frame(axes, paths)
        axes.set_title(title)
        axes.set_xlabel("simulator runs", loc="right")
        axes.set_ylabel(units)
        drawing.figure.legend(loc="outside lower left", ncols=2 if len(paths) > 1 else 1)
    return drawing


def _frame(axes: Axes, paths: Sequence[Path]) -> None:
    runs = np.concatenate([path.runs for path in paths])
    if runs.min() > 0 and runs.max() / runs.min() > 4:
        log_axis(axes.xaxis, runs)
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    # Early intervals are so wide that they would hide the rest: show what happens around the final ones.
    low = min(float(path.low[-1]) for path in paths)
    high = max(float(path.high[-1]) for path in paths)
    if np.isfinite(low) and np.isfinite(high) and high > low:
        pad = 0.9 * (high - low)
        axes.set_ylim(
            max(low - pad, min(np.nanmin(path.low) for path in paths)),
            min(high + pad, max(np.nanmax(path.high) for path in paths)),
        )
