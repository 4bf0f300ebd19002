r"""The staggered grid of Harlow and Welch on a rectangle, and fast solvers of Helmholtz's equation on it.

Of rows x columns equal cells, dx wide and dy high, pressure and temperature live at the centres, the velocity u along x
at the middles of the faces normal to x, v along y at those of the faces normal to y (Phys. Fluids 8 (1965) 2182).
Arrays are indexed (run, y, x): centres (rows, columns), u (rows, columns + 1), v (rows + 1, columns), and what needs
both components at the corners of the cells (rows + 1, columns + 1).

Along either direction every variable has the same second difference of three points, whose n cells end in one of

    faces      points between cells, given at both ends           sin(a j),          a = pi k / n,         0 < k < n
    held       points at centres, given half a cell away          sin(a (j + 1/2)),  a = pi k / n,         0 < k <= n
    free       points at centres, no slope at either end          cos(a (j + 1/2)),  a = pi k / n,         0 <= k < n
    held_free  points at centres, given at the first end alone    sin(a (j + 1/2)),  a = pi (k + 1/2) / n, 0 <= k < n

with the eigenvectors on the right (Strang, SIAM Review 41 (1999) 135) and the eigenvalues -4 sin^2(a / 2) / h^2. The
solvers multiply by matrices of eigenvectors (Lynch, Rice and Thomas, Numer. Math. 6 (1964) 185), which takes no longer
than transforms up to about a hundred cells a side. Each run has a product of its own, whose shape does not depend on
how many runs there are: neither do its bits.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Literal

import numpy as np

Ends = Literal["faces", "held", "free", "held_free"]


@dataclass(frozen=True)
class Box:
    """Rectangles of rows x columns cells; width and height (run, 1, 1), m."""

    rows: int
    columns: int
    width: np.ndarray
    height: np.ndarray

    @functools.cached_property
    def dx(self) -> np.ndarray:
        """Width of a cell."""
        return self.width / self.columns

    @functools.cached_property
    def dy(self) -> np.ndarray:
        """Height of a cell."""
        return self.height / self.rows

    def x(self, values: np.ndarray) -> np.ndarray:
        """Difference quotients of neighbours along x."""
        return np.asarray((values[:, :, 1:] - values[:, :, :-1]) / self.dx)

    def y(self, values: np.ndarray) -> np.ndarray:
        """Difference quotients of neighbours along y."""
        return np.asarray((values[:, 1:] - values[:, :-1]) / self.dy)

    def laplacian(self, along_x: np.ndarray, along_y: np.ndarray) -> np.ndarray:
        """w_xx + w_yy from w at the points and their neighbours along x, and the same along y."""
        return self.x(self.x(along_x)) + self.y(self.y(along_y))


@functools.cache
def modes(ends: Ends, cells: int) -> tuple[np.ndarray, np.ndarray]:
    """Orthonormal eigenvectors (point, mode) of the second difference with h = 1, and its eigenvalues (mode,)."""
    number = np.arange(cells - 1 if ends == "faces" else cells)
    angle = np.pi * {"free": number, "held_free": number + 0.5}.get(ends, number + 1) / cells
    place = number + (1.0 if ends == "faces" else 0.5)
    vectors = (np.cos if ends == "free" else np.sin)(np.outer(place, angle))
    vectors /= np.sqrt(np.square(vectors).sum(axis=0))
    return vectors, -4 * np.sin(0.5 * angle) ** 2


class Helmholtz:
    """The solver of shift w - factor (w_xx + w_yy) = r, zero or without slope at the ends.

    Parameters
    ----------
    box : Box
        The grid.
    x_ends, y_ends : str
        What holds at the ends along x and y.
    shift : float
        Not negative. Where it is 0 and all ends are free, r must have the mean 0, and so has w.
    factor : ndarray, shape (run, 1, 1)
        Positive.
    """

    def __init__(self, box: Box, x_ends: Ends, y_ends: Ends, shift: float, factor: np.ndarray) -> None:
        self._x, along_x = modes(x_ends, box.columns)
        self._y, along_y = modes(y_ends, box.rows)
        eigenvalues = shift - factor * (along_y[:, None] / box.dy**2 + along_x / box.dx**2)
        singular = eigenvalues == 0
        self._inverse = np.where(singular, 0.0, 1 / np.where(singular, 1.0, eigenvalues))

    def solve(self, r: np.ndarray) -> np.ndarray:
        """w at the points (run, y, x) of r."""
        return np.asarray(self._y @ (self._y.T @ r @ self._x * self._inverse) @ self._x.T)
