"""The simple guess from which a network learns the deviation: fields as an affine function of the scalar inputs.

    u(x; s, a) ~ c_0(x) + sum_j c_j(x) s_j,     c by least squares over the training runs,

with s the normalised scalar inputs and a whatever else is random. Where the equation is linear in s (boundary
values, sources) this is the mean of the field over all else; head (1 - x) of an aquifer is a special case.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

ORDINARY = 1e-9
"""Smallest ratio of a singular value to the largest that least squares takes for different from zero."""


class LinearGuess:
    """Affine function of the scalar inputs.

    Parameters
    ----------
    coefficients : numpy.ndarray
        float64 (1 + scalars, field, [y,] x).
    """

    def __init__(self, coefficients: np.ndarray) -> None:
        self.coefficients = coefficients

    @classmethod
    def fit(cls, blocks: Iterable[tuple[np.ndarray, np.ndarray]]) -> LinearGuess:
        """Least squares by normal equations, which are summed block by block in the order given.

        Parameters
        ----------
        blocks : iterable of (scalars, fields)
            Shapes (run, scalar) and (run, field, [y,] x).
        """
        gram: np.ndarray | None = None
        moments: np.ndarray | None = None
        shape: tuple[int, ...] = ()
        for scalars, fields in blocks:
            terms = _terms(scalars)
            shape = fields.shape[1:]
            flat = fields.reshape(len(fields), -1).astype(np.float64)
            gram = terms.T @ terms + (0.0 if gram is None else gram)
            moments = terms.T @ flat + (0.0 if moments is None else moments)
        if gram is None or moments is None:
            raise ValueError("a guess needs at least one block of runs")
        coefficients = np.linalg.pinv(gram, rcond=ORDINARY, hermitian=True) @ moments
        return cls(coefficients.reshape(-1, *shape))

    def __call__(self, scalars: np.ndarray) -> np.ndarray:
        """Guessed fields, float32 (run, field, [y,] x), term by term: a run's bits do not depend on its neighbours."""
        terms = _terms(scalars)
        total = np.zeros((len(terms), *self.coefficients.shape[1:]))
        for number, coefficient in enumerate(self.coefficients):
            total += terms[:, number].reshape(-1, *(1,) * coefficient.ndim) * coefficient
        return total.astype(np.float32)


def _terms(scalars: np.ndarray) -> np.ndarray:
    return np.concatenate((np.ones((len(scalars), 1)), scalars), axis=1)
