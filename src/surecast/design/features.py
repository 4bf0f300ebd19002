r"""Features phi_1 .. phi_m, orthonormal under the law of the inputs, and points drawn by how much they tell.

    k(x) = sum_i phi_i(x)^2,    nu = (k/m) mu,    w = m/k

k is the Christoffel function of the features' span, mu the law of the inputs, nu the law of the optimal independent
sample for weighted least squares with weights w (Cohen and Migliorati 2017, SMAI J. Comput. Math. 3).

Polynomials: nu is the equal mixture of the laws phi_i^2 mu, products of laws of one variable, which are drawn exactly
by rejection: sqrt(2k + 1) P_k under the arcsine law, as (2k + 1) P_k(t)^2 sqrt(1 - t^2) <= 4/pi for every k
(Bernstein's inequality in its sharp form), and He_k/sqrt(k!) under N(0, 2k + 1).
Any other features are made orthonormal on many draws from the law, of which the design then consists.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol

import numpy as np

from surecast.study.bases import Family, evaluate, hermite, index_set, legendre
from surecast.study.errors import StudyError

if TYPE_CHECKING:
    import xarray as xr

MOST_FEATURES = 5000
DEPENDENT = 1e-10
"""Directions of the features' span with less than this share of the largest variance are dropped."""


class Features(Protocol):
    """Orthonormal features and draws of nu = (k/m) mu."""

    size: int

    def __call__(self, points: np.ndarray) -> np.ndarray:
        """phi (n, m) at points."""

    def draw(self, stream: np.random.Generator, count: int) -> np.ndarray:
        """Independent draws of nu."""


class PolynomialFeatures:
    """Products of orthonormal polynomials of independent variables, total degree (or hyperbolic set) at most `degree`.

    Points are (n, d): uniforms where the family is ``legendre``, standard normals where it is ``hermite``.

    Raises
    ------
    StudyError
        If there would be more than `MOST_FEATURES`.
    """

    def __init__(self, families: Sequence[Family], degree: int, norm: float = 1.0) -> None:
        indices = index_set(len(families), degree, norm, MOST_FEATURES)
        if indices is None:
            raise StudyError(
                f"polynomials of degree {degree} in {len(families)} variables are more than {MOST_FEATURES}.",
                "lower degree or norm.",
            )
        self.families, self.indices, self.size = tuple(families), indices, len(indices)

    def __call__(self, points: np.ndarray) -> np.ndarray:
        """See `Features`."""
        return np.stack(list(evaluate(self.indices, self.families, points)), axis=1)

    def draw(self, stream: np.random.Generator, count: int) -> np.ndarray:
        """See `Features`."""
        degrees = self.indices[stream.integers(self.size, size=count)]
        points = np.empty((count, len(self.families)))
        for axis, family in enumerate(self.families):
            draw = _legendre_draws if family == "legendre" else _hermite_draws
            for degree in np.unique(degrees[:, axis]):
                chosen = degrees[:, axis] == degree
                points[chosen, axis] = draw(stream, int(degree), int(chosen.sum()))
        return points


class SampledFeatures:
    """Features of any kind, orthonormal on a sample of the law; points are numbers (n, 1) of its rows.

    Parameters
    ----------
    values : (N, M) array
        The features at N independent draws from the law. Linearly dependent ones are left out.

    Raises
    ------
    StudyError
        If they are not finite, all 0, or as many as the draws.
    """

    def __init__(self, values: np.ndarray) -> None:
        values = np.asarray(values, dtype=np.float64)
        if values.ndim != 2 or not np.isfinite(values).all():
            raise StudyError("features must be an array (run, feature) of finite numbers.", "look at what they return.")
        left, spread, _ = np.linalg.svd(values, full_matrices=False)
        kept = spread > np.sqrt(DEPENDENT) * spread[0] if spread[0] > 0 else np.zeros(len(spread), dtype=bool)
        if not kept.any() or 10 * kept.sum() > len(values):
            raise StudyError(
                f"{kept.sum()} independent features cannot be told from {len(values)} draws.",
                "give more candidates, or features that are not all 0.",
            )
        self.values = left[:, kept] * np.sqrt(len(values))
        self.size = int(kept.sum())
        self.cumulated = np.cumsum(np.square(self.values).sum(axis=1))

    def __call__(self, points: np.ndarray) -> np.ndarray:
        """See `Features`."""
        return np.asarray(self.values[points[:, 0].astype(np.int64)])

    def draw(self, stream: np.random.Generator, count: int) -> np.ndarray:
        """See `Features`."""
        place = np.searchsorted(self.cumulated, stream.random(count) * self.cumulated[-1], side="right")
        return np.minimum(place, len(self.values) - 1)[:, None].astype(np.float64)


def feature_values(function: Callable[[xr.Dataset], object], inputs: xr.Dataset) -> np.ndarray:
    """What a callable says of inputs, (run, feature).

    Raises
    ------
    StudyError
        If it raises, or does not return one row for each run.
    """
    try:
        found = np.asarray(function(inputs), dtype=np.float64)
    except Exception as error:
        raise StudyError(f"the features failed: {type(error).__name__}: {error}", "call them by hand.") from error
    if found.ndim != 2 or len(found) != inputs.sizes["run"]:
        raise StudyError(
            f"the features returned an array of shape {found.shape} for {inputs.sizes['run']} runs.",
            "return one row of features for each run.",
        )
    return found


def _legendre_draws(stream: np.random.Generator, degree: int, count: int) -> np.ndarray:
    """Draws of phi^2 du on (0, 1): accepted from the arcsine law with probability phi^2 pi sqrt(1 - t^2)/4."""
    found = np.empty(0)
    while len(found) < count:
        angle = np.pi * stream.random(2 * (count - len(found)) + 8)
        u = 0.5 * (1 - np.cos(angle))
        accept = stream.random(len(u)) < legendre(u, degree)[degree] ** 2 * np.pi * np.sin(angle) / 4
        found = np.concatenate([found, u[accept & (u > 0) & (u < 1)]])
    return found[:count]


def _hermite_draws(stream: np.random.Generator, degree: int, count: int) -> np.ndarray:
    """Draws of phi^2 N(0, 1): accepted from N(0, 2 degree + 1), whose variance is theirs."""
    scale, most = np.sqrt(2 * degree + 1), _largest_ratio(degree)
    found = np.empty(0)
    while len(found) < count:
        z = scale * stream.standard_normal(3 * (count - len(found)) + 8)
        found = np.concatenate([found, z[stream.random(len(z)) * most < _ratio(z, degree)]])
    return found[:count]


def _ratio(z: np.ndarray, degree: int) -> np.ndarray:
    """Density of phi^2 N(0, 1) over that of N(0, 2 degree + 1)."""
    square = 2.0 * degree + 1
    return np.asarray(hermite(z, degree)[degree] ** 2 * np.sqrt(square) * np.exp(-0.5 * z * z * (1 - 1 / square)))


@functools.cache
def _largest_ratio(degree: int) -> float:
    """Bound of the ratio: its maximum on a grid finer than its oscillations, with 2 % for what lies between."""
    grid = np.linspace(0.0, 2 * np.sqrt(2 * degree + 1) + 6, 4096 + 256 * degree)
    return 1.02 * float(_ratio(grid, degree).max())
