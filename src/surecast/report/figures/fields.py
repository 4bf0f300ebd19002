"""Fields side by side for one test run: the simulator's, the surrogate's, and their difference."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from surecast.report.figures.canvas import DASHES, PALETTE, SERIES, Drawing

if TYPE_CHECKING:
    from matplotlib.figure import SubFigure


@dataclass(frozen=True)
class Example:
    """One output of one run.

    Attributes
    ----------
    output, units : str
        Name and units as printed.
    truth, prediction : ndarray, shape (y, x) or (x,)
        On the same grid.
    x, y : ndarray
        Coordinates; `y` is None in one dimension.
    error : float
        Relative L2 error of the prediction (a share).
    """

    output: str
    units: str
    truth: np.ndarray
    prediction: np.ndarray
    x: np.ndarray
    y: np.ndarray | None
    error: float


def fields(name: str, title: str, examples: Sequence[Example], width: float = 720, *, printed: bool = True) -> Drawing:
    """Draw one row an output: truth and prediction on one scale, their difference on its own, symmetric one.

    Parameters
    ----------
    width : float
        In CSS pixels: 720 for a page, 400 for a phone.
    printed : bool
        Whether it is wanted as PDF too.
    """
    said = "; ".join(f"{example.output}: relative error {100 * example.error:.2g} %" for example in examples)
    height = sum((width / 3 + 62) * _aspect(example) if example.truth.ndim > 1 else 230 for example in examples)
    drawing = Drawing(name, width, height + 6 * len(examples), f"{title}, truth beside prediction. {said}.", printed)
    with drawing:
        rows = drawing.figure.subfigures(len(examples), 1, squeeze=False)[:, 0]
        for row, example in zip(rows, examples, strict=True):
            units = f" in {example.units}" if example.units else ""
            label = f"{example.output}{units} · relative L2 error {100 * example.error:.2g} %"
            row.suptitle(label, x=0.004, ha="left", fontsize=12.5)
            (_lines if example.truth.ndim == 1 else _images)(row, example)
    return drawing


def _aspect(example: Example) -> float:
    return float(np.clip(example.truth.shape[0] / example.truth.shape[1], 0.3, 2.0))


def _images(row: SubFigure, example: Example) -> None:
    from matplotlib.ticker import MaxNLocator

    panels = row.subplots(1, 3)
    y = example.y if example.y is not None else np.arange(example.truth.shape[0], dtype=float)
    extent = (*_edges(example.x), *_edges(y))
    both = np.stack([example.truth, example.prediction]).astype(float)
    difference = both[1] - both[0]
    largest = float(np.nanmax(np.abs(difference))) or 1.0
    shown = [
        ("truth", both[0], float(np.nanmin(both)), float(np.nanmax(both)), "viridis"),
        ("prediction", both[1], float(np.nanmin(both)), float(np.nanmax(both)), "viridis"),
        ("error", difference, -largest, largest, "RdBu_r"),
    ]
    for axes, (heading, field, low, high, colours) in zip(panels, shown, strict=True):
        image = axes.imshow(field, origin="lower", extent=extent, vmin=low, vmax=high, cmap=colours)
        axes.grid(visible=False)
        axes.set_xticks([])
        axes.set_yticks([])
        axes.spines[:].set_visible(False)
        axes.set_title(heading, fontsize=11, color=PALETTE["muted"], pad=5)
        bar = row.colorbar(image, ax=axes, orientation="horizontal", pad=0.03, aspect=24, ticks=MaxNLocator(3))
        bar.outline.set_visible(False)
        bar.ax.tick_params(length=0, labelsize=10.5)


def _lines(row: SubFigure, example: Example) -> None:
    left, right = row.subplots(1, 2)
    left.plot(example.x, example.truth, color=SERIES[0], linewidth=2.0, label="truth")
    left.plot(example.x, example.prediction, color=SERIES[1], linewidth=1.6, linestyle=DASHES[1], label="prediction")
    left.legend()
    right.axhline(0, color=PALETTE["muted"], linewidth=0.8)
    right.plot(example.x, example.prediction - example.truth, color=SERIES[2], linewidth=1.6)
    right.set_title("error", fontsize=11, color=PALETTE["muted"])
    for axes in (left, right):
        axes.set_xlabel("x", loc="right")


def _edges(centres: np.ndarray) -> tuple[float, float]:
    if centres.size < 2:
        return float(centres[0]) - 0.5, float(centres[0]) + 0.5
    return float(1.5 * centres[0] - 0.5 * centres[1]), float(1.5 * centres[-1] - 0.5 * centres[-2])
