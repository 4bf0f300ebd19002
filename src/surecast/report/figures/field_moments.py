"""A moment of a field over its grid, with its interval: lines and bands in one dimension, two maps in two."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from surecast.report.figures.canvas import PALETTE, SERIES, Drawing


@dataclass(frozen=True)
class FieldMoment:
    """One moment of one field.

    Attributes
    ----------
    title, units : str
        As printed.
    value : ndarray, shape (x,) or (y, x)
    ends : mapping of "pointwise" or "simultaneous" to (low, high), arrays of the shape of `value`
    axes : mapping of str to ndarray
        Coordinates by name, in the order of the dimensions.
    level : float
        Of the intervals.
    """

    title: str
    units: str
    value: np.ndarray
    ends: Mapping[str, tuple[np.ndarray, np.ndarray]]
    axes: Mapping[str, np.ndarray]
    level: float = 0.95

    def half_width(self, kind: str) -> np.ndarray:
        """Half the width of the intervals of a kind, in every point."""
        low, high = self.ends[kind]
        return np.asarray(0.5 * (high - low))


def field_moment(name: str, moment: FieldMoment) -> Drawing:
    """Draw it; the widest kind of interval (the simultaneous one, where there is one) is that of the map."""
    widths = ", ".join(f"{kind} half-width up to {moment.half_width(kind).max():.3g}" for kind in moment.ends)
    said = f"{moment.title}: from {np.nanmin(moment.value):.4g} to {np.nanmax(moment.value):.4g}; {widths}."
    lines = moment.value.ndim == 1
    shape = 1.0 if lines else float(np.clip(moment.value.shape[0] / moment.value.shape[1], 0.3, 2.0))
    drawing = Drawing(name, 400, 290 if lines else 92 + 180 * shape, said)
    with drawing:
        (_lines if lines else _maps)(drawing, moment)
    return drawing


def _lines(drawing: Drawing, moment: FieldMoment) -> None:
    (axes,) = drawing.axes()
    ((coordinate, x),) = moment.axes.items()
    for kind, alpha in (("simultaneous", 0.18), ("pointwise", 0.36)):
        if kind in moment.ends:
            label = f"{100 * moment.level:g} % {kind}"
            axes.fill_between(x, *moment.ends[kind], color=SERIES[0], alpha=alpha, linewidth=0, label=label)
    axes.plot(x, moment.value, color=SERIES[0], linewidth=1.7, label="estimate")
    axes.set_title(moment.title)
    axes.set_xlabel(coordinate, loc="right")
    axes.set_ylabel(moment.units)
    drawing.figure.legend(loc="outside lower left", ncols=2)


def _maps(drawing: Drawing, moment: FieldMoment) -> None:
    from matplotlib.ticker import MaxNLocator

    kind = "simultaneous" if "simultaneous" in moment.ends else "pointwise"
    y, x = moment.axes.values()
    extent = (float(x[0]), float(x[-1]), float(y[0]), float(y[-1]))
    shown = ((moment.value, "estimate", "viridis"), (moment.half_width(kind), f"± {kind}", "cividis"))
    for axes, (values, heading, colours) in zip(drawing.axes(1, 2), shown, strict=True):
        image = axes.imshow(values, origin="lower", extent=extent, cmap=colours)
        axes.grid(visible=False)
        axes.set_xticks([])
        axes.set_yticks([])
        axes.spines[:].set_visible(False)
        axes.set_title(heading, fontsize=11, color=PALETTE["muted"], pad=5)
        bar = drawing.figure.colorbar(
            image, ax=axes, orientation="horizontal", pad=0.03, aspect=24, ticks=MaxNLocator(3)
        )
        bar.outline.set_visible(False)
        bar.ax.tick_params(length=0, labelsize=10.5)
    units = f", {moment.units}" if moment.units else ""
    drawing.figure.suptitle(f"{moment.title}{units}", x=0.01, ha="left", fontsize=12.5)
