"""Some runs of one field: images side by side on one scale, frames in rows, or lines on common axes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from surecast.report.figures.canvas import DASHES, PALETTE, SERIES, Drawing

WIDTH = 400.0
"""CSS pixels: a figure fits a phone, and two stand side by side on a page."""


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
    sides: Sequence[str] = (),
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
        Above each image, empty for none.
    sides : sequence of str
        Left of each row; none at all if empty.
    extent : tuple of float
        First and last x, first and last y: they give the images their shape.
    """
    everything = np.stack([image for row in rows for image in row]).astype(float)
    low, high = float(np.nanmin(everything)), float(np.nanmax(everything))
    columns = max(len(row) for row in rows)
    shape = float(np.clip(everything.shape[1] / everything.shape[2], 0.4, 2.0))
    panel = (WIDTH - 24) / columns * shape
    height = 84 + sum(panel + (21 if any(texts) else 6) for texts in headings)
    said = f"{title}: {len(everything)} pictures, values from {low:.4g} to {high:.4g}."
    drawing = Drawing(name, WIDTH, height, said, printed=False)
    with drawing:
        from matplotlib.ticker import MaxNLocator

        grid = np.array(drawing.axes(len(rows), columns), dtype=object).reshape(len(rows), columns)
        for number, row in enumerate(rows):
            for axes, image, heading in zip(grid[number], row, headings[number], strict=False):
                shown = axes.imshow(
                    image, origin="lower", extent=extent, vmin=low, vmax=high, cmap="viridis", aspect="auto"
                )
                axes.set_title(heading, fontsize=11, color=PALETTE["muted"], pad=4)
            if sides:
                grid[number][0].set_ylabel(sides[number], fontsize=11)
        for axes in grid.ravel():
            axes.grid(visible=False)
            axes.set_xticks([])
            axes.set_yticks([])
            axes.spines[:].set_visible(False)
        bar = drawing.figure.colorbar(
            shown, ax=list(grid.ravel()), orientation="horizontal", pad=0.02, aspect=40, ticks=MaxNLocator(5)
        )
        bar.outline.set_visible(False)
        bar.ax.tick_params(length=0, labelsize=11)
        drawing.figure.suptitle(title, x=0.01, ha="left", fontsize=12.5)
    return drawing


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
