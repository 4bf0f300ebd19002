"""Sobol indices as bars with their intervals: first order beside total (and Shapley effect) of each group of inputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from surecast.report.figures.canvas import PALETTE, SERIES, Drawing

Bar = tuple[float, float, float]


def sensitivity(name: str, title: str, groups: Sequence[str], indices: Mapping[str, Mapping[str, Bar]]) -> Drawing:
    """Draw the indices.

    Parameters
    ----------
    name, title : str
        Stem of the file; title of the figure.
    groups : sequence of str
        Groups of inputs, from top to bottom.
    indices : mapping of order ("first order", "total" ...) to group to (value, low, high)
        No line is drawn where an interval is unbounded.
    """
    orders = list(indices)
    said = "; ".join(
        f"{group} "
        + ", ".join(f"{order} {indices[order][group][0]:.3f}" for order in orders if group in indices[order])
        for group in groups
    )
    drawing = Drawing(name, 400, 96 + (14 + 22 * len(orders)) * len(groups), f"{title}: {said}.")
    with drawing:
        (axes,) = drawing.axes()
        height = 0.74 / len(orders)
        for place, order in enumerate(orders):
            colour = SERIES[place]
            rows = np.array([row for row, group in enumerate(groups) if group in indices[order]], dtype=float)
            bars = np.array([indices[order][group] for group in groups if group in indices[order]])
            at = rows + (place - (len(orders) - 1) / 2) * height
            value, low, high = bars.T
            axes.barh(
                at, value, height * 0.86, color=colour, alpha=0.42 if place == 0 else 0.24, linewidth=0, label=order
            )
            known = np.isfinite(low) & np.isfinite(high)
            axes.hlines(at[known], low[known], high[known], color=colour, linewidth=2.0)
            axes.plot(value, at, linestyle="", marker="oDs"[place], markersize=4.5, color=colour)
        axes.axvline(0, color=PALETTE["muted"], linewidth=0.8)
        axes.set_yticks(range(len(groups)), groups)
        axes.tick_params(axis="y", length=0, labelcolor=PALETTE["ink"], labelsize=12)
        axes.invert_yaxis()
        axes.grid(axis="y", visible=False)
        # Indices of pairs are small: only those of inputs are seen against the whole.
        whole = 0.0 if orders == ["second order"] else 1.0
        axes.set_xlim(min(0.0, axes.get_xlim()[0]), max(whole, axes.get_xlim()[1]))
        axes.spines["left"].set_visible(False)
        axes.set_title(title)
        axes.set_xlabel("share of the variance", loc="right")
        drawing.figure.legend(loc="outside lower left", ncols=3)
    return drawing
