r"""Sine and cosine series on the unit square, from values at the centres of n x n cells.

    u(x, y) = sum_ij a_ij f_i(x) g_j(y)

f_i is sin(pi i x), i = 1 .. n, where u = 0 at x = 0 and x = 1, and cos(pi i x), i = 0 .. n - 1, where the derivative
vanishes there; g likewise in y. Each term is an eigenfunction of -Laplace, with eigenvalue pi^2 (i^2 + j^2). The series
goes through the values: its coefficients are discrete sine and cosine transforms of them (Strang, SIAM Review 41 (1999)
135), within any power of 1/n of the integrals where u continues smoothly beyond the sides as its terms do, else of
order 2.
"""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

import numpy as np

Sides = Literal["zero", "closed"]
"""zero: u = 0 (sines); closed: no flow (cosines)."""


class SquareModes(NamedTuple):
    """Series between the sides in x and in y; arrays are (..., y, x)."""

    x_sides: Sides
    y_sides: Sides

    def forward(self, values: np.ndarray) -> np.ndarray:
        """Coefficients, as many as values."""
        return _forward(_forward(values, -1, self.x_sides), -2, self.y_sides)

    def backward(self, coefficients: np.ndarray) -> np.ndarray:
        """Values at the centres of as many cells as there are coefficients."""
        return _backward(_backward(coefficients, -1, self.x_sides), -2, self.y_sides)

    def eigenvalues(self, cells: int) -> np.ndarray:
        """pi^2 (i^2 + j^2), (y, x)."""
        x, y = (np.pi**2 * self._numbers(cells, sides) ** 2 for sides in (self.x_sides, self.y_sides))
        return y[:, None] + x

    def mean_squares(self, cells: int) -> np.ndarray:
        """Mean of the square of each term over the square, (y, x)."""
        x, y = (np.where(self._numbers(cells, sides) > 0, 0.5, 1.0) for sides in (self.x_sides, self.y_sides))
        return y[:, None] * x

    @staticmethod
    def _numbers(cells: int, sides: Sides) -> np.ndarray:
        return np.arange(cells) + (1.0 if sides == "zero" else 0.0)


def _forward(values: np.ndarray, axis: int, sides: Sides) -> np.ndarray:
    import scipy.fft  # a tenth of a second, and a study that is only planned transforms nothing

    transform = scipy.fft.dst if sides == "zero" else scipy.fft.dct
    found = np.asarray(transform(values, type=2, axis=axis)) / values.shape[axis]
    found[_single(axis, sides)] *= 0.5
    return found


def _backward(coefficients: np.ndarray, axis: int, sides: Sides) -> np.ndarray:
    import scipy.fft

    transform = scipy.fft.dst if sides == "zero" else scipy.fft.dct
    halves = 0.5 * coefficients
    halves[_single(axis, sides)] *= 2.0
    return np.asarray(transform(halves, type=3, axis=axis, overwrite_x=True))


def _single(axis: int, sides: Sides) -> tuple[Any, ...]:
    """Where the term stands whose square has the mean 1 over the centres, not 1/2: the last sine, the first cosine."""
    return (..., -1 if sides == "zero" else 0, *[slice(None)] * (-1 - axis))
