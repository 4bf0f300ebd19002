"""Finite volumes for flow through a heterogeneous medium on the unit square.

    -div(k grad p) = f,   p = left at x = 0,   p = right at x = 1
    no flow at y = 0 and y = 1,   or   p = bottom at y = 0,   p = top at y = 1

on n x n square cells, h = 1/n, p and k at cell centres. Two-point fluxes with harmonic face
transmissibilities T = 2 k_1 k_2 / (k_1 + k_2) (Aziz and Settari, Petroleum Reservoir Simulation, 1979,
section 3.5); Dirichlet values act at half a cell, T = 2 k. Per cell

    sum over its faces of T (p - p_neighbour) = h^2 f.

Where k is smooth the unknown is u = k^1/2 p: the matrix k^-1/2 A k^-1/2 has off-diagonal entries
-T / (k_1 k_2)^1/2 = -1 / cosh((log k_1 - log k_2) / 2) and is close to the Laplacian. Where k jumps it is not, and
the unknown is p itself: the eigenvalues of A relative to the Laplacian then lie between the least and the largest k.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from surecast.simulate.conjugate_gradients import Preconditioner, solve


@dataclass(frozen=True)
class Flow:
    """Solutions of a batch of flow problems; face fluxes are volumes per time through a whole face.

    Attributes
    ----------
    pressure : ndarray, shape (batch, n, n)
        p at cell centres.
    face_x : ndarray, shape (batch, n, n + 1)
        Flow through the faces normal to x, positive to the right; boundary faces included.
    face_y : ndarray, shape (batch, n + 1, n)
        Flow through the faces normal to y, positive upwards; zero on the boundary where it is closed.
    mass_balance : ndarray, shape (batch,)
        ``|outflow over the boundary - source| / (flow over the boundary in absolute value + |source|)``.
    iterations, residual, converged : ndarray, shape (batch,)
        Of the linear solver.
    """

    pressure: np.ndarray
    face_x: np.ndarray
    face_y: np.ndarray
    mass_balance: np.ndarray
    iterations: np.ndarray
    residual: np.ndarray
    converged: np.ndarray


class FivePoint:
    """The matrices of a batch, by their diagonal and the couplings of neighbours.

    Parameters
    ----------
    diagonal, right, up : ndarray, shape (batch, n, n)
        Diagonal, and minus the couplings of each cell with its neighbour in x and y; zero where there is none.
    """

    def __init__(self, diagonal: np.ndarray, right: np.ndarray, up: np.ndarray) -> None:
        # Rows are put end to end: long loops over neighbouring memory take a third of the time of many short ones.
        self._columns = diagonal.shape[-1]
        self._diagonal, self._right, self._up = (_flat(part) for part in (diagonal, right, up))
        self._work = np.empty_like(self._diagonal)

    @classmethod
    def plain(cls, t_x: np.ndarray, t_y: np.ndarray) -> FivePoint:
        """A, from the transmissibilities of all faces."""
        diagonal = t_x[:, :, 1:] + t_x[:, :, :-1] + t_y[:, 1:] + t_y[:, :-1]
        right, up = t_x[:, :, 1:].copy(), t_y[:, 1:].copy()
        right[:, :, -1], up[:, -1] = 0.0, 0.0
        return cls(diagonal, right, up)

    @classmethod
    def scaled(cls, t_x: np.ndarray, t_y: np.ndarray, log_k: np.ndarray, k: np.ndarray) -> FivePoint:
        """k^-1/2 A k^-1/2, from those and the conductivities, shapes ``(batch, n, n)``."""
        diagonal = (t_x[:, :, 1:] + t_x[:, :, :-1] + t_y[:, 1:] + t_y[:, :-1]) / k
        right, up = np.zeros_like(k), np.zeros_like(k)
        right[:, :, :-1] = 1 / np.cosh(0.5 * np.diff(log_k, axis=2))
        up[:, :-1] = 1 / np.cosh(0.5 * np.diff(log_k, axis=1))
        return cls(diagonal, right, up)

    def apply(self, u: np.ndarray, out: np.ndarray) -> None:
        """Write the product to `out`; contiguous arrays of shape ``(batch, n, n)``."""
        u, out = _flat(u), _flat(out)
        np.multiply(self._diagonal, u, out=out)
        for coupling, step in ((self._right, 1), (self._up, self._columns)):
            coupling, work = coupling[:, :-step], self._work[:, :-step]
            out[:, step:] -= np.multiply(coupling, u[:, :-step], out=work)
            out[:, :-step] -= np.multiply(coupling, u[:, step:], out=work)


def _flat(array: np.ndarray) -> np.ndarray:
    flat = array.view()
    flat.shape = (len(array), -1)  # unlike reshape, never a copy
    return flat


def transmissibilities(k: np.ndarray, *, closed: bool = True) -> tuple[np.ndarray, np.ndarray]:
    """Transmissibilities of all faces, shapes ``(batch, n, n + 1)`` and ``(batch, n + 1, n)``.

    Where the sides y = 0 and y = 1 are `closed` those of their faces are zero.
    """
    batch, rows, columns = k.shape
    t_x, t_y = np.zeros((batch, rows, columns + 1)), np.zeros((batch, rows + 1, columns))
    t_x[:, :, 1:-1] = 2 / (1 / k[:, :, 1:] + 1 / k[:, :, :-1])
    t_y[:, 1:-1] = 2 / (1 / k[:, 1:] + 1 / k[:, :-1])
    t_x[:, :, 0], t_x[:, :, -1] = 2 * k[:, :, 0], 2 * k[:, :, -1]
    if not closed:
        t_y[:, 0], t_y[:, -1] = 2 * k[:, 0], 2 * k[:, -1]
    return t_x, t_y


def solve_flow(
    log_k: np.ndarray,
    left: np.ndarray,
    right: np.ndarray,
    source: np.ndarray,
    preconditioner: Preconditioner,
    *,
    bottom: np.ndarray | None = None,
    top: np.ndarray | None = None,
    scaled: bool = True,
    tolerance: float = 5e-12,
    max_iterations: int = 500,
) -> Flow:
    """Solve a batch of flow problems.

    Parameters
    ----------
    log_k : ndarray, shape (batch, n, n)
        Logarithm of the conductivity at cell centres, indexed (run, y, x).
    left, right : ndarray, shape (batch, n)
        Pressure on the left and right side, at the height of each row of cells.
    source : ndarray, shape (batch, n, n)
        Mean of f over each cell.
    preconditioner : Preconditioner
        For the operator that is solved, for example `surecast.simulate.poisson.PoissonPreconditioner`.
    bottom, top : ndarray, shape (batch, n), optional
        Pressure on the two other sides, at each column of cells; both, or none where nothing passes them.
    scaled : bool
        Whether the unknown is k^1/2 p: fewer iterations for a smooth k, more for one that jumps.
    tolerance, max_iterations
        Of the conjugate gradients. The relative error of the mass balance is up to 400 times the relative residual
        where log k has variance 1, 1000 times and more at variance 4: 5e-12 closes it to 1e-8.
    """
    with np.errstate(all="ignore"):  # broken runs become NaN and are reported as not converged
        k = np.exp(log_k)
        volume = 1.0 / log_k.shape[-1] ** 2
        t_x, t_y = transmissibilities(k, closed=bottom is None or top is None)
        b = source * volume
        b[:, :, 0] += t_x[:, :, 0] * left
        b[:, :, -1] += t_x[:, :, -1] * right
        if bottom is not None and top is not None:
            b[:, 0] += t_y[:, 0] * bottom
            b[:, -1] += t_y[:, -1] * top
        if scaled:
            scale = np.exp(-0.5 * log_k)
            b *= scale
            operator = FivePoint.scaled(t_x, t_y, log_k, k)
        else:
            operator = FivePoint.plain(t_x, t_y)
        solution = solve(operator, b, preconditioner, tolerance=tolerance, max_iterations=max_iterations)
        pressure = solution.u * scale if scaled else solution.u
        face_x, face_y = face_flows(t_x, t_y, pressure, left, right, bottom, top)
        supplied = source.sum(axis=(1, 2)) * volume
        # Out through the right and the top, in through the left and the bottom.
        leaving = face_x[:, :, -1].sum(axis=1) + face_y[:, -1].sum(axis=1)
        entering = face_x[:, :, 0].sum(axis=1) + face_y[:, 0].sum(axis=1)
        size = np.abs(supplied)
        for side in (face_x[:, :, -1], face_x[:, :, 0], face_y[:, -1], face_y[:, 0]):
            size += np.abs(side).sum(axis=1)
        balance = np.abs(leaving - entering - supplied) / np.where(size > 0, size, 1.0)
    return Flow(pressure, face_x, face_y, balance, solution.iterations, solution.residual, solution.converged)


def face_flows(
    t_x: np.ndarray,
    t_y: np.ndarray,
    pressure: np.ndarray,
    left: np.ndarray,
    right: np.ndarray,
    bottom: np.ndarray | None = None,
    top: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Flow through every face, from its transmissibilities and the pressure on both of its sides."""
    if bottom is None or top is None:  # closed: the transmissibility is zero
        bottom, top = pressure[:, 0], pressure[:, -1]
    row = np.concatenate([left[:, :, None], pressure, right[:, :, None]], axis=2)
    column = np.concatenate([bottom[:, None], pressure, top[:, None]], axis=1)
    return t_x * -np.diff(row, axis=2), t_y * -np.diff(column, axis=1)
