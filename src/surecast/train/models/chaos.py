"""A sparse expansion in orthonormal polynomials: fit, values, moments, Sobol indices; see `polynomial_chaos`."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from surecast.study.bases import Family, evaluate, index_set

DEPENDENT = 1e-10
"""A term whose part orthogonal to those before it is smaller than this share of it adds nothing."""
_FIRST_STEPS = 64
"""Length of the path of terms that is followed first."""


@dataclass(frozen=True)
class Expansion:
    """sum_a c_a psi_a.

    Parameters
    ----------
    indices : numpy.ndarray
        int16 (terms, dimension), the constant first.
    coefficients : numpy.ndarray
        float64 (terms,).
    families : tuple of str
        Polynomials of each variable.
    """

    indices: np.ndarray
    coefficients: np.ndarray
    families: tuple[Family, ...]

    def __call__(self, points: np.ndarray) -> np.ndarray:
        """Values at points (n, dimension), term by term: a run's bits do not depend on its neighbours."""
        total = np.zeros(len(points))
        for coefficient, value in zip(self.coefficients, evaluate(self.indices, self.families, points), strict=True):
            total += coefficient * value
        return total

    @property
    def mean(self) -> float:
        """E[y]."""
        return float(self.coefficients[0])

    @property
    def variance(self) -> float:
        """V[y]."""
        return float((self.coefficients[1:] ** 2).sum())

    def sobol(self, columns: Sequence[int]) -> tuple[float, float]:
        """First-order (closed) and total Sobol index of a group of variables."""
        if self.variance == 0:
            return 0.0, 0.0
        inside = np.zeros(self.indices.shape[1], dtype=bool)
        inside[list(columns)] = True
        used = self.indices[1:] > 0
        squares = self.coefficients[1:] ** 2
        any_inside, any_outside = used[:, inside].any(axis=1), used[:, ~inside].any(axis=1)
        first = squares[any_inside & ~any_outside].sum() / self.variance
        return float(first), float(squares[any_inside].sum() / self.variance)


@dataclass(frozen=True)
class Course:
    """How a fit went: for each degree tried, terms and corrected leave-one-out error (relative) of the best."""

    degrees: tuple[int, ...]
    terms: tuple[int, ...]
    errors: tuple[float, ...]


def fit_expansion(
    points: np.ndarray,
    values: np.ndarray,
    families: Sequence[Family],
    *,
    degree: int,
    norm: float,
    most: int,
    selection: str,
) -> tuple[Expansion, Course]:
    """Fit by least squares on the terms that the leave-one-out error chooses.

    Degrees are tried upwards and the best is kept; the search ends where two in a row were no better (Blatman,
    Sudret 2011, section 4.3), or where there would be more than `most` candidate terms.

    Parameters
    ----------
    points : numpy.ndarray
        (n, dimension), in the variables of the families.
    values : numpy.ndarray
        (n,).
    families, degree, norm, most, selection
        See `surecast.train.models.polynomial_chaos.PolynomialChaos`.
    """
    constant = np.zeros((1, points.shape[1]), dtype=np.int16)
    best, lowest = Expansion(constant, np.array([values.mean()]), tuple(families)), np.inf
    course: list[tuple[int, int, float]] = []
    worse = 0
    for trial in range(1, degree + 1):
        indices = index_set(points.shape[1], trial, norm, most)
        if indices is None or worse == 2:
            break
        matrix = np.stack(list(evaluate(indices, families, points)), axis=1)
        chosen, error = _search(matrix, values, selection)
        course.append((trial, len(chosen), error))
        worse = worse + 1 if error >= lowest else 0
        if error < lowest:
            coefficients = np.linalg.lstsq(matrix[:, chosen], values, rcond=None)[0]
            best, lowest = Expansion(indices[chosen], coefficients, tuple(families)), error
        if error < np.finfo(float).eps ** 1.5:
            break  # exact up to rounding: a higher degree could only fit the rounding
    columns = list(zip(*course, strict=True)) or [(), (), ()]
    return best, Course(*columns)


def _search(matrix: np.ndarray, values: np.ndarray, selection: str) -> tuple[list[int], float]:
    """Terms to keep and their error, from as much of the path as is needed.

    Long before a path ends, terms fit what few runs do not say. It is followed to four times as many steps until the
    best number of terms lies in its first half.
    """
    most, steps = min(matrix.shape[1] - 1, len(values) - 2), _FIRST_STEPS
    while True:
        order = _order(matrix[:, 1:], values, selection, min(steps, most))
        chosen, error = select(matrix, values, [0, *(1 + order)])
        if steps >= most or 2 * len(chosen) <= steps:
            return chosen, error
        steps *= 4


def _order(matrix: np.ndarray, values: np.ndarray, selection: str, steps: int) -> np.ndarray:
    """The order in which the first terms come in, columns of `matrix` (which has no constant)."""
    from sklearn.linear_model import lars_path, orthogonal_mp

    centred = matrix - matrix.mean(axis=0)
    size = np.sqrt((centred**2).sum(axis=0))
    scaled = centred / np.where(size > 0, size, 1.0)
    target = values - values.mean()
    if not target.any():
        return np.empty(0, dtype=int)
    if selection == "omp":
        with warnings.catch_warnings():
            # It warns where the terms so far fit exactly: then the path may well end.
            warnings.simplefilter("ignore", RuntimeWarning)
            path = np.atleast_2d(orthogonal_mp(scaled, target, n_nonzero_coefs=steps, return_path=True))
        first = np.where((path != 0).any(axis=1), (path != 0).argmax(axis=1), steps)
        return np.argsort(first, kind="stable")[: int((first < steps).sum())]
    _, active, _ = lars_path(scaled, target, method="lar", max_iter=steps)
    return np.asarray(active, dtype=int)


def select(matrix: np.ndarray, values: np.ndarray, order: Sequence[int]) -> tuple[list[int], float]:
    """How many of the ordered terms the corrected leave-one-out error wants.

        e = (1/n) sum_i ((y_i - f(x_i)) / (1 - h_i))^2 / V[y]  n / (n - P)  (1 + tr((Psi^T Psi)^-1))

    (Blatman, Sudret 2011, equations 29 to 31; h_i is the leverage of run i, P the number of terms). Terms are
    made orthogonal one by one, so each number costs one product.

    Parameters
    ----------
    matrix : numpy.ndarray
        Psi, (n, candidates).
    values : numpy.ndarray
        (n,).
    order : sequence of int
        Columns in the order in which they come in, the constant first.

    Returns
    -------
    list of int
        Columns to keep, in their order.
    float
        e.
    """
    runs = len(values)
    variance = values.var() or 1.0
    rest, leverage = values.astype(np.float64).copy(), np.zeros(runs)
    basis = np.empty((runs, len(order)))
    inverse = np.zeros((len(order), len(order)))  # of the triangular factor R, Psi = Q R
    trace = 0.0
    kept: list[int] = []
    lowest, length = np.inf, 1
    for column in order:
        terms = len(kept)
        if terms >= runs - 1:
            break
        vector = matrix[:, column]
        known = basis[:, :terms]
        share = known.T @ vector
        orthogonal = vector - known @ share
        again = known.T @ orthogonal  # a second pass keeps the basis orthogonal to rounding
        orthogonal -= known @ again
        size = float(np.linalg.norm(orthogonal))
        if size <= DEPENDENT * float(np.linalg.norm(vector)):
            continue
        q = orthogonal / size
        basis[:, terms] = q
        inverse[:terms, terms] = -(inverse[:terms, :terms] @ (share + again)) / size
        inverse[terms, terms] = 1.0 / size
        trace += float((inverse[: terms + 1, terms] ** 2).sum())
        kept.append(column)
        rest -= q * (q @ rest)
        leverage += q * q
        correction = runs / (runs - terms - 1) * (1.0 + trace)
        error = float(np.mean((rest / np.maximum(1.0 - leverage, 1e-12)) ** 2) / variance * correction)
        if error < lowest:
            lowest, length = error, len(kept)
    return kept[:length], lowest
