"""Error against cost: the classical solver on coarser grids, and the surrogates, in one plane."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from surecast.report.figures.canvas import MARKERS, PALETTE, SERIES, Drawing, log_axis


@dataclass(frozen=True)
class Point:
    """One way to get the output: seconds a run and relative error (a share)."""

    label: str
    seconds: float
    error: float


def cost(name: str, title: str, grids: Sequence[Point], surrogates: Sequence[Point], order: Sequence[str]) -> Drawing:
    """Draw error against cost; what lies below and to the left of the grids' line pays.

    `order` lists all surrogates of the study: a surrogate's place is its colour on every figure of the page.
    """
    said = "; ".join(
        f"{point.label} {100 * point.error:.2g} % at {1e3 * point.seconds:.3g} ms" for point in [*grids, *surrogates]
    )
    drawing = Drawing(name, 400, 290, f"{title}. {said}.")
    with drawing:
        (axes,) = drawing.axes()
        if grids:
            axes.plot(
                [1e3 * point.seconds for point in grids],
                [100 * point.error for point in grids],
                color=PALETTE["muted"],
                marker="o",
                markersize=5,
                linewidth=1.4,
                label="simulator, coarser grids",
            )
        for point in surrogates:
            index = order.index(point.label)
            axes.plot(
                [1e3 * point.seconds],
                [100 * point.error],
                linestyle="",
                color=SERIES[index % len(SERIES)],
                marker=MARKERS[index % len(MARKERS)],
                markersize=8,
                label=point.label,
            )
        for point in grids:
            axes.annotate(
                point.label,
                (1e3 * point.seconds, 100 * point.error),
                xytext=(6, 5),
                textcoords="offset points",
                fontsize=11,
                color=PALETTE["muted"],
            )
        points = [*grids, *surrogates]
        log_axis(axes.xaxis, 1e3 * np.array([point.seconds for point in points]))
        log_axis(axes.yaxis, 100 * np.array([point.error for point in points]), " %")
        axes.margins(x=0.2, y=0.12)
        axes.set_title(title)
        axes.set_xlabel("milliseconds a run, one thread", loc="right")
        drawing.figure.legend(loc="outside lower left", ncols=2)
    return drawing
