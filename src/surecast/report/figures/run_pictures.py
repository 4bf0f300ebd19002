"""Some runs of one field: images side by side on one scale, frames in rows, or lines on common axes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from surecast.report.figures.canvas import DASHES, PALETTE, SERIES, Drawing

WIDTH = 400.0
"""CSS pixels: a figure fits a phone, and two stand side by side on a page."""
GAP, HEADING = 6.0, 21.0
"""Between images, and above them, CSS pixels."""


@dataclass(frozen=True)
class Line:
    """One run of a field of one dimension; `group` is what its colour and dashes stand for."""

    group: str
    values: np.ndarray


def images(
    name: str,
    title: str,
    rows: Sequence[Sequence[np.ndarray]],
    *,
    headings: Sequence[Sequence[str]],
    above: Sequence[str] = (),
    extent: tuple[float, float, float, float],
) -> Drawing:
    """Draw images of equal shape on one scale.

    Parameters
    ----------
    name, title : str
        Stem of the file; title with units.
    rows : rows of arrays, shape (y, x)
        What is shown; the first row of an array is at the bottom.
    headings : rows of str
        Above each image.
    above : sequence of str
        Above each column; none at all if empty.
    extent : tuple of float
        First and last x, first and last y: they give the images their shape, within reason.
    """
    everything = np.stack([image for row in rows for image in row]).astype(float)
    low, high = float(np.nanmin(everything)), float(np.nanmax(everything))
    columns = max(2, *(len(row) for row in rows))  # one alone would fill the page
    wide = (WIDTH - 24 - GAP * (columns - 1)) / columns
    tall = wide * float(np.clip(_length(extent[2:]) / _length(extent[:2]), 0.4, 2.0))
    said = f"{title}: {len(everything)} pictures, values from {low:.4g} to {high:.4g}."
    height = len(rows) * (HEADING + tall) + (HEADING if above else 0)
    drawing = Drawing(name, WIDTH, height + 82, said, printed=False)
    with drawing:
        from matplotlib.ticker import MaxNLocator

        # One pair of axes in CSS pixels for all: to lay out a pair for each image takes as long as all the rest.
        (axes,) = drawing.axes()
        drawing.figure.suppressComposite = True  # each image keeps its own points
        top = HEADING if above else 0.0
        for place, text in enumerate(above):
            axes.text(place * (wide + GAP), top - 5, text, fontsize=11, color=PALETTE["muted"])
        for row, texts in zip(rows, headings, strict=True):
            top += HEADING
            for place, (image, text) in enumerate(zip(row, texts, strict=True)):
                start = place * (wide + GAP)
                where = (start, start + wide, top + tall, top)
                shown = axes.imshow(image, origin="lower", extent=where, vmin=low, vmax=high, cmap="viridis")
                axes.text(start, top - 5, text, fontsize=11, color=PALETTE["muted"])
            top += tall
        axes.set(xlim=(0, WIDTH - 24), ylim=(top, 0), aspect="auto")
        axes.set_axis_off()
        bar = drawing.figure.colorbar(
            shown, ax=axes, orientation="horizontal", pad=0.02, aspect=40, ticks=MaxNLocator(5)
        )
        bar.outline.set_visible(False)
        bar.ax.tick_params(length=0, labelsize=11)
        axes.set_title(title, pad=4)
    return drawing


def _length(ends: tuple[float, ...]) -> float:
    return abs(ends[1] - ends[0]) or 1.0


def lines(name: str, title: str, axis: str, x: np.ndarray, shown: Sequence[Line]) -> Drawing:
    """Draw runs as lines over one axis (`axis` is its label)."""
    values = np.stack([line.values for line in shown])
    said = f"{title}: {len(shown)} runs over {axis}, values from {np.nanmin(values):.4g} to {np.nanmax(values):.4g}."
    drawing = Drawing(name, WIDTH, 290, said, printed=False)
    groups = list(dict.fromkeys(line.group for line in shown))
    with drawing:
        (axes,) = drawing.axes()
        for line in shown:
            place = groups.index(line.group)
            axes.plot(x, line.values, color=SERIES[place], linestyle=DASHES[place], linewidth=1.5, alpha=0.9)
        for place, group in enumerate(groups):
            axes.plot([], [], color=SERIES[place], linestyle=DASHES[place], label=group)
        axes.set_title(title)
        axes.set_xlabel(axis, loc="right")
        drawing.figure.legend(loc="outside lower left", ncols=3)
    return drawing
