"""Agreement of surrogate and simulator at runs that the surrogate never saw: one mark a run, equality as a line."""

from __future__ import annotations

import numpy as np

from surecast.report.figures.canvas import PALETTE, SERIES, Drawing


def agreement(name: str, title: str, units: str, simulator: np.ndarray, surrogate: np.ndarray) -> Drawing:
    """Draw the surrogate against the simulator, arrays (n,) of the same runs."""
    moved = np.std(simulator) > 0 and np.std(surrogate) > 0
    squared = float(np.corrcoef(simulator, surrogate)[0, 1]) ** 2 if moved else 0.0
    label = f"squared correlation {squared:.4f} over {len(simulator)} runs"
    drawing = Drawing(name, 400, 400, f"{title}: {label}.")
    with drawing:
        (axes,) = drawing.axes()
        ends = [float(min(simulator.min(), surrogate.min())), float(max(simulator.max(), surrogate.max()))]
        axes.plot(ends, ends, color=PALETTE["muted"], linewidth=0.9, label="equality")
        axes.plot(simulator, surrogate, linestyle="", marker="o", markersize=4, color=SERIES[0], alpha=0.5,
                  markeredgewidth=0, label=label)  # fmt: skip
        axes.set_aspect("equal", adjustable="datalim")
        axes.set_title(title)
        axes.set_xlabel(f"simulator{f', {units}' if units else ''}", loc="right")
        axes.set_ylabel("surrogate")
        drawing.figure.legend(loc="outside lower left", ncols=1)
    return drawing
