r"""Sums over runs of whole fields, from which moments with errors follow; their size is that of some fields.

At every point p, with f = y_p - c_p (c_p a first guess of the mean, against cancellation), the surrogate's s alike
and v = (f, f^2, s, s^2): sums of v over each of B batches, of v v^T over each of K folds; run i belongs to batch
i mod B, and batch b to fold b mod K. A moment is the mean of r = a.v + constant less controls,

    r_i - beta_k . (u_i - theta),    u = (s, s^2),    beta_k = (C + n N)^-1 c from the other folds,

theta the surrogate's own (E s, E s^2), known with covariance N; C and c are covariances of u with u and r. For the
mean r = f, for the variance r = (f - mean f)^2 n/(n - 1).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

BATCHES = 32
FOLDS = 8


@dataclass(frozen=True)
class Field:
    """A moment at every point.

    Attributes
    ----------
    value, sampling, integral : (P,) arrays
        Value, and the variances of its error: from the runs, and from the surrogate's own statistics.
    influences : (BATCHES, P) array
        Sums over the runs of each batch of what they add to the error, times 1/n.
    replicates : (R, P) array
        The surrogate's part of the error, replicate by replicate, times 1/R; empty without one.
    """

    value: np.ndarray
    sampling: np.ndarray
    integral: np.ndarray
    influences: np.ndarray
    replicates: np.ndarray


class FieldSums:
    """Sums over runs of a field and, with `controlled`, of a surrogate's prediction of it."""

    def __init__(self, points: int, controlled: bool) -> None:
        size = 4 if controlled else 2
        self.size, self.points = size, points
        self.counts = np.zeros(BATCHES)
        self.first = np.zeros((BATCHES, size, points))
        self.second = np.zeros((FOLDS, size, size, points))

    @property
    def runs(self) -> int:
        """Runs added that finished."""
        return int(self.counts.sum())

    def add(self, start: int, fields: np.ndarray, predicted: np.ndarray | None = None) -> None:
        """Add runs `start`, `start` + 1, ... (n, P), both less their first guess; NaN where a run failed."""
        done = np.isfinite(fields).all(axis=1)
        place = (start + np.arange(len(fields))) % BATCHES
        parts = [fields] if predicted is None else [fields, predicted]
        for batch in range(BATCHES):
            mine = [part[(place == batch) & done] for part in parts]
            if not len(mine[0]):
                continue
            table = [power for part in mine for power in (part, part * part)]
            self.counts[batch] += len(mine[0])
            for i, left in enumerate(table):
                self.first[batch, i] += left.sum(axis=0)
                for j in range(i + 1):
                    self.second[batch % FOLDS, i, j] += (left * table[j]).sum(axis=0)

    def moment(self, measure: str, own: np.ndarray | None = None) -> Field:
        """A moment of f: ``mean`` or ``variance``.

        Parameters
        ----------
        own : (R, 2, P) array, optional
            Replicates of the surrogate's own (E s, E s^2).
        """
        n = self.runs
        total = self.first.sum(axis=0)
        response = np.zeros((self.size, self.points))
        constant = np.zeros(self.points)
        if measure == "mean":
            response[0] = 1.0
        else:
            mean = total[0] / n
            response[0], response[1], constant = -2 * mean, np.ones(self.points), mean * mean
            response, constant = response * n / (n - 1), constant * n / (n - 1)
        second = self._symmetric()
        counts = np.array([self.counts[fold::FOLDS].sum() for fold in range(FOLDS)])
        first = np.stack([self.first[fold::FOLDS].sum(axis=0) for fold in range(FOLDS)])
        sums, squares = np.zeros(self.points), np.zeros(self.points)
        influences = np.empty((BATCHES, self.points))
        mixed = np.zeros((2, self.points))
        for fold in range(FOLDS):
            a, b = response.copy(), constant.copy()
            if own is not None:
                others = np.arange(FOLDS) != fold
                beta = _coefficients(
                    counts[others].sum(), first[others].sum(axis=0), second[others].sum(axis=0), response, own
                )
                a[2:] -= beta
                b += (beta * own.mean(axis=0)).sum(axis=0)
                mixed += beta * counts[fold] / n
            inner = (a * first[fold]).sum(axis=0)
            sums += inner + b * counts[fold]
            squares += np.einsum("ip,ijp,jp->p", a, second[fold], a) + 2 * b * inner + b * b * counts[fold]
            for batch in range(fold, BATCHES, FOLDS):
                influences[batch] = (a * self.first[batch]).sum(axis=0) + b * self.counts[batch]
        value = sums / n
        sampling = np.maximum(squares - n * value * value, 0.0) / (n * (n - 1))
        influences = (influences - value * self.counts[:, None]) / n
        if own is None:
            return Field(value, sampling, np.zeros(self.points), influences, np.empty((0, self.points)))
        replicates = np.einsum("ip,rip->rp", mixed, own - own.mean(axis=0)) / len(own)
        # The coefficients were chosen against the same covariance of the replicates: each costs a degree of freedom.
        integral = np.square(replicates).sum(axis=0) * len(own) / (len(own) - 3)
        return Field(value, sampling, integral, influences, replicates)

    def _symmetric(self) -> np.ndarray:
        whole = self.second.copy()
        for i in range(self.size):
            for j in range(i):
                whole[:, j, i] = whole[:, i, j]
        return whole


def _coefficients(n: float, first: np.ndarray, second: np.ndarray, response: np.ndarray, own: np.ndarray) -> np.ndarray:
    """Coefficients (2, P) of s and s^2 from sums over some folds; 0 where a control does not vary."""
    mean = first / n
    central = second / n - mean[:, None] * mean[None, :]
    noise = own - own.mean(axis=0)
    matrix = central[2:, 2:] + n * np.einsum("rip,rjp->ijp", noise, noise) / (len(own) * (len(own) - 1))
    target = np.einsum("ijp,jp->ip", central[2:], response * (np.arange(len(response)) < 2)[:, None])
    scale = np.sqrt(np.maximum(np.stack([matrix[0, 0], matrix[1, 1]]), np.finfo(float).tiny))
    rho = np.clip(matrix[0, 1] / (scale[0] * scale[1]), -1.0, 1.0)
    scaled = target / scale
    left = 1 - rho * rho
    good = left > 1e-9
    below = np.where(good, left, 1.0)
    both = np.stack([scaled[0] - rho * scaled[1], scaled[1] - rho * scaled[0]]) / below
    alone = np.stack([scaled[0], np.zeros_like(rho)])
    # A control whose spread is rounding of its square's carries nothing.
    live = matrix[0, 0] > 1e-24 * np.maximum(second[2, 2] / n, np.finfo(float).tiny)
    return np.where(live, np.where(good, both, alone) / scale, 0.0)
