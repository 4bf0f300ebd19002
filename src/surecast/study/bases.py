r"""Orthonormal polynomials of independent variables, and sparse sets of their products.

    psi_a(x) = prod_i psi_{a_i}(x_i),    E[psi_a psi_b] = delta_ab,
    A(p, q) = { a : (sum_i a_i^q)^(1/q) <= p }

with psi_k = He_k / sqrt(k!) for a standard normal and sqrt(2k + 1) P_k(2u - 1) for a uniform on (0, 1)
(Xiu, Karniadakis 2002, SIAM J. Sci. Comput. 24, table 4.1; the hyperbolic sets A(p, q): Blatman, Sudret 2011,
J. Comput. Phys. 230, equation 12).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from typing import Literal

import numpy as np

Family = Literal["hermite", "legendre"]

ROUNDING = 1e-9


def hermite(z: np.ndarray, degree: int) -> np.ndarray:
    """He_k(z) / sqrt(k!), k = 0 .. degree: orthonormal under the standard normal law; (degree + 1, *z.shape)."""
    values = np.ones((degree + 1, *np.shape(z)))
    if degree:
        values[1] = z
    for k in range(1, degree):
        # sqrt(k + 1) psi_{k+1} = z psi_k - sqrt(k) psi_{k-1}
        values[k + 1] = (z * values[k] - math.sqrt(k) * values[k - 1]) / math.sqrt(k + 1)
    return values


def legendre(u: np.ndarray, degree: int) -> np.ndarray:
    """sqrt(2k + 1) P_k(2u - 1), k = 0 .. degree: orthonormal under the uniform law on (0, 1)."""
    x = 2.0 * np.asarray(u) - 1.0
    values = np.ones((degree + 1, *np.shape(u)))
    if degree:
        values[1] = x
    for k in range(1, degree):
        values[k + 1] = ((2 * k + 1) * x * values[k] - k * values[k - 1]) / (k + 1)
    for k in range(degree + 1):
        values[k] *= math.sqrt(2 * k + 1)
    return values


def index_set(dimension: int, degree: int, norm: float = 1.0, most: int | None = None) -> np.ndarray | None:
    """The multi-indices A(degree, norm) in a fixed order: by number of variables, then variables, then degrees.

    Parameters
    ----------
    dimension : int
        Number of variables.
    degree : int
        p.
    norm : float
        q in (0, 1]: 1 gives the total degree; smaller values leave out products of many variables.
    most : int, optional
        None is returned if there would be more, before they are made.

    Returns
    -------
    numpy.ndarray or None
        int16 (terms, dimension), the constant first.
    """
    patterns = [list(_patterns(active, degree, norm)) for active in range(min(dimension, degree) + 1)]
    terms = sum(len(found) * math.comb(dimension, active) for active, found in enumerate(patterns))
    if most is not None and terms > most:
        return None
    indices = np.zeros((terms, dimension), dtype=np.int16)
    row = 0
    for active, found in enumerate(patterns):
        for variables in itertools.combinations(range(dimension), active) if found else ():
            for degrees in found:
                indices[row, list(variables)] = degrees
                row += 1
    return indices


def _patterns(active: int, degree: int, norm: float) -> Iterator[tuple[int, ...]]:
    """Degrees of `active` variables, each at least 1, within the norm."""

    def extend(start: tuple[int, ...], used: float) -> Iterator[tuple[int, ...]]:
        if len(start) == active:
            yield start
            return
        rest = active - len(start) - 1  # each of the others uses at least 1
        for power in range(1, degree + 1):
            if (used + power**norm + rest) ** (1 / norm) > degree + ROUNDING:
                return
            yield from extend((*start, power), used + power**norm)

    return extend((), 0.0)


def evaluate(indices: np.ndarray, families: Sequence[Family], points: np.ndarray) -> Iterator[np.ndarray]:
    """Values of each product at points, one array (n,) after the other, to be read only.

    Parameters
    ----------
    indices : numpy.ndarray
        (terms, dimension).
    families : sequence of str
        Family of each variable.
    points : numpy.ndarray
        (n, dimension): standard normals where the family is ``hermite``, uniforms where it is ``legendre``.
    """
    highest = indices.max(axis=0, initial=0)
    tables = {
        int(variable): (hermite if families[int(variable)] == "hermite" else legendre)(
            points[:, variable], int(highest[variable])
        )
        for variable in np.flatnonzero(highest)
    }
    terms, variables = (found.tolist() for found in np.nonzero(indices))
    degrees = indices[terms, variables].tolist()
    place = 0
    for term in range(len(indices)):
        value = None
        while place < len(terms) and terms[place] == term:
            factor = tables[variables[place]][degrees[place]]
            value = factor if value is None else value * factor
            place += 1
        yield np.ones(len(points)) if value is None else value
