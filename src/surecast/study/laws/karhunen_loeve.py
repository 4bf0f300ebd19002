r"""Karhunen-Loeve expansion of a Gaussian field: eigenpairs of its covariance, evaluated anywhere.

    integral_D C(x, y) phi_k(y) dy = lambda_k phi_k(x),    integral_D phi_j phi_k = delta_jk

The integral is taken by Gauss-Legendre quadrature with nodes x_j and weights w_j (Nystroem's method:
Atkinson, The Numerical Solution of Integral Equations of the Second Kind, 1997, section 4.1), so that the
eigenfunctions are known at every point, on every grid the same:

    phi_k(x) = 1 / lambda_k  sum_j w_j C(x, x_j) phi_k(x_j).

Correlations of distance r, with l the length:

    squared_exponential   exp(-r^2 / (2 l^2))
    matern32              (1 + sqrt(3) r / l) exp(-sqrt(3) r / l)
    matern12              exp(-r / l)

Order and signs are fixed. A square has eigenvalues of multiplicity two, whose eigenfunctions a plain
eigensolver would turn at will; here the squared exponential, a product, has products of eigenfunctions
in one variable, and the others are solved within the four classes of functions that are even or odd in
each variable, where the multiplicity is gone. The last bits still depend on the number of threads of
the linear algebra library, which the workflow pins to one.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

Interval = tuple[float, float]
NODES_PRODUCT = 96
NODES_LINE = 256
NODES_PLANE = 48
SMALLEST_RATIO = 1e-12


def correlation(name: str, distance: np.ndarray, length: float) -> np.ndarray:
    """Correlation at a distance, shape as `distance`."""
    r = np.asarray(distance) / length
    if name == "squared_exponential":
        return np.asarray(np.exp(-0.5 * r**2))
    if name == "matern32":
        return np.asarray((1 + np.sqrt(3) * r) * np.exp(-np.sqrt(3) * r))
    if name == "matern12":
        return np.asarray(np.exp(-r))
    raise ValueError(f"no correlation is called {name!r}")


def spectral_density(name: str, frequency: np.ndarray, length: float) -> np.ndarray:
    """Fourier transform on the line of a correlation at angular frequencies."""
    w = np.asarray(frequency) * length
    if name == "squared_exponential":
        return np.asarray(np.sqrt(2 * np.pi) * length * np.exp(-0.5 * w**2))
    if name == "matern32":
        return np.asarray(12 * np.sqrt(3) * length / (3 + w**2) ** 2)
    if name == "matern12":
        return np.asarray(2 * length / (1 + w**2))
    raise ValueError(f"no correlation is called {name!r}")


@dataclass(frozen=True)
class Expansion:
    """Eigenpairs of a correlation (variance one), largest first.

    Attributes
    ----------
    eigenvalues : numpy.ndarray
        Shape ``(terms,)``.
    volume : float
        Length or area of the domain: the sum of all eigenvalues.
    """

    eigenvalues: np.ndarray
    volume: float

    def modes(self, *axes: np.ndarray) -> np.ndarray:
        """Eigenfunctions on a tensor grid: ``modes(x)`` is (terms, x), ``modes(y, x)`` is (terms, y, x)."""
        raise NotImplementedError

    @property
    def share_of_variance(self) -> float:
        """Share of the field's variance, averaged over the domain, that the terms keep."""
        return float(self.eigenvalues.sum() / self.volume)


@dataclass(frozen=True)
class Line(Expansion):
    """Eigenpairs on an interval by Nystroem's method."""

    name: str
    length: float
    nodes: np.ndarray
    weighted: np.ndarray
    """Values at the nodes times weights over eigenvalues, shape ``(nodes, terms)``."""

    @classmethod
    def solve(cls, name: str, length: float, interval: Interval, terms: int, nodes: int) -> Line:
        """The first `terms` eigenpairs; fewer where quadrature cannot tell the others from zero."""
        points, weights = _gauss_legendre(interval, nodes)
        kernel = correlation(name, np.abs(points[:, None] - points), length)
        values, vectors = _largest(kernel, weights, terms)
        # Fixed signs: positive at the left end, where no eigenfunction of these kernels vanishes.
        end = correlation(name, np.abs(interval[0] - points), length) * weights
        vectors = vectors * np.where(end @ vectors < 0, -1.0, 1.0)
        weighted = weights[:, None] * vectors / values
        return cls(values, interval[1] - interval[0], name, length, points, weighted)

    def modes(self, *axes: np.ndarray) -> np.ndarray:
        """Eigenfunctions at points, shape ``(terms, x)``."""
        (x,) = axes
        kernel = correlation(self.name, np.abs(np.asarray(x, dtype=np.float64)[:, None] - self.nodes), self.length)
        return np.ascontiguousarray((kernel @ self.weighted).T)


@dataclass(frozen=True)
class Product(Expansion):
    """Eigenpairs on a rectangle of a correlation that is a product over the variables."""

    lines: tuple[Line, Line]
    pairs: tuple[tuple[int, int], ...]

    @classmethod
    def solve(cls, name: str, length: float, domain: tuple[Interval, Interval], terms: int) -> Product:
        """The first `terms` products, by eigenvalue, then by the orders (i, j) in y and x."""
        first, second = (Line.solve(name, length, interval, min(terms, 64), NODES_PRODUCT) for interval in domain)
        table = first.eigenvalues[:, None] * second.eigenvalues
        # Equal up to rounding counts as equal: (i, j) and (j, i) of a square keep a fixed order.
        rounded = {pair: float(f"{table[pair]:.9e}") for pair in np.ndindex(*table.shape)}
        pairs = sorted(rounded, key=lambda pair: (-rounded[pair], pair))[:terms]
        pairs = [pair for pair in pairs if table[pair] > SMALLEST_RATIO * table[0, 0]]
        values = np.array([table[pair] for pair in pairs])
        return cls(values, first.volume * second.volume, (first, second), tuple((int(i), int(j)) for i, j in pairs))

    def modes(self, *axes: np.ndarray) -> np.ndarray:
        """Eigenfunctions on the grid, shape ``(terms, y, x)``."""
        along_y, along_x = (line.modes(axis) for line, axis in zip(self.lines, axes, strict=True))
        return np.stack([along_y[i][:, None] * along_x[j] for i, j in self.pairs])


@dataclass(frozen=True)
class Plane(Expansion):
    """Eigenpairs on a rectangle by Nystroem's method, class by class of parity."""

    name: str
    length: float
    nodes: tuple[np.ndarray, np.ndarray]
    weighted: np.ndarray
    """Values at the nodes times weights over eigenvalues, shape ``(y nodes, x nodes, terms)``."""

    @classmethod
    def solve(cls, name: str, length: float, domain: tuple[Interval, Interval], terms: int) -> Plane:
        """The first `terms` eigenpairs, by eigenvalue, then by class (even-even, even-odd, odd-even, odd-odd)."""
        half = NODES_PLANE // 2
        (y, wy), (x, wx) = (_gauss_legendre(interval, NODES_PLANE) for interval in domain)
        weights = np.outer(wy[:half], wx[:half]).ravel()
        found = []
        for rank, (even_y, even_x) in enumerate(itertools.product((1.0, -1.0), repeat=2)):
            # A function of a class is known from one quarter: its kernel is a signed sum over mirror images.
            kernel = np.zeros((half * half, half * half))
            for (mirror_y, sign_y), (mirror_x, sign_x) in itertools.product(
                ((y[:half], 1.0), (y[::-1][:half], even_y)), ((x[:half], 1.0), (x[::-1][:half], even_x))
            ):
                apart_y, apart_x = y[:half, None] - mirror_y, x[:half, None] - mirror_x
                distance = np.hypot(apart_y[:, None, :, None], apart_x[None, :, None, :])
                kernel += sign_y * sign_x * correlation(name, distance.reshape(kernel.shape), length)
            values, vectors = _largest(kernel, weights, terms)
            for value, vector in zip(values, vectors.T, strict=True):
                quarter = vector.reshape(half, half) / 2  # the norm counts four quarters
                rows = np.concatenate([quarter, even_y * quarter[::-1]])
                found.append((float(f"{value:.9e}"), rank, value, np.hstack([rows, even_x * rows[:, ::-1]])))
        found.sort(key=lambda item: (-item[0], item[1]))
        kept = [item for item in found[:terms] if item[2] > SMALLEST_RATIO * found[0][2]]
        eigenvalues = np.array([item[2] for item in kept])
        functions = np.stack([_with_sign(item[3]) for item in kept], axis=-1)
        weighted = wy[:, None, None] * wx[:, None] * functions / eigenvalues
        return cls(eigenvalues, float(wy.sum() * wx.sum()), name, length, (y, x), weighted)

    def modes(self, *axes: np.ndarray) -> np.ndarray:
        """Eigenfunctions on the grid, shape ``(terms, y, x)``."""
        y, x = (np.asarray(axis, dtype=np.float64) for axis in axes)
        weighted = self.weighted.reshape(-1, self.weighted.shape[-1])
        apart_x = x[:, None] - self.nodes[1]
        modes = np.empty((weighted.shape[1], len(y), len(x)))
        for row, place in enumerate(y):  # row by row: the kernel of a whole grid would not fit into memory
            distance = np.hypot((place - self.nodes[0])[None, :, None], apart_x[:, None, :])
            modes[:, row] = (correlation(self.name, distance.reshape(len(x), -1), self.length) @ weighted).T
        return modes


@dataclass(frozen=True)
class Circle(Expansion):
    """Eigenpairs of a periodic correlation: Fourier modes, with the spectral density as eigenvalues.

    The correlation is the sum of its copies one period apart, scaled to variance one.
    """

    interval: Interval

    @classmethod
    def solve(cls, name: str, length: float, interval: Interval, terms: int) -> Circle:
        """1, then sqrt(2) cos and sqrt(2) sin of the wave numbers 1, 1, 2, 2, ..., each over sqrt(period)."""
        period = interval[1] - interval[0]
        numbers = np.arange(1, 200_001)
        densities = spectral_density(name, 2 * np.pi / period * np.append(0, numbers), length)
        densities *= period / (densities[0] + 2 * densities[1:].sum())
        values = densities[(np.arange(terms) + 1) // 2]
        return cls(values[values > 0], period, interval)

    def modes(self, *axes: np.ndarray) -> np.ndarray:
        """Eigenfunctions at points, shape ``(terms, x)``."""
        (x,) = axes
        angle = 2 * np.pi * (np.asarray(x, dtype=np.float64) - self.interval[0]) / self.volume
        modes = np.empty((len(self.eigenvalues), len(angle)))
        for term in range(len(modes)):
            number = (term + 1) // 2
            wave = np.cos(number * angle) if term % 2 else np.sin(number * angle)
            modes[term] = np.sqrt(2 / self.volume) * wave if number else np.sqrt(1 / self.volume)
        return modes


def _gauss_legendre(interval: Interval, count: int) -> tuple[np.ndarray, np.ndarray]:
    points, weights = np.polynomial.legendre.leggauss(count)
    half = (interval[1] - interval[0]) / 2
    return interval[0] + half * (points + 1), half * weights


def _largest(kernel: np.ndarray, weights: np.ndarray, terms: int) -> tuple[np.ndarray, np.ndarray]:
    """Largest eigenvalues and orthonormal eigenfunctions at the nodes, shapes ``(k,)`` and ``(nodes, k)``."""
    root = np.sqrt(weights)
    values, vectors = np.linalg.eigh(root[:, None] * kernel * root)
    values, vectors = values[::-1][:terms], vectors[:, ::-1][:, :terms]
    kept = values > SMALLEST_RATIO * values[0]
    return values[kept], vectors[:, kept] / root[:, None]


def _with_sign(function: np.ndarray) -> np.ndarray:
    """A function with fixed sign: positive at the first node where it is not small."""
    flat = function.ravel()
    first = np.flatnonzero(np.abs(flat) > 0.1 * np.abs(flat).max())[0]
    return function if flat[first] > 0 else -function
