r"""Projection determinantal point processes and volume-rescaled samples of orthonormal features.

    P(x_1 .. x_m) = det(Phi(x))^2/m!  mu(dx_1) .. mu(dx_m),    Phi = (phi_i(x_j))

is drawn point by point: x_{j+1} has the density (k(x) - |Q_j^T phi(x)|^2)/(m - j) under mu, Q_j an orthonormal basis
of phi(x_1) .. phi(x_j) (Hough, Krishnapur, Peres and Virag 2006, Probability Surveys 3), by rejection
from nu = (k/m) mu: on average m/(m - j) trials. Each of its points alone has the law nu.

Volume-rescaled sampling of n >= m points has the density det(G(x)) prod_i nu(dx_i) up to a constant, with
G = (1/n) sum_i w(x_i) phi phi^T(x_i): m points of the projection process and n - m independent ones of nu (Derezinski,
Warmuth and Hsu 2022, JMLR 23; Nouy and Michel 2023, arXiv 2312.14057). Least squares with the
weights w = m/k is then unbiased. Some independent projection processes, one after the other, fill space better still.
"""

from __future__ import annotations

import numpy as np

from surecast.design.features import Features

BLOCK = 64
"""Independent points drawn together, so that the first ones do not depend on how many follow."""


def projection_process(features: Features, stream: np.random.Generator) -> np.ndarray:
    """One projection process: m points."""
    size = features.size
    basis = np.zeros((size, size))
    chosen = []
    for place in range(size):
        point = _accepted(features, basis[:place], stream)
        vector = features(point[None, :])[0]
        chosen.append(point)
        for _ in range(2):  # a second pass keeps the basis orthogonal to rounding
            vector = vector - basis[:place].T @ (basis[:place] @ vector)
        basis[place] = vector / np.linalg.norm(vector)
    return np.stack(chosen)


def _accepted(features: Features, basis: np.ndarray, stream: np.random.Generator) -> np.ndarray:
    """One point by rejection from nu; candidates in batches, the first that is accepted counts."""
    batch = max(8, 2 * features.size // (features.size - len(basis)))
    while True:
        points = features.draw(stream, batch)
        phi = features(points)
        square = np.square(phi).sum(axis=1)
        left = square - np.square(phi @ basis.T).sum(axis=1)
        accepted = np.flatnonzero(stream.random(batch) * square < left)
        if len(accepted):
            return np.asarray(points[accepted[0]])


def weights(features: Features, points: np.ndarray) -> np.ndarray:
    """m/k at points, (n,)."""
    return np.asarray(features.size / np.square(features(points)).sum(axis=1))


def weighted_least_squares(phi: np.ndarray, values: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Coefficients (m,) that minimise sum_i w_i (y_i - c . phi_i)^2, from features (n, m) at the runs."""
    root = np.sqrt(weight)
    return np.asarray(np.linalg.lstsq(phi * root[:, None], values * root, rcond=None)[0])
