"""Where a rare event lies and how it was weighed: draws of the final sample with the modes found, and its weights."""

from __future__ import annotations

from typing import Any

import numpy as np

from surecast.report.figures.canvas import PALETTE, SERIES, Drawing, log_axis


def modes(
    name: str, title: str, points: np.ndarray, event: np.ndarray, centres: np.ndarray, shares: np.ndarray, plane: str
) -> Drawing:
    """Draw the final sample in two directions of the standard-normal space.

    Parameters
    ----------
    points : (n, 2) array
        Draws.
    event : (n,) array of bool
        Whether the simulator saw the event there.
    centres : (m, 2) array
        Components of the proposal that aim at the event.
    shares : (m,) array
        Their shares.
    plane : str
        Which directions these are, in words.
    """
    said = (
        f"{int(event.sum())} of {len(event)} draws shown are events; the proposal aims at {len(centres)} places, "
        + "; ".join(f"({a:.2f}, {b:.2f})" for a, b in centres)
    )
    drawing = Drawing(name, 400, 400, f"{title}: {said}.")
    with drawing:
        (axes,) = drawing.axes()
        axes.plot(*points[~event].T, linestyle="", marker="o", markersize=4, color=PALETTE["muted"], alpha=0.45,
                  markeredgewidth=0, label="no event")  # fmt: skip
        axes.plot(*points[event].T, linestyle="", marker="D", markersize=4, color=SERIES[1], alpha=0.75,
                  markeredgewidth=0, label="event")  # fmt: skip
        if len(centres):
            sizes = 90 + 240 * shares / max(float(shares.max()), 1e-300)
            style: dict[str, Any] = {"marker": "*", "color": SERIES[0], "edgecolors": PALETTE["paper"], "zorder": 4}
            axes.scatter(centres[:, 0], centres[:, 1], s=sizes, label="aim (size: its share)", **style)
        around = np.linspace(0, 2 * np.pi, 181)
        for radius in (1.0, 2.0, 3.0, 4.0, 5.0):
            axes.plot(
                radius * np.cos(around), radius * np.sin(around), color=PALETTE["hairline"], linewidth=0.8, zorder=0
            )
        reach = 1.08 * max(3.2, float(np.abs(points).max(initial=0.0)), float(np.abs(centres).max(initial=0.0)))
        axes.set_xlim(-reach, reach)
        axes.set_ylim(-reach, reach)
        axes.set_aspect("equal")
        axes.grid(visible=False)
        axes.set_title(title)
        axes.set_xlabel(f"{plane}; circles: 1 to 5 standard deviations", loc="right")
        drawing.figure.legend(loc="outside lower left", ncols=3)
    return drawing


def contributions(name: str, title: str, shares: np.ndarray, effective: float) -> Drawing:
    """Draw how much of the estimate each run makes, the largest first.

    Parameters
    ----------
    shares : (k,) array
        w 1{event} over their sum, in descending order.
    effective : float
        Effective number of events, (sum w)^2/sum w^2.
    """
    said = f"the largest makes {100 * shares[0]:.2g} % of the estimate; effective number of events {effective:.0f}"
    drawing = Drawing(name, 400, 290, f"{title}: {said}.")
    with drawing:
        (axes,) = drawing.axes()
        rank = np.arange(1, len(shares) + 1)
        axes.plot(rank, 100 * shares, color=SERIES[0], marker="o", markersize=3.5, linewidth=1.2, label="events seen")
        axes.axhline(100 / effective, color=SERIES[1], linewidth=1.4, linestyle=(0, (5, 2)),
                     label=f"{effective:.0f} equal ones")  # fmt: skip
        log_axis(axes.xaxis, rank.astype(float))
        log_axis(axes.yaxis, 100 * np.append(shares, 1 / effective), " %")
        axes.set_title(title)
        axes.set_xlabel("event, by weight", loc="right")
        axes.set_ylabel("share of the estimate")
        drawing.figure.legend(loc="outside lower left", ncols=2)
    return drawing
