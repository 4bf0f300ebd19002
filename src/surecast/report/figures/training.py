"""How the trainings went: validation error of one output against steps, one line a surrogate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from surecast.report.figures.canvas import DASHES, SERIES, Drawing, log_axis


def training(
    name: str, title: str, courses: Mapping[str, tuple[np.ndarray, np.ndarray]], surrogates: Sequence[str]
) -> Drawing:
    """Draw the mean over seeds as a line, the least and the largest as a band.

    Parameters
    ----------
    name, title : str
        Stem of the file; title of the figure.
    courses : mapping of surrogate to (steps, errors)
        Steps (step,) and validation errors (seed, step), shares.
    surrogates : sequence of str
        All of the study: a surrogate's place is its colour on every figure of the page.
    """
    said = "; ".join(
        f"{surrogate} ends at {100 * float(errors[:, -1].mean()):.2g} % after {steps[-1]:,} steps"
        for surrogate, (steps, errors) in courses.items()
    )
    drawing = Drawing(name, 400, 270, f"{title} on the validation runs: {said}.")
    with drawing:
        (axes,) = drawing.axes()
        for surrogate, (steps, errors) in courses.items():
            index = surrogates.index(surrogate)
            colour = SERIES[index % len(SERIES)]
            shares = 100 * errors
            axes.plot(
                steps,
                shares.mean(axis=0),
                color=colour,
                linewidth=1.7,
                linestyle=DASHES[index % len(DASHES)],
                label=surrogate,
            )
            if len(shares) > 1:
                axes.fill_between(steps, shares.min(axis=0), shares.max(axis=0), color=colour, alpha=0.18, linewidth=0)
        log_axis(axes.yaxis, 100 * np.concatenate([errors.ravel() for _, errors in courses.values()]), " %")
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
        axes.set_title(title)
        axes.set_xlabel("steps of training", loc="right")
        drawing.figure.legend(loc="outside lower left", ncols=3)
    return drawing
