"""Coefficients of control variates by cross-fitting: those of a fold come from the other folds.

With Gram matrices G_k of the rows (1, x, y) of fold k, the coefficients of fold k solve the least squares of
sum_{l != k} G_l: no run chooses its own coefficient (Blum, Kalai and Langford 1999).
"""

from __future__ import annotations

import numpy as np


def coefficients(
    response: np.ndarray, controls: np.ndarray, folds: int, noise: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Regression coefficients for every row, from the rows of the other folds.

    Parameters
    ----------
    response : (n,) array
    controls : (n, q) array
    folds : int
        Row i belongs to fold i mod folds.
    noise : (q, q) array
        Covariance of the controls' own means: the best coefficient is (C + n noise)^-1 c, smaller the
        less the own means are known.

    Returns
    -------
    (n, q) array of each row's coefficients, and the residuals (n,) with the control centred at 0.
    """
    fold = np.arange(len(response)) % folds
    # A sum without the own fold, not a difference, whose rounding would depend on it.
    sums = np.tensordot(1.0 - np.eye(folds), _gram(response, controls, folds), axes=1)
    chosen = _solved(sums, noise)[fold]
    return chosen, response - (chosen * controls).sum(axis=1)


def worthwhile(response: np.ndarray, controls: np.ndarray, folds: int, noise: np.ndarray) -> np.ndarray:
    """Whether the controls lower the error, (n,), judged for each row by the other folds alone.

    Least squares trusts what it has seen: a control with a heavy tail can double the variance although its
    coefficient was fitted. So for fold k the other folds are cross-fitted among themselves, and where their residuals
    and the controls' own means together vary more than the response, fold k is better off without.
    """
    n, q = controls.shape
    fold = np.arange(n) % folds
    grams = _gram(response - response.mean(), controls - controls.mean(axis=0), folds)
    own, other = np.nonzero(~np.eye(folds, dtype=bool))  # judged fold and the fold left out beside it
    left = np.ones((len(own), folds))
    left[np.arange(len(own)), own] = left[np.arange(len(own)), other] = 0.0
    beta = _solved(np.tensordot(left, grams, axes=1), noise)
    line = np.concatenate([np.zeros((len(own), 1)), -beta, np.ones((len(own), 1))], axis=1)
    residual = np.einsum("pij,pj->pi", grams[other], line)
    squares, sums = np.einsum("pi,pi->p", line, residual), residual[:, 0]
    rest = np.tensordot(1.0 - np.eye(folds), grams, axes=1)
    counts = rest[:, 0, 0]
    mean = np.zeros((folds, q))
    found = np.zeros((folds, 2))
    np.add.at(mean, own, beta / (folds - 1))
    np.add.at(found, own, np.stack([squares, sums], axis=1))
    with_them = found[:, 0] / counts - (found[:, 1] / counts) ** 2
    with_them += n * np.einsum("ki,ij,kj->k", mean, noise, mean)
    without = rest[:, -1, -1] / counts - (rest[:, 0, -1] / counts) ** 2
    return np.asarray((with_them <= without)[fold])


def _gram(response: np.ndarray, controls: np.ndarray, folds: int) -> np.ndarray:
    """Gram matrix of the rows (1, x, y) of every fold, (folds, q + 2, q + 2)."""
    fold = np.arange(len(response)) % folds
    table = np.concatenate([np.ones((len(response), 1)), controls, response[:, None]], axis=1)
    return np.stack([table[fold == k].T @ table[fold == k] for k in range(folds)])


def _solved(sums: np.ndarray, noise: np.ndarray) -> np.ndarray:
    """Coefficients (m, q) from Gram matrices (m, q + 2, q + 2)."""
    q = len(noise)
    counts = sums[:, 0, 0]
    means = sums[:, 0, 1:] / counts[:, None]
    central = sums[:, 1:, 1:] / counts[:, None, None] - means[:, :, None] * means[:, None, :]
    matrix = central[:, :q, :q] + counts[:, None, None] * noise
    scale = np.sqrt(np.maximum(np.einsum("kii->ki", matrix), np.finfo(float).tiny))
    scaled = matrix / (scale[:, :, None] * scale[:, None, :])
    # Constant or equal controls make it singular: the pseudo-inverse gives them no (or equal) weight.
    inverse = np.linalg.pinv(scaled, rcond=1e-9, hermitian=True)
    return np.asarray((inverse @ (central[:, :q, q] / scale)[:, :, None])[:, :, 0] / scale)
