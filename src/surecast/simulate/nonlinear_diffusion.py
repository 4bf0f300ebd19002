r"""Implicit finite volumes for nonlinear, possibly degenerate, diffusion on an interval.

    s(z)_t = Phi(z)_xx,   s and Phi continuous and increasing functions of the unknown z

on equal cells of width h. Phi is the integral of the diffusivity, so that a flux is a difference of neighbouring
values: a mean of diffusivities could vanish at a front and hold it up (Maddix, Sampaio and Gerritsen, J. Comput. Phys.
361 (2018) 280). An end passes a flux that is linear in Phi of its cell. In time the two-stage diagonally implicit
Runge-Kutta scheme of order 2, L-stable and stiffly accurate (Alexander, SIAM J. Numer. Anal. 14 (1977) 1006):

    s_1 = s_0 + g dt L Phi_1,   s_2 = s_0 + (1 - g) dt L Phi_1 + g dt L Phi_2,   g = 1 - sqrt(1/2).

Each stage is solved by Newton's method, all runs at once and each until its own update is negligible. Its iterates are
kept where the solution is by the maximum principle: no further from 0 than the ends and than what is left of the step,
which is below 4 times the largest state so far, as s grows at least in proportion to z.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

GAMMA = 1 - np.sqrt(0.5)
TOLERANCE = 1e-10  # of the last update, relative to max |z|: Newton's method squares it
MOST_ITERATIONS = 100  # beside one for each cell: a front moves by a cell an iteration, and may cross them all
LARGEST = 1e100  # magnitude above which a run is given up, so that no product overflows and spoils its neighbours


class Medium(ABC):
    """s and Phi of a batch of runs, values are (run, x). u, what a reader sees, is an increasing function of z too."""

    @abstractmethod
    def storage(self, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """s and its derivative."""

    @abstractmethod
    def potential(self, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Phi and its derivative."""

    def unknown(self, u: np.ndarray) -> np.ndarray:
        """z of u."""
        return u

    def value(self, z: np.ndarray) -> np.ndarray:
        """u of z."""
        return z


@dataclass(frozen=True)
class End:
    """Flux out through an end, rate * Phi - supply with Phi of the end's cell; (run,) each.

    `reach` is the size of z that an end holds, 0 where it holds none.
    """

    rate: np.ndarray
    supply: np.ndarray
    reach: np.ndarray

    @classmethod
    def closed(cls, runs: int) -> End:
        """Nothing passes."""
        return cls(*np.zeros((3, runs)))

    @classmethod
    def held(cls, medium: Medium, u: np.ndarray, spacing: float) -> End:
        """u (run, 1) is given at the end, half a cell from the centre."""
        z = medium.unknown(u)
        potential, _ = medium.potential(z)
        return cls(np.full(len(u), 2 / spacing), 2 / spacing * potential[:, 0], np.abs(z[:, 0]))

    @classmethod
    def carried_off(cls, speed: np.ndarray, diffusivity: np.ndarray, spacing: float) -> End:
        """What arrives is carried off: flux = speed * u at the end, where Phi = diffusivity * u."""
        conductance = 2 * diffusivity / spacing
        return cls(speed * (2 / spacing) / (speed + conductance), *np.zeros((2, len(speed))))


class Stepper:
    """Time stepping of a batch of runs; a run that has failed stays where it is and harms no other.

    Parameters
    ----------
    medium : Medium
        The equation.
    ends : callable
        The left and the right end at a time.
    z : ndarray, shape (run, x)
        The unknown at time 0.
    spacing, step : float
        h and dt.

    Attributes
    ----------
    z, time
        The state so far.
    entered, left : ndarray, shape (run,)
        Amounts of s that have come in through the left and gone out through the right end.
    imbalance : ndarray, shape (run,)
        Largest error of the mass balance of a step: change of the amount less what passed the ends, relative to both.
    iterations : ndarray, shape (run,)
        Most iterations that a stage has taken.
    failed : ndarray of bool, shape (run,)
        Whether Newton's method has not converged in some stage.
    """

    def __init__(
        self, medium: Medium, ends: Callable[[float], tuple[End, End]], z: np.ndarray, spacing: float, step: float
    ) -> None:
        runs = len(z)
        self.z, self.time = np.array(z, dtype=np.float64), 0.0
        self.entered, self.left, self.imbalance = np.zeros(runs), np.zeros(runs), np.zeros(runs)
        self.iterations = np.zeros(runs, dtype=np.int64)
        self.failed = np.zeros(runs, dtype=bool)
        self._medium, self._ends, self._spacing, self._step = medium, ends, spacing, step
        self._count = 0

    def advance(self) -> None:
        """One time step."""
        start, step = self.time, self._step
        before, _ = self._medium.storage(self.z)
        first, in_first, out_first = self._stage(self.z, before, start + GAMMA * step)
        halfway, _ = self._medium.storage(first)
        target = before + (1 - GAMMA) / GAMMA * (halfway - before)
        self._count += 1
        self.time = self._count * step
        found, in_second, out_second = self._stage(first, target, self.time)
        after, _ = self._medium.storage(found)
        entered = step * ((1 - GAMMA) * in_first + GAMMA * in_second)
        left = step * ((1 - GAMMA) * out_first + GAMMA * out_second)
        change = (after.sum(axis=1) - before.sum(axis=1)) * self._spacing
        size = np.abs(after).sum(axis=1) * self._spacing + np.abs(entered) + np.abs(left)
        imbalance = np.abs(change - entered + left) / np.where(size > 0, size, 1.0)
        self.imbalance = np.fmax(self.imbalance, imbalance)
        self.entered += entered
        self.left += left
        self.z = np.where(self.failed[:, None], self.z, found)

    def _stage(self, z: np.ndarray, target: np.ndarray, time: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """z with s(z) = target + g dt L Phi(z), and the fluxes in at the left and out at the right."""
        left, right = self._ends(time)
        sizes = [left.reach, right.reach, np.abs(self.z).max(axis=1), np.abs(z).max(axis=1)]
        reach = 4 * np.max(sizes, axis=0)[:, None]
        weight = GAMMA * self._step / self._spacing
        couplings = np.full(z.shape, 2 / self._spacing)
        couplings[:, 0] += left.rate - 1 / self._spacing
        couplings[:, -1] += right.rate - 1 / self._spacing
        pending = ~self.failed
        for count in range(1, MOST_ITERATIONS + z.shape[1] + 1):
            potential, slope = self._medium.potential(z)
            storage, capacity = self._medium.storage(z)
            flux = np.empty((len(z), z.shape[1] + 1))
            flux[:, 0] = left.supply - left.rate * potential[:, 0]
            np.divide(potential[:, :-1] - potential[:, 1:], self._spacing, out=flux[:, 1:-1])
            flux[:, -1] = right.rate * potential[:, -1] - right.supply
            excess = storage - target + weight * np.diff(flux, axis=1)
            diagonal = capacity + weight * couplings * slope
            beside = -weight / self._spacing * slope
            sound = ((np.abs(excess) < LARGEST) & (diagonal < LARGEST) & (diagonal > 0)).all(axis=1)
            self.failed |= pending & ~sound
            pending &= sound
            change = solve_tridiagonal(diagonal, beside, excess, pending)
            z = np.where(pending[:, None], np.clip(z - change, -reach, reach), z)
            self.iterations[pending] = np.maximum(self.iterations[pending], count)
            pending &= np.abs(change).max(axis=1) > TOLERANCE * np.abs(z).max(axis=1)
            if not pending.any():
                break
        self.failed |= pending
        potential, _ = self._medium.potential(z)
        return z, left.supply - left.rate * potential[:, 0], right.rate * potential[:, -1] - right.supply


def solve_tridiagonal(diagonal: np.ndarray, beside: np.ndarray, right: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Solutions of tridiagonal systems, shape (run, x), whose columns have one value above and below the diagonal.

    Parameters
    ----------
    diagonal, beside, right : ndarray, shape (run, x)
        The diagonal, what stands above and below it in the same column, and the right-hand sides.
    wanted : ndarray of bool, shape (run,)
        Systems that are solved; the others' solutions are 0.
    """
    from scipy.linalg.lapack import dgtsv  # a tenth of a second, and a study that is only planned solves nothing

    # Put end to end the systems are one, in which no entry couples two of them.
    take = wanted[:, None]
    couplings = np.where(take, beside, 0.0)
    lower, upper = couplings.copy(), couplings.copy()
    lower[:, -1], upper[:, 0] = 0.0, 0.0
    *_, found, info = dgtsv(
        lower.ravel()[:-1],
        np.where(take, diagonal, 1.0).ravel(),
        upper.ravel()[1:],
        np.where(take, right, 0.0).reshape(-1, 1),
        overwrite_dl=True,
        overwrite_d=True,
        overwrite_du=True,
        overwrite_b=True,
    )
    if info:  # not where columns are diagonally dominant, as those of an increasing s are
        raise FloatingPointError(f"a tridiagonal system is singular in row {info}")
    # Zeros of either sign may come from a neighbour's sign: adding 0 leaves positive ones.
    return np.asarray(found.reshape(right.shape) + 0.0)
