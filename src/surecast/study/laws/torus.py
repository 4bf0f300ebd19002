r"""Karhunen-Loeve expansion of a Gaussian field that is periodic on a rectangle: waves in both variables.

The correlation is the sum of its copies one period apart, scaled to variance one. Its eigenfunctions are cosines and
sines, and its eigenvalues the spectral density S of the correlation in the plane, over the sum of the copies at 0:

    lambda = S(2 pi (i / P_y, j / P_x)) / sum_ab C(a P_y, b P_x)
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from surecast.study.laws.karhunen_loeve import SMALLEST_RATIO, Expansion, Interval, correlation


@dataclass(frozen=True)
class Torus(Expansion):
    """Eigenpairs on a rectangle whose opposite sides are one."""

    domain: tuple[Interval, Interval]
    waves: tuple[tuple[int, int, bool], ...]
    """Wave numbers in y and x of each term, and whether it is the sine."""

    @classmethod
    def solve(cls, name: str, length: float, domain: tuple[Interval, Interval], terms: int) -> Torus:
        """1, then the cosine and the sine of each wave, by eigenvalue, then by its numbers in y and x."""
        periods = np.array([high - low for low, high in domain])
        # The eigenvalue falls with the frequency, and an ellipse of so many numbers holds as many waves as terms.
        most = np.ceil(np.sqrt(terms * periods / periods[::-1])).astype(int) + 2
        numbers = [(0, j) for j in range(most[1] + 1)]
        numbers += [(i, j) for i in range(1, most[0] + 1) for j in range(-most[1], most[1] + 1)]
        frequencies = 2 * np.pi * np.hypot(*(np.array(numbers) / periods).T)
        values = cls._density(name, frequencies, length) / cls._copies(name, length, periods)
        # Equal up to rounding counts as equal: the waves of one frequency keep a fixed order.
        rounded = [float(f"{value:.9e}") for value in values]
        order = sorted(range(len(numbers)), key=lambda place: (-rounded[place], numbers[place]))
        found = [(place, sine) for place in order for sine in (False, True) if numbers[place] != (0, 0) or not sine]
        found = [(place, sine) for place, sine in found[:terms] if values[place] > SMALLEST_RATIO * values.max()]
        waves = tuple((*numbers[place], sine) for place, sine in found)
        return cls(values[[place for place, _ in found]], float(periods.prod()), domain, waves)

    def modes(self, *axes: np.ndarray) -> np.ndarray:
        """Eigenfunctions on the grid, shape ``(terms, y, x)``."""
        along_y, along_x = (
            2 * np.pi * (np.asarray(axis, dtype=np.float64) - low) / (high - low)
            for axis, (low, high) in zip(axes, self.domain, strict=True)
        )
        modes = np.empty((len(self.waves), len(along_y), len(along_x)))
        for term, (i, j, sine) in enumerate(self.waves):
            angle = i * along_y[:, None] + j * along_x
            scale = np.sqrt((2 if i or j else 1) / self.volume)
            modes[term] = scale * (np.sin(angle) if sine else np.cos(angle))
        return modes

    @staticmethod
    def _density(name: str, frequency: np.ndarray, length: float) -> np.ndarray:
        """Fourier transform in the plane of a correlation (Rasmussen and Williams 2006, section 4.2)."""
        w = frequency * length
        if name == "squared_exponential":
            return np.asarray(2 * np.pi * length**2 * np.exp(-0.5 * w**2))
        if name == "matern32":
            return np.asarray(18 * np.sqrt(3) * np.pi * length**2 / (3 + w**2) ** 2.5)
        return np.asarray(2 * np.pi * length**2 / (1 + w**2) ** 1.5)

    @classmethod
    def _copies(cls, name: str, length: float, periods: np.ndarray) -> float:
        """What the copies of the correlation add up to at distance 0, by themselves or by Poisson's sum."""
        if length <= 4 * periods.min():  # the largest term left out is below e^-40
            first, second = (np.arange(-n, n + 1) for n in np.ceil(40 * length / periods).astype(int) + 1)
            distances = np.hypot(first[:, None] * periods[0], second * periods[1])
            return float(correlation(name, distances, length).sum())
        first, second = (np.arange(-n, n + 1) for n in np.ceil(100 * periods / periods.min()).astype(int))
        frequencies = 2 * np.pi * np.hypot(first[:, None] / periods[0], second / periods[1])
        return float(cls._density(name, frequencies, length).sum() / periods.prod())
