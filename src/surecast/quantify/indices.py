r"""First-order and total Sobol indices from the means of products of pick-freeze runs.

With a, b, x the values of A, B and A_i (group i from B, the rest from A), V the variance and m the mean:

    formula     first-order S_i                      total T_i
    saltelli    <b (x - a)>/V                        <(a - x)^2>/(2 V)        Saltelli et al. 2010, table 2 (b), (f)
    jansen      1 - <(b - x)^2>/(2 V)                <(a - x)^2>/(2 V)        Jansen 1999; Saltelli 2010, table 2 (c)
    janon       (<b x> - m^2)/v                      1 - (<a x> - m^2)/v      Janon et al. 2014, equation 6
    adaptive    (<b x> - m^2 - g e)/v                1 - (<a x> - m^2 - g e)/v,     e = <a b> - (<a + b>/2)^2

where the last two take m = <b + x>/2 and v = <(b^2 + x^2)/2> - m^2 of the pair that shares the group (a and x for
the rest), asymptotically efficient among functions of that pair. e has expectation zero but for O(1/n), A and B being
independent: g = 1 - T_i for S_i (and S_i for T_i) removes what b x and a b share, all of it where x = a (or x = b).
g = 0 is Janon's estimator, best for large indices; g = 1 is the centred one of Saltelli, best for small ones. g is held
in the jackknife (`rough`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

Formula = Literal["adaptive", "saltelli", "jansen", "janon"]


@dataclass(frozen=True)
class Products:
    """Means of values and of squares (..., runs), the places of A, B and the A_i, and means of products (..., G)."""

    means: np.ndarray
    squares: np.ndarray
    a: slice
    b: slice
    x: slice
    ax: np.ndarray
    bx: np.ndarray
    ab: np.ndarray


Shares = tuple[np.ndarray, np.ndarray]
"""Rough first-order indices (G,) and those of all other inputs together, within 0 and 1: what g is of."""


def rough(given: Products) -> Shares:
    """Rough indices for g, from the means of a whole sample.

    g is held where parts of the sample are compared (the jackknife): it is no more than a number that makes the
    estimate better, and its own movement, of second order, would be taken for the estimate's.

    Together they make no more than the whole variance. The larger one is known the better (Janon's estimator of an
    index near 1 hardly varies), so that the smaller one yields: of an input that does nothing the total index then has
    g = 0, not the noise of its first-order index.
    """
    shared, rest = (np.clip(index, 0, 1) for index in indices(given, "janon"))
    smaller = np.minimum(np.minimum(shared, rest), 1 - np.maximum(shared, rest))
    return np.where(shared < rest, smaller, shared), np.where(shared < rest, rest, smaller)


def indices(given: Products, formula: Formula, held: Shares | None = None) -> tuple[np.ndarray, np.ndarray]:
    """First-order indices (..., G) and those of all other inputs together, which are 1 - total."""
    a1, b1, x1 = (given.means[..., slot] for slot in (given.a, given.b, given.x))
    a2, b2, x2 = (given.squares[..., slot] for slot in (given.a, given.b, given.x))
    if formula in ("saltelli", "jansen"):
        variance = _positive(0.5 * (a2 + b2) - (0.5 * (a1 + b1)) ** 2)
        others = 1 - 0.5 * (a2 + x2 - 2 * given.ax) / variance
        if formula == "saltelli":
            return (given.bx - given.ab) / variance, others
        return 1 - 0.5 * (b2 + x2 - 2 * given.bx) / variance, others
    mean_b, mean_a = 0.5 * (b1 + x1), 0.5 * (a1 + x1)
    variance_b, variance_a = _positive(0.5 * (b2 + x2) - mean_b**2), _positive(0.5 * (a2 + x2) - mean_a**2)
    shared = (given.bx - mean_b**2) / variance_b
    rest = (given.ax - mean_a**2) / variance_a
    if formula == "janon":
        return shared, rest
    noise = given.ab - (0.5 * (a1 + b1)) ** 2
    single, others = held or (np.clip(shared, 0, 1), np.clip(rest, 0, 1))
    return shared - others * noise / variance_b, rest - single * noise / variance_a


def _positive(variance: np.ndarray) -> np.ndarray:
    return np.maximum(variance, np.finfo(float).tiny)
