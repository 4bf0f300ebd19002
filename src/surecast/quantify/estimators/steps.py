r"""How large a step of the output along one input may be: what stratified points may hide.

Scrambled Sobol points and Latin hypercubes put one of m points into each of m strata of every input. A step of height J
at some value of one input then makes the mean over m points take one of two values J/m apart, by whether the point of a
single stratum lies before it or behind: where all replicates agree, nothing of their spread shows it. So the spread
between replicates is taken as no less than that of a fair coin between the two, J/(2 m).

J is the largest difference between the means of neighbouring windows of rows along an input, after the effects of the
other inputs (means over windows along each) are taken off; other variation makes it too large, never much too small.
"""

from __future__ import annotations

import numpy as np

WINDOW = 16
"""Rows in a window."""
_MOST_ROWS, _MOST_NUMBERS, _LEAST_ROWS = 4096, 1 << 24, 256


def largest_step(drawn: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Largest step of each column along one input, (S,).

    Parameters
    ----------
    drawn : (n, d) array
        Uniforms of the rows.
    values : (n, S) array
    """
    (count, dimension), size = drawn.shape, values.shape[1]
    kept = min(count, _MOST_ROWS, max(_LEAST_ROWS, _MOST_NUMBERS // (dimension * size)))
    chosen = np.arange(kept) * count // kept
    drawn, values = drawn[chosen], values[chosen]
    window = min(WINDOW, kept // 4)
    if window < 2:
        return np.asarray(np.ptp(values, axis=0))
    orders = np.argsort(drawn, axis=0)
    centred = values - values.mean(axis=0)
    effects = np.empty((dimension, kept, size))
    for j in range(dimension):
        effects[j, orders[:, j]] = _smooth(centred[orders[:, j]], window)
    rest = centred - effects.sum(axis=0)
    found = np.zeros(size)
    for j in range(dimension):
        sums = np.cumsum((rest + effects[j])[orders[:, j]], axis=0)
        jumps = (sums[2 * window :] - 2 * sums[window:-window] + sums[: -2 * window]) / window
        found = np.maximum(found, np.abs(jumps).max(axis=0, initial=0.0))
    return found


def _smooth(values: np.ndarray, window: int) -> np.ndarray:
    """Means over 2 * window rows around each; at the ends over those that there are."""
    sums = np.concatenate([np.zeros((1, values.shape[1])), np.cumsum(values, axis=0)])
    places = np.arange(len(values))
    first, last = np.maximum(places - window, 0), np.minimum(places + window, len(values))
    return np.asarray((sums[last] - sums[first]) / (last - first)[:, None])
