"""Mean and standard deviation over runs and space, from moments of each run, exact in any grouping.

For run i with m values of mean a_i and squared deviations s_i = sum_j (v_ij - a_i)^2, over n runs:
mean = (1/n) sum a_i and variance = (1/(n m)) (sum s_i + m sum (a_i - mean)^2)
(Chan, Golub and LeVeque, The American Statistician 37, 1983). The moments of a run depend on that run
alone, and sums over runs are correctly rounded (`math.fsum`), so the result has the same bits for
every size of parts, number of workers and order of work.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

_CACHE = 256 << 10
MOMENTS = ("mean", "deviations", "minimum", "maximum")


def run_moments(block: np.ndarray) -> np.ndarray:
    """Moments of each run of a block.

    Parameters
    ----------
    block : numpy.ndarray
        Shape ``(run, ...)``, any real dtype.

    Returns
    -------
    numpy.ndarray
        Shape ``(4, run)``, float64: mean, sum of squared deviations from it, minimum, maximum.
    """
    rows = np.ascontiguousarray(block).reshape(len(block), -1)
    if rows.shape[1] == 1:
        return np.stack([rows[:, 0], np.zeros(len(rows)), rows[:, 0], rows[:, 0]]).astype(np.float64)
    moments = np.empty((len(MOMENTS), len(rows)))
    # A few runs at a time: the work then stays in the cache. Sums along contiguous rows are pairwise within
    # each row, so its bits do not depend on the neighbours; those of a BLAS product depend on the threads.
    size = max(1, _CACHE // (8 * rows.shape[1]))
    for start in range(0, len(rows), size):
        values = rows[start : start + size]
        wide = values.astype(np.float64)
        mean = np.add.reduce(wide, axis=1) / wide.shape[1]
        wide -= mean[:, None]
        wide *= wide
        moments[:, start : start + size] = (
            mean,
            np.add.reduce(wide, axis=1),
            np.minimum.reduce(values, axis=1),
            np.maximum.reduce(values, axis=1),
        )
    return moments


def combine(moments: np.ndarray, values_per_run: int) -> dict[str, Any]:
    """Statistics over runs.

    Parameters
    ----------
    moments : numpy.ndarray
        From `run_moments`, the runs that count only, shape ``(4, run)``.
    values_per_run : int
        Number m of values of each run.

    Returns
    -------
    dict
        ``mean``, ``std`` (population, that is divided by n m), ``minimum``, ``maximum``, ``runs`` and
        ``values``; None where there is no run.
    """
    runs = moments.shape[1]
    counts = {"runs": runs, "values": runs * values_per_run}
    if not runs:
        return {"mean": None, "std": None, "minimum": None, "maximum": None, **counts}
    mean = math.fsum(moments[0]) / runs
    deviations = math.fsum(moments[1]) + values_per_run * math.fsum((moments[0] - mean) ** 2)
    return {
        "mean": mean,
        "std": math.sqrt(deviations / (runs * values_per_run)),
        "minimum": float(moments[2].min()),
        "maximum": float(moments[3].max()),
        **counts,
    }
