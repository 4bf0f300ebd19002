"""The jackknife: values and pseudo-values of smooth functions of means.

Every answer here (mean, variance, Sobol indices) is theta = g(E[T]) for a row of summands T. With
n rows (or n independent replicates of rows) and g_(-i) the value without row i,

    psi_i = n g - (n - 1) g_(-i),      theta = mean(psi),      se^2 = var(psi)/n.

theta is exactly unbiased where g is quadratic (the variance), and has its O(1/n) bias removed
elsewhere (Efron and Stein 1981). The pseudo-values behave as independent draws: control variates are
regressed on them, and their variance is that of plain Monte Carlo for one row.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np


def pseudo_values(summands: np.ndarray, function: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """Jackknife pseudo-values.

    Parameters
    ----------
    summands : (n, k) array
        Rows T_i, n >= 2.
    function : callable
        From means (..., k) to statistics (..., S).

    Returns
    -------
    (n, S) array; its mean over the first axis is the value.
    """
    n = len(summands)
    total = summands.sum(axis=0)
    whole = function(total / n)
    without = function((total - summands) / (n - 1))
    return n * whole - (n - 1) * without


def weighted(
    summands: np.ndarray, function: Callable[[np.ndarray], np.ndarray], weights: np.ndarray | None
) -> tuple[np.ndarray, Callable[[np.ndarray], np.ndarray]]:
    """Summands (w T, w) and the function g(E[w T]/E[w]) of rows drawn from another law than the one asked about.

    Parameters
    ----------
    summands : (n, k) array
    function : callable
        See `pseudo_values`.
    weights : (n,) array, optional
        Ratio of the densities, up to a factor; without it nothing changes.
    """
    if weights is None:
        return summands, function

    def answer(means: np.ndarray) -> np.ndarray:
        total = means[..., -1:]
        return function(np.divide(means[..., :-1], total, out=np.zeros_like(means[..., :-1]), where=total > 0))

    column = weights[:, None]
    return np.concatenate([summands * column, column], axis=1), answer
