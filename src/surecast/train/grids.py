"""Fields between the dataset's grid and a surrogate's coarser grid of the same domain.

`prolong` interpolates along each axis: by a cubic spline between cell centres, by the trigonometric polynomial on a
periodic axis. `restrict` is its least-squares inverse, the Moore-Penrose pseudo-inverse of the same matrix:

    prolong(u) = P_y u P_x^T,     restrict(v) = P_y^+ v P_x^+^T,     restrict(prolong(u)) = u,

so what a surrogate learns on its grid is the best that its grid can say about the dataset's.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from surecast.study.errors import TrainingError


@dataclass(frozen=True)
class Axis:
    """One uniform axis of the dataset's grid and of the surrogate's.

    Parameters
    ----------
    name : str
        Dimension, for example ``"x"``.
    fine : tuple of float
        Coordinates in the dataset, n equal cells: cell centres, or the nodes of a periodic axis.
    cells : int
        Points of the surrogate's grid.
    periodic : bool
        Whether the axis closes on itself.
    """

    name: str
    fine: tuple[float, ...]
    cells: int
    periodic: bool

    def __post_init__(self) -> None:
        fine = np.asarray(self.fine)
        if fine.size < 4 or not np.allclose(np.diff(fine), fine[1] - fine[0], rtol=1e-6):
            raise TrainingError(
                f"The axis {self.name} of the dataset is not a uniform grid of at least 4 points.",
                "networks need fields on uniform grids.",
            )
        if not 4 <= self.cells <= fine.size:
            raise TrainingError(
                f"A surrogate's grid of {self.cells} cells along {self.name} does not suit a dataset of {fine.size}.",
                f"set cells to a number from 4 to {fine.size}.",
            )

    @property
    def spacing(self) -> float:
        """Distance of neighbouring points of the dataset's grid."""
        return (self.fine[-1] - self.fine[0]) / (len(self.fine) - 1)

    @cached_property
    def coarse(self) -> np.ndarray:
        """Coordinates of the surrogate's grid, (cells,): centres of `cells` equal cells, or nodes if periodic."""
        length = self.spacing * len(self.fine)
        if self.periodic:
            return self.fine[0] + np.arange(self.cells) * (length / self.cells)
        return self.fine[0] - self.spacing / 2 + (np.arange(self.cells) + 0.5) * (length / self.cells)

    @cached_property
    def prolongation(self) -> np.ndarray:
        """P, (dataset's points, cells)."""
        fine = np.asarray(self.fine)
        if self.cells == fine.size:
            return np.eye(fine.size)
        if not self.periodic:
            from scipy.interpolate import CubicSpline

            return np.asarray(CubicSpline(self.coarse, np.eye(self.cells))(fine))
        # Column i is the periodic interpolant of a unit pulse at node i: its spectrum is flat, the highest
        # wave number of an even grid counting half for either sign.
        length = self.spacing * fine.size
        waves = np.arange(-(self.cells // 2), self.cells // 2 + 1)
        weight = np.where(2 * np.abs(waves) == self.cells, 0.5, 1.0) / self.cells
        phase = 2 * np.pi * (fine[:, None] - self.coarse[None, :]) / length
        return np.asarray((weight * np.cos(phase[..., None] * waves)).sum(axis=-1))

    @cached_property
    def restriction(self) -> np.ndarray:
        """P^+, (cells, dataset's points)."""
        if self.cells == len(self.fine):
            return np.eye(self.cells)
        return np.asarray(np.linalg.pinv(self.prolongation))


def prolong(fields: np.ndarray, axes: tuple[Axis, ...]) -> np.ndarray:
    """Fields (..., [cells of y,] cells of x) on the dataset's grid (..., [y,] x), run by run."""
    return _apply(fields, [axis.prolongation for axis in axes])


def restrict(fields: np.ndarray, axes: tuple[Axis, ...]) -> np.ndarray:
    """Fields (..., [y,] x) on the surrogate's grid (..., [cells of y,] cells of x), run by run."""
    return _apply(fields, [axis.restriction for axis in axes])


def _apply(fields: np.ndarray, matrices: list[np.ndarray]) -> np.ndarray:
    # matmul multiplies the trailing matrices one by one, so a run's bits do not depend on how many there are.
    if len(matrices) == 1:
        return np.matmul(matrices[0].astype(fields.dtype), fields[..., None])[..., 0]
    along_y, along_x = (matrix.astype(fields.dtype) for matrix in matrices)
    return np.matmul(np.matmul(along_y, fields), along_x.T)
