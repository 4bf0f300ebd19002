"""Where a state on equal cells falls below a level for the last time: the outermost position of a front."""

from __future__ import annotations

import numpy as np


def crossing(u: np.ndarray, level: np.ndarray, spacing: float) -> np.ndarray:
    """Position of a level, linear between cell centres.

    Parameters
    ----------
    u : ndarray, shape (run, x)
        Values in the cells.
    level : ndarray, shape (run, 1)
        The level.
    spacing : float
        Width of a cell, m.

    Returns
    -------
    ndarray, shape (run,)
        m; 0 where u lies below the level everywhere, the whole length where it does not in the last cell.
    """
    cells = u.shape[1]
    last = _outermost(u >= level)
    near, far = _values_at(u, last), _values_at(u, last + 1)
    part = (near - level[:, 0]) / np.where(near > far, near - far, 1.0)
    found = np.where(last == cells - 1, cells, last + 0.5 + part) * spacing
    return np.where(last < 0, 0.0, found)


def filled(u: np.ndarray, level: np.ndarray, spacing: float) -> np.ndarray:
    """Position of a front that fills one cell up to the level before the next; see `crossing`.

    The cell at the front tells how far it is filled, from what is in the next one.
    """
    last = _outermost(u > level)
    filling, resting = _values_at(u, last + 1), _values_at(u, last + 2)
    room = level[:, 0] - resting
    part = np.clip((filling - resting) / np.where(room > 0, room, 1.0), 0.0, 1.0)
    return np.where(last < 0, 0.0, np.minimum(last + 1 + part, u.shape[1]) * spacing)


def _outermost(where: np.ndarray) -> np.ndarray:
    """Index of the last cell in which each row of (run, x) is true; -1 where in none."""
    last = where.shape[1] - 1 - np.argmax(where[:, ::-1], axis=1)
    return np.where(where.any(axis=1), last, -1)


def _values_at(u: np.ndarray, cell: np.ndarray) -> np.ndarray:
    """u of one cell of each run, (run,); beyond the ends that of the cell at the end."""
    return np.take_along_axis(u, np.clip(cell, 0, u.shape[1] - 1)[:, None], axis=1)[:, 0]
