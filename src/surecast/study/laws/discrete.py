"""A law on a sorted list of values with given probabilities, by its distribution function."""

from __future__ import annotations

import numpy as np

from surecast.study.laws.law import column, inside


class Steps:
    """Inverse distribution function of finitely many values.

    Parameters
    ----------
    values : numpy.ndarray
        Distinct values, shape ``(k,)``, in the order in which uniforms meet them.
    probabilities : numpy.ndarray
        Their probabilities, shape ``(k,)``, of sum one.
    """

    def __init__(self, values: np.ndarray, probabilities: np.ndarray) -> None:
        self.values = np.asarray(values)
        self.probabilities = np.asarray(probabilities, dtype=np.float64)
        self.ends = np.cumsum(self.probabilities)
        self.order = np.argsort(self.values, kind="stable")

    def from_uniform(self, u: np.ndarray) -> np.ndarray:
        """Values ``(n,)``."""
        index = np.searchsorted(self.ends, inside(column(u)), side="right")
        return np.asarray(self.values[np.minimum(index, len(self.values) - 1)])

    def to_uniform(self, values: np.ndarray) -> np.ndarray:
        """The middle of the uniforms that give each value, ``(n, 1)``; NaN for other values."""
        index, found = self._index(values)
        middle = self.ends[index] - 0.5 * self.probabilities[index]
        return np.where(found, middle, np.nan)[:, None]

    def log_probability(self, values: np.ndarray) -> np.ndarray:
        """Logarithm of the probability of each value, -inf for other values."""
        index, found = self._index(values)
        return np.where(found, np.log(self.probabilities)[index], -np.inf)

    def _index(self, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        wanted = np.asarray(values).reshape(-1)
        place = np.minimum(np.searchsorted(self.values[self.order], wanted), len(self.values) - 1)
        index = self.order[place]
        return index, self.values[index] == wanted
