"""Error of the predicted fields by wave-number band: which scales a surrogate gets right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from surecast.report.figures.canvas import DASHES, MARKERS, SERIES, Drawing, log_axis


def spectrum(
    name: str, title: str, bands: list[str], errors: Mapping[str, np.ndarray], surrogates: Sequence[str]
) -> Drawing:
    """Draw the relative error of each band, one line a surrogate.

    Parameters
    ----------
    bands : list of str
        The bands in ascending wave number, as printed.
    errors : mapping of surrogate to (seed, band) shares
    surrogates : sequence of str
        All of the study: a surrogate's place is its colour on every figure of the page.
    """
    said = "; ".join(
        f"{surrogate} from {100 * values.mean(axis=0)[0]:.2g} % to {100 * values.mean(axis=0)[-1]:.2g} %"
        for surrogate, values in errors.items()
    )
    drawing = Drawing(name, 400, 290, f"{title}, from the largest scales to the smallest: {said}.")
    with drawing:
        (axes,) = drawing.axes()
        at = np.arange(len(bands))
        for surrogate, values in errors.items():
            index = surrogates.index(surrogate)
            shares = 100 * np.asarray(values, dtype=float)
            colour = SERIES[index % len(SERIES)]
            axes.plot(
                at,
                shares.mean(axis=0),
                color=colour,
                marker=MARKERS[index % len(MARKERS)],
                markersize=5,
                linewidth=1.7,
                linestyle=DASHES[index % len(DASHES)],
                label=surrogate,
            )
            if len(shares) > 1:
                axes.fill_between(at, shares.min(axis=0), shares.max(axis=0), color=colour, alpha=0.18, linewidth=0)
        log_axis(axes.yaxis, 100 * np.concatenate([np.ravel(values) for values in errors.values()]), " %")
        axes.set_xticks(at, bands)
        axes.set_title(title)
        axes.set_xlabel("wave numbers", loc="right")
        drawing.figure.legend(loc="outside lower left", ncols=3)
    return drawing
