"""One fitted Gaussian process: its predictions and how unsure they are; equations in `gaussian_process`."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

TOGETHER = 256
"""Points whose covariances with the training runs are in memory at once: few enough to stay in a processor's cache."""


@dataclass(frozen=True)
class Process:
    """One fitted Gaussian process.

    Parameters
    ----------
    covariance : str
        ``matern52`` or ``squared_exponential``.
    points : numpy.ndarray
        Training points divided by the lengths, (n, d).
    weights : numpy.ndarray
        K^-1 y, (n,).
    lengths : numpy.ndarray
        l_i, (d,).
    amplitude, noise : float
        c and v.
    shift, scale : float
        m and s.
    logarithm : bool
        Whether y is the logarithm of the output.
    """

    covariance: str
    points: np.ndarray
    weights: np.ndarray
    lengths: np.ndarray
    amplitude: float
    noise: float
    shift: float
    scale: float
    logarithm: bool

    def latent(self, points: np.ndarray) -> np.ndarray:
        """Conditional mean of y (the logarithm of the output, where `logarithm`), (run,)."""
        return self._conditional(points, mean=True, deviation=False)[0]

    def latent_deviation(self, points: np.ndarray) -> np.ndarray:
        """Conditional standard deviation of y, without the noise, (run,)."""
        return self._conditional(points, mean=False, deviation=True)[1]

    def mean(self, points: np.ndarray) -> np.ndarray:
        """The prediction: the conditional mean, or where the logarithm was learnt the conditional median, (run,)."""
        latent = self.latent(points)
        return np.exp(latent) if self.logarithm else latent

    def deviation(self, points: np.ndarray) -> np.ndarray:
        """Conditional standard deviation of the output, (run,); for logarithms that of the log-normal law."""
        return self.predict(points)[1] if self.logarithm else self.latent_deviation(points)

    def predict(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """`mean` and `deviation`, for little more than the second alone."""
        latent, deviation = self._conditional(points, mean=True, deviation=True)
        if not self.logarithm:
            return latent, deviation
        square = deviation**2
        return np.exp(latent), np.exp(latent + square / 2) * np.sqrt(np.expm1(square))

    def _conditional(self, points: np.ndarray, *, mean: bool, deviation: bool) -> tuple[np.ndarray, np.ndarray]:
        """Mean and standard deviation of y, (run,) each; zeros where one is not asked for."""
        from scipy.linalg import solve_triangular

        means, variances = np.zeros(len(points)), np.zeros(len(points))
        for start in range(0, len(points), TOGETHER):
            block = self._covariances(points[start : start + TOGETHER])
            if deviation:
                half = solve_triangular(self._cholesky, block.T, lower=True, check_finite=False)
                variances[start : start + TOGETHER] = np.maximum(self.amplitude - (half * half).sum(axis=0), 0.0)
            if mean:
                # Products summed along each row, not a matrix product: a run's bits do not depend on its neighbours.
                block *= self.weights
                means[start : start + TOGETHER] = block.sum(axis=1)
        return self.shift + self.scale * means, self.scale * np.sqrt(variances)

    def _covariances(self, points: np.ndarray) -> np.ndarray:
        from scipy.spatial.distance import cdist

        # In place, as most of the time of a prediction goes into passes over this matrix.
        scaled = points / self.lengths
        if self.covariance == "squared_exponential":
            found = cdist(scaled, self.points, "sqeuclidean")
            found *= -0.5
            np.exp(found, out=found)
        else:
            distance = cdist(scaled, self.points)
            distance *= np.sqrt(5.0)
            found = distance / 3.0
            found += 1.0
            found *= distance
            found += 1.0
            np.negative(distance, out=distance)
            found *= np.exp(distance, out=distance)
        found *= self.amplitude
        return np.asarray(found)

    @cached_property
    def _cholesky(self) -> np.ndarray:
        matrix = self._covariances(self.points * self.lengths)
        matrix[np.diag_indices_from(matrix)] += self.noise
        added = 1e-10 * self.amplitude
        while True:
            try:
                return np.linalg.cholesky(matrix)
            except np.linalg.LinAlgError:  # close runs on a smooth function: singular by rounding
                if added > self.amplitude:
                    raise
                matrix[np.diag_indices_from(matrix)] += added
                added *= 10

    def record(self) -> dict[str, Any]:
        """Numbers beside the arrays."""
        keys = ("amplitude", "noise", "shift", "scale", "logarithm")
        return {key: getattr(self, key) for key in keys}

    def tensors(self, output: str) -> dict[str, np.ndarray]:
        """Arrays by name."""
        return {f"{output}.{key}": getattr(self, key) for key in ("points", "weights", "lengths")}

    @classmethod
    def from_files(cls, covariance: str, about: dict[str, Any], tensors: dict[str, np.ndarray], output: str) -> Process:
        """Inverse of `record` and `tensors`."""
        points, weights, lengths = (tensors[f"{output}.{key}"] for key in ("points", "weights", "lengths"))
        return cls(covariance, points, weights, lengths, **about)
