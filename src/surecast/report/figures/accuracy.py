"""Test error of every surrogate: one small mark a seed, one large mark for their mean."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from surecast.report import numbers
from surecast.report.figures.canvas import MARKERS, PALETTE, SERIES, Drawing, log_axis


def accuracy(
    name: str, title: str, errors: Mapping[str, Mapping[str, np.ndarray]], xlabel: str, surrogates: Sequence[str]
) -> Drawing:
    """Draw errors on a logarithmic axis.

    Parameters
    ----------
    errors : mapping of output to surrogate to errors, one a seed
        Shares (0.02 for 2 %).
    surrogates : sequence of str
        All of the study: a surrogate's place is its colour on every figure of the page.
    """
    outputs = list(errors)
    said = "; ".join(
        f"{output}: "
        + ", ".join(f"{surrogate} {100 * float(np.mean(values)):.2g} %" for surrogate, values in row.items())
        for output, row in errors.items()
    )
    rows = sum(len(row) for row in errors.values()) + len(outputs)
    drawing = Drawing(name, 400, 110 + 19 * rows, f"{title}. {said}.")
    with drawing:
        (axes,) = drawing.axes()
        place, ticks, labels = 0.0, [], []
        for output in outputs:
            ticks.append(place + (len(errors[output]) - 1) / 2)
            labels.append(output)
            for surrogate, values in errors[output].items():
                index = surrogates.index(surrogate)
                style: dict[str, Any] = {
                    "color": SERIES[index % len(SERIES)],
                    "linestyle": "",
                    "marker": MARKERS[index % len(MARKERS)],
                }
                shares = 100 * np.asarray(values, dtype=float)
                axes.plot(shares, np.full(shares.size, place), markersize=4, alpha=0.45, **style)
                first = output == next(item for item in outputs if surrogate in errors[item])
                axes.plot([shares.mean()], [place], markersize=7.5, label=surrogate if first else None, **style)
                axes.annotate(
                    numbers.percent(float(shares.mean()) / 100),
                    (shares.max(), place),
                    xytext=(9, 0),
                    textcoords="offset points",
                    va="center",
                    fontsize=11,
                    color=PALETTE["ink"],
                )
                place += 1
            place += 0.9
        axes.set_yticks(ticks, labels)
        axes.tick_params(axis="y", length=0, labelcolor=PALETTE["ink"], labelsize=12)
        axes.invert_yaxis()
        shown = np.concatenate([100 * np.asarray(values) for row in errors.values() for values in row.values()])
        log_axis(axes.xaxis, shown, " %")
        axes.set_xlim(0.7 * np.nanmin(shown), 2.3 * np.nanmax(shown))
        axes.margins(y=0.09)
        axes.grid(axis="y", visible=False)
        axes.spines["left"].set_visible(False)
        axes.set_title(title)
        axes.set_xlabel(xlabel, loc="right")
        drawing.figure.legend(loc="outside lower left", ncols=3)
    return drawing
