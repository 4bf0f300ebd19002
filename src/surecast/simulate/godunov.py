r"""Godunov's method of second order for hyperbolic conservation laws on equal cells, many runs at once.

    U_t + F(U)_x + G(U)_y = S(U),   dU/dt = -(F_right - F_left) / dx - (G_upper - G_lower) / dx + S

U are averages over the cells. Between them the primitive quantities W (densities, velocities, pressures) are linear in
each cell, with slopes limited by the monotonised central limiter of van Leer (J. Comput. Phys. 23 (1977) 276), for
half the change over a cell

    minmod(a, (a + b) / 4, b),   a, b = the differences to the two neighbours;

a law gives the fluxes between the two values that meet at a face. Time steps are Heun's, the strong stability
preserving method of order 2 (Gottlieb, Shu and Tadmor, SIAM Review 43 (2001) 89),

    V = U + dt L(U),   U_new = (U + V + dt L(V)) / 2.

Each run takes steps of its own: the rest of the way to the next frame in equal parts, none of them longer than
courant dx / max(sum over directions of |velocity| + speed of waves). What a run does depends on nothing but itself.

Cells lie in memory as rows with two ghost cells at either end (and two ghost rows below and above), end to end:
neighbours are one cell apart along x, one row apart along y, and both directions are one piece of code. What is
computed for ghost cells is garbage, and is written over.
"""

from __future__ import annotations

import itertools
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

Sides = Literal["wall", "outflow", "periodic"]
GHOSTS = 2
CHUNK = 4096  # cells whose fluxes are computed at once: their temporaries stay in the cache


class Law(ABC):
    """A conservation law for a batch of runs.

    States U and primitive quantities W are (quantity, run, cell). Component ``1 + direction`` of both belongs to that
    direction's velocity: momentum in U, velocity in W (direction 0 is x, 1 is y).
    """

    trouble: str
    """What is wrong with a state that is not `sound`."""

    @abstractmethod
    def primitives(self, state: np.ndarray) -> np.ndarray:
        """W of U, a new array."""

    @abstractmethod
    def sound(self, w: np.ndarray) -> np.ndarray:
        """Where (run, cell) a state is finite and physically possible."""

    @abstractmethod
    def waves(self, w: np.ndarray) -> np.ndarray:
        """Speed of waves relative to the medium, (run, cell)."""

    @abstractmethod
    def fluxes(self, left: np.ndarray, right: np.ndarray, direction: int) -> tuple[np.ndarray, np.ndarray]:
        """What leaves the cell before a face, and what enters the one behind it, (quantity, run, face) each.

        `left` and `right` are W at the two sides of the faces. The two fluxes differ where a source term is part
        of them.
        """

    def within(self, low: np.ndarray, high: np.ndarray, direction: int) -> np.ndarray | None:
        """What is lost in a cell between W at its two faces, (run, cell), of that direction's momentum."""
        return None

    def tidy(self, state: np.ndarray) -> np.ndarray:
        """The state itself, in which what rounding does to it has been corrected."""
        return state


@dataclass(frozen=True)
class Grid:
    """Equal cells in one or two dimensions, what lies beyond their sides, and how they lie in memory.

    Attributes
    ----------
    shape : tuple of int
        Cells: ``(x,)`` or ``(y, x)``.
    spacing : float
        Width of a cell, m.
    sides : tuple of str
        What holds at the ends of x, and of y: wall (reflecting), outflow (nothing comes back) or periodic.
    """

    shape: tuple[int, ...]
    spacing: float
    sides: tuple[Sides, ...]

    @property
    def strides(self) -> tuple[int, ...]:
        """Distance in memory of neighbours along x, and along y."""
        return (1, self.shape[-1] + 2 * GHOSTS)[: len(self.shape)]

    def padded(self, fields: np.ndarray) -> np.ndarray:
        """Fields (..., y, x) with room for ghost cells, (..., cell); a new array."""
        width = [(0, 0)] * (fields.ndim - len(self.shape)) + [(GHOSTS, GHOSTS)] * len(self.shape)
        return np.pad(fields, width, mode="edge").reshape(*fields.shape[: -len(self.shape)], -1)

    def inner(self, cells: np.ndarray) -> np.ndarray:
        """The fields without ghost cells, (..., y, x); a view."""
        box = self._boxed(cells)
        return box[..., GHOSTS:-GHOSTS] if len(self.shape) == 1 else box[..., GHOSTS:-GHOSTS, GHOSTS:-GHOSTS]

    def fill(self, cells: np.ndarray, reflected: bool = True) -> None:
        """Write the ghost cells of a state (quantity, run, cell), or of what is not `reflected` at walls."""
        box = self._boxed(cells)
        for direction, side in enumerate(self.sides):
            along = np.moveaxis(box, -1 - direction, -1)
            count = along.shape[-1]
            for ghost in range(GHOSTS):
                mirror = {"wall": 2 * GHOSTS - 1 - ghost, "outflow": GHOSTS, "periodic": count - 2 * GHOSTS + ghost}
                source = mirror[side]
                along[..., ghost] = along[..., source]
                along[..., count - 1 - ghost] = along[..., count - 1 - source]
            if side == "wall" and reflected:
                for ghosts in (along[1 + direction, ..., :GHOSTS], along[1 + direction, ..., -GHOSTS:]):
                    np.negative(ghosts, out=ghosts)

    def _boxed(self, cells: np.ndarray) -> np.ndarray:
        return cells.reshape(*cells.shape[:-1], *(count + 2 * GHOSTS for count in self.shape))


class Godunov:
    """A batch of runs on its way.

    Attributes
    ----------
    state : ndarray, shape (quantity, run, cell)
        U at `time`; that of a run that failed on the way is the last one that was sound.
    w : ndarray, shape (quantity, run, cell)
        Its primitive quantities.
    time : ndarray, shape (run,)
        s.
    steps : ndarray, shape (run,)
        Time steps taken.
    failure : ndarray, shape (run,)
        Why a run failed, empty if it did not.
    """

    def __init__(self, law: Law, grid: Grid, state: np.ndarray, courant: float, most_steps: int) -> None:
        self._law, self._grid, self._courant, self._most_steps = law, grid, courant, most_steps
        self.state = state
        self._settle(self.state)
        self.w = law.primitives(self.state)
        runs = state.shape[1]
        self.time, self.steps = np.zeros(runs), np.zeros(runs, dtype=np.int64)
        self._last = np.zeros(runs)
        self.failure = np.full(runs, "", dtype=object)
        self._fail(~self._sound(self.w), law.trouble)

    def advance(self, until: float) -> Iterator[np.ndarray]:
        """Go on to a time; yields after every step which runs have moved."""
        while True:
            speed = self._speed()
            # The step before was chosen by the speeds before it: it must have been short enough for these, too.
            self._fail(self._last * speed > 1, "waves became too fast for the time steps (lower courant)")
            count = np.maximum(np.ceil((until - self.time) * speed / self._courant), 1.0)
            endless = ~(self.steps + count <= self._most_steps) & (self.time < until)
            self._fail(endless, f"more than {self._most_steps} time steps would be needed")
            active = (self.failure == "") & (self.time < until)
            if not active.any():
                return
            moved = self._step(np.where(active, (until - self.time) / count, 0.0), active)
            self.time[moved & (count == 1)] = until
            yield moved

    def _step(self, dt: np.ndarray, active: np.ndarray) -> np.ndarray:
        """One step of the active runs; which of them have moved."""
        column = dt[:, None] / self._grid.spacing
        first = self._rate(self.w)
        first *= column
        first += self.state
        self._settle(first)
        new = self._rate(self._law.primitives(first))
        new *= column
        new += first
        new += self.state
        new *= 0.5
        self._settle(new)
        w = self._law.primitives(new)
        sound = self._sound(w)
        self._fail(active & ~sound, self._law.trouble)
        moved = active & sound
        np.copyto(self.state, new, where=moved[:, None])
        np.copyto(self.w, w, where=moved[:, None])
        self.time += np.where(moved, dt, 0.0)
        self.steps += moved
        self._last = np.where(moved, dt, self._last)
        return np.asarray(moved)

    def _rate(self, w: np.ndarray) -> np.ndarray:
        """dx L(U), (quantity, run, cell); zero, or garbage, in ghost cells."""
        rate = np.zeros_like(self.state)
        for direction, stride in enumerate(self._grid.strides):
            first, last = GHOSTS * stride, w.shape[-1] - GHOSTS * stride
            pieces = max(1, min(round((last - first) * w.shape[1] / CHUNK), (last - first) // (8 * stride)))
            edges = first + (last - first) * np.arange(pieces + 1) // pieces
            for start, stop in itertools.pairwise(edges.tolist()):
                reach = w[..., start - GHOSTS * stride : stop + GHOSTS * stride]
                rate[..., start:stop] -= self._lost(reach, direction, stride)
        return rate

    def _lost(self, w: np.ndarray, direction: int, stride: int) -> np.ndarray:
        """What leaves cells along a direction in unit time, from W in them and in two more on either side."""
        inner = w[..., stride:-stride]
        half = _half_slopes(w[..., stride:] - w[..., :-stride], stride)
        low, high = inner - half, inner + half
        leaving, entering = self._law.fluxes(high[..., :-stride], low[..., stride:], direction)
        lost = leaving[..., stride:] - entering[..., :-stride]
        more = self._law.within(low[..., stride:-stride], high[..., stride:-stride], direction)
        if more is not None:
            lost[1 + direction] += more
        return lost

    def _speed(self) -> np.ndarray:
        """Largest number of cells, all directions together, that waves cross in unit time, (run,)."""
        speed = len(self._grid.shape) * self._law.waves(self.w)
        for direction in range(len(self._grid.shape)):
            speed += np.abs(self.w[1 + direction])
        return np.asarray(self._by_run(speed).max(axis=1) / self._grid.spacing)

    def _settle(self, state: np.ndarray) -> None:
        self._grid.fill(self._law.tidy(state))

    def _sound(self, w: np.ndarray) -> np.ndarray:
        return np.asarray(self._by_run(self._law.sound(w)).all(axis=1))

    def _by_run(self, values: np.ndarray) -> np.ndarray:
        """Values (run, cell) without those of ghost cells."""
        return self._grid.inner(values).reshape(len(values), -1)

    def _fail(self, where: np.ndarray, reason: str) -> None:
        for run in np.flatnonzero(where & (self.failure == "")):
            self.failure[run] = f"{reason} at t = {self.time[run]:.3g} s"


def _half_slopes(difference: np.ndarray, stride: int) -> np.ndarray:
    """Half the limited change over each cell, from the differences of neighbours (..., cell)."""
    before, after = difference[..., :-stride], difference[..., stride:]
    low, high = np.maximum(before, after), np.minimum(before, after)
    np.minimum(low, 0.0, out=low)  # below it lies the slope where both differences are negative,
    np.maximum(high, 0.0, out=high)  # above it where both are positive; elsewhere it is 0
    half = before + after
    half *= 0.25
    np.maximum(half, low, out=half)
    np.minimum(half, high, out=half)
    return half
