r"""Brownian increments of runs, each from its own seed; paths of steps that halve one another are one path.

The first normals of a run make the increments of `odd` steps, steps = odd 2^l. Every further level halves all steps by
Lévy's midpoint: given an increment w over a time h, that over its first half is normal with mean w/2 and variance h/4,

    w/2 + sqrt(h) z/2,   z standard normal,   and the second is the rest.

So the path by 2 n steps, summed in pairs, is the path by n steps: multilevel estimators and the discretisation error
ask for that.

Normals are NumPy's, of the generator SFC64 whose three words are SplitMix64 of the seed (Steele, Lea and Flood 2014,
Proc. OOPSLA) and whose first twelve draws are left out, as where NumPy seeds it: spreading a seed by
`numpy.random.SeedSequence` takes longer than a thousand normals.
"""

from __future__ import annotations

import numpy as np

_ODD = np.uint64(0x9E3779B97F4A7C15)
_WARM_UP = 12
_TOGETHER = 2**16  # normals that are turned into increments at once: few enough to stay in a processor's cache


def increments(seeds: np.ndarray, steps: int, time: float, component: int = 0) -> np.ndarray:
    """W(t_k) - W(t_{k-1}) of independent Brownian motions, t_k = k time/steps.

    Parameters
    ----------
    seeds : (run,) array of int
        Seed of each run, not negative.
    steps : int
    time : float
        s.
    component : int
        Which of the motions of a run: 0, 1, ...

    Returns
    -------
    (steps, run) array, in s^(1/2).
    """
    found = np.empty((steps, len(seeds)))
    bits = np.random.SFC64(0)
    state, generator = bits.state, np.random.Generator(bits)
    words = _words(seeds, component)
    together = max(1, min(_TOGETHER // steps, len(seeds)))
    rows = np.empty((together, steps))
    for start in range(0, len(seeds), together):
        tile = words[start : start + together]
        for row, word in zip(rows, tile, strict=False):
            state["state"]["state"] = word
            bits.state = state
            bits.random_raw(_WARM_UP)
            generator.standard_normal(out=row)
        _halved(rows[: len(tile)].T, time, found[:, start : start + together])
    return found


def _halved(normals: np.ndarray, time: float, out: np.ndarray) -> None:
    """Increments (steps, run) from normals (steps, run), written to `out`."""
    steps = len(normals)
    odd = steps // (steps & -steps)
    step = time / odd
    path = np.sqrt(step) * normals[:odd]
    while len(path) < steps:
        count = len(path)
        halves = out if 2 * count == steps else np.empty((2 * count, path.shape[1]))
        first, second = halves[::2], halves[1::2]
        moved = normals[count : 2 * count] * (0.5 * np.sqrt(step))
        path *= 0.5
        np.add(path, moved, out=first)
        np.subtract(path, moved, out=second)
        path, step = halves, 0.5 * step
    if path is not out:
        out[:] = path


def _words(seeds: np.ndarray, component: int) -> np.ndarray:
    """State (run, 4) of SFC64: three words of SplitMix64, and its counter."""
    start = np.asarray(seeds).astype(np.uint64) + np.uint64(component) * np.uint64(0xD1342543DE82EF95)
    found = np.ones((len(start), 4), dtype=np.uint64)
    for place in range(3):
        start = start + _ODD
        word = (start ^ (start >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        word = (word ^ (word >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        found[:, place] = word ^ (word >> np.uint64(31))
    return found
