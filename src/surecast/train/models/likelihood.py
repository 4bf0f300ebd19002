r"""Marginal likelihood of a Gaussian process and its gradient, for one length per variable.

    -log p(y) = y^T K^-1 y / 2 + log det K / 2 + n log(2 pi) / 2,      K = c k(r) + v I
    d(-log p)/dt = -tr((a a^T - K^-1) dK/dt) / 2,      a = K^-1 y

(Rasmussen, Williams 2006, equations 5.8 and 5.9). For t = log l_i, dK/dt = c g(r) (z_i - z'_i)^2 / l_i^2 with one
factor g for all i, so the traces of all lengths are one matrix product: with A = (a a^T - K^-1) * c g(r), of row sums
d, tr_i = 2 (d^T x_i^2 - x_i^T A x_i), x_i = z_i / l_i.
"""

from __future__ import annotations

import numpy as np
from scipy.linalg import cho_solve, cholesky
from scipy.linalg.lapack import dpotri
from scipy.spatial.distance import pdist, squareform


class NegativeLikelihood:
    """-log p as a function of (log c, log l_1 ... log l_d, log v), with its gradient.

    Parameters
    ----------
    points : numpy.ndarray
        (n, d).
    values : numpy.ndarray
        y, (n,).
    covariance : str
        ``matern52`` or ``squared_exponential``.
    """

    def __init__(self, points: np.ndarray, values: np.ndarray, covariance: str) -> None:
        self.points, self.values, self.covariance = points, values, covariance

    def __call__(self, logarithms: np.ndarray) -> tuple[float, np.ndarray]:
        """-log p and its gradient; infinite where K is singular to rounding."""
        amplitude, noise = np.exp(logarithms[0]), np.exp(logarithms[-1])
        scaled = self.points / np.exp(logarithms[1:-1])
        squares = pdist(scaled, "sqeuclidean")  # each pair once, (n (n - 1) / 2,)
        if self.covariance == "squared_exponential":
            squares *= -0.5
            shape = slope = np.exp(squares, out=squares)
        else:
            squares *= 5.0
            root = np.sqrt(squares)
            decay = np.exp(-root)
            root += 1.0
            squares *= 1.0 / 3.0
            squares += root
            shape = np.multiply(squares, decay, out=squares)
            slope = np.multiply(root, decay, out=root)
            slope *= 5.0 / 3.0
        matrix = squareform(amplitude * shape)
        matrix[np.diag_indices_from(matrix)] = amplitude + noise
        try:
            lower = cholesky(matrix, lower=True, check_finite=False)
        except np.linalg.LinAlgError:
            return np.inf, np.zeros_like(logarithms)
        weights = cho_solve((lower, True), self.values, check_finite=False)
        value = 0.5 * self.values @ weights + np.log(np.diag(lower)).sum() + 0.5 * len(weights) * np.log(2 * np.pi)
        half, _ = dpotri(lower, lower=True)  # the lower half of the inverse (zeros above), a third of a solve's work
        excess = np.outer(weights, weights)
        excess -= half
        excess -= half.T
        excess[np.diag_indices_from(excess)] += np.diag(half)
        # On the diagonal, where shape is 1, slope does not matter: a point is nowhere apart from itself.
        amplitudes = amplitude * (np.trace(excess) + 2.0 * (squareform(excess, checks=False) @ shape))
        weighted = squareform(amplitude * slope)
        weighted *= excess
        lengths = 2.0 * (weighted.sum(axis=1) @ scaled**2 - (scaled * (weighted @ scaled)).sum(axis=0))
        traces = np.concatenate(([amplitudes], lengths, [np.trace(excess) * noise]))
        return float(value), -0.5 * traces
