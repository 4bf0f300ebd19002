"""How the runs of each split are distributed in one variable: histograms as steps, on common bins."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from surecast.report import numbers
from surecast.report.figures.canvas import DASHES, SERIES, Drawing

BINS = (8, 32)
"""Least and largest number of bins; between, the square root of the number of runs of the largest split."""
TAIL, DECADES = 20.0, 3
"""Positive values are shown on a logarithmic axis if the largest is so many times the median, over so many decades."""


def distribution(name: str, title: str, axis: str, values: Mapping[str, np.ndarray]) -> Drawing:
    """Draw the share of the runs in each bin.

    Parameters
    ----------
    name, title, axis : str
        Stem of the file; title; label of the axis.
    values : mapping of split to array, shape (runs,)
        Finite values, not all equal; a split of one run or none is left out.
    """
    everything = np.concatenate([np.asarray(one, dtype=float) for one in values.values()])
    count = int(np.clip(np.sqrt(max(len(one) for one in values.values())), *BINS))
    drawn = {split: np.asarray(one, dtype=float) for split, one in values.items() if len(one) > 1}
    low, high = float(everything.min()), float(everything.max())
    decades = low > 0 and high > TAIL * float(np.median(everything)) and high > 10.0**DECADES * low
    edges = np.geomspace(low, high, count + 1) if decades else _edges(everything, count)
    said = "; ".join(
        f"{split}: mean {one.mean():.4g}, standard deviation {one.std():.3g}" for split, one in drawn.items()
    )
    drawing = Drawing(name, 400, 235, f"Distribution of {title} over {axis}. {said}.", printed=False)
    with drawing:
        from matplotlib.ticker import LogLocator, MaxNLocator, NullLocator

        (axes,) = drawing.axes()
        for place, (split, one) in enumerate(drawn.items()):
            counts, _ = np.histogram(one, edges)
            density = counts / len(one)  # all bins are equally wide, or have equally many decades
            if place == 0:
                axes.stairs(density, edges, fill=True, color=SERIES[place], alpha=0.16)
            axes.stairs(density, edges, color=SERIES[place], linestyle=DASHES[place], linewidth=1.7, label=split)
        axes.set_ylim(bottom=0)
        axes.set_yticks([])
        if decades:
            axes.set_xscale("log")
            axes.xaxis.set_major_locator(LogLocator(numticks=5))
            axes.xaxis.set_minor_locator(NullLocator())
        else:
            axes.xaxis.set_major_locator(MaxNLocator(5))
        axes.xaxis.set_major_formatter(lambda value, _: _label(value, decades))
        axes.spines["left"].set_visible(False)
        axes.set_title(title)
        axes.set_xlabel(axis, loc="right")
        drawing.figure.legend(loc="outside lower left", ncols=3)
    return drawing


def _edges(values: np.ndarray, count: int) -> np.ndarray:
    """Edges of about `count` bins of equal width; of whole numbers each bin holds as many."""
    low, high = float(values.min()), float(values.max())
    if not (values == np.round(values)).all():
        return np.linspace(low, high, count + 1)
    width = int(np.ceil((high - low + 1) / max(count, BINS[1])))
    return np.arange(low - 0.5, high + 0.5 + width, width)


def _label(value: float, decades: bool) -> str:
    if decades:
        return numbers.power_of_ten(round(np.log10(value)))
    return f"{value:g}".replace("-", "\N{MINUS SIGN}")
