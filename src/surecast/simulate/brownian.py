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

from collections.abc import Iterator

import numpy as np

_ODD = np.uint64(0x9E3779B97F4A7C15)
_WARM_UP = 12
_TOGETHER = 2**16  # normals that are turned into increments at once: few enough to stay in a processor's cache
_PAD = 8  # numbers between the normals of two runs: at distances of powers of two they would share few cache lines


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
    found, places = unordered(seeds, steps, time, component)
    return found[places]


def unordered(seeds: np.ndarray, steps: int, time: float, component: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """`increments` in the order in which they arise, (steps, run), and the row of each step, (steps,).

    Halving writes all first halves, then all second ones: whole blocks, several times faster than every second row.
    """
    found = np.empty((steps, len(seeds)))
    scale = _scale(steps, time)
    start = 0
    for rows in blocks(seeds, steps, component):
        rows *= scale
        tile = np.empty((steps, len(rows)))
        np.copyto(tile, rows.T)
        _halved(tile, found[:, start : start + len(rows)])
        start += len(rows)
    return found, _places(steps)


def blocks(seeds: np.ndarray, count: int, component: int = 0) -> Iterator[np.ndarray]:
    """The first `count` standard normals of each run, (runs of the block, count); the memory is that of the next block.

    Fewer normals of a run are the first of more.
    """
    bits = np.random.SFC64(0)
    state, generator = bits.state, np.random.Generator(bits)
    words = _warm(_words(seeds, component))
    together = max(1, min(_TOGETHER // count, len(seeds)))
    rows = np.empty((together, count + _PAD))[:, :count]
    for start in range(0, len(seeds), together):
        tile = words[start : start + together]
        for row, word in zip(rows, tile, strict=False):
            state["state"]["state"] = word
            bits.state = state
            generator.standard_normal(out=row)
        yield rows[: len(tile)]


def normals(seeds: np.ndarray, count: int, component: int = 0) -> np.ndarray:
    """`blocks` in one array, (run, count)."""
    return np.concatenate([rows.copy() for rows in blocks(seeds, count, component)])


def odd_part(steps: int) -> int:
    """`steps` without its factors of two: where halving starts."""
    return steps // (steps & -steps)


def _scale(steps: int, time: float) -> np.ndarray:
    """What each normal of a run is multiplied by, (steps,), so that halves are sums and differences alone."""
    odd = odd_part(steps)
    scale = np.full(steps, np.sqrt(time / odd) * (odd / steps))
    count = odd
    while count < steps:
        scale[count : 2 * count] *= np.sqrt(count / odd)
        count *= 2
    return scale


def _halved(normals: np.ndarray, out: np.ndarray) -> None:
    """Increments from scaled normals (steps, run), written to `out`: first halves above second ones at every level."""
    steps = len(normals)
    path = normals[: odd_part(steps)]
    while len(path) < steps:
        count = len(path)
        halves = out if 2 * count == steps else np.empty((2 * count, path.shape[1]))
        moved = normals[count : 2 * count]
        np.add(path, moved, out=halves[:count])
        np.subtract(path, moved, out=halves[count:])
        path = halves
    if path is not out:
        out[:] = path


def _places(steps: int) -> np.ndarray:
    """The row of `_halved` of each step."""
    places = np.arange(odd_part(steps))
    while len(places) < steps:
        places = np.stack((places, len(places) + places), axis=1).ravel()
    return places


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


def _warm(words: np.ndarray) -> np.ndarray:
    """States (run, 4) after the draws that are left out; all runs at once, as a call of the generator takes longer."""
    a, b, c, counter = words.T
    for _ in range(_WARM_UP):
        drawn = a + b + counter
        a, b, c = b ^ (b >> np.uint64(11)), c + (c << np.uint64(3)), (c << np.uint64(24)) | (c >> np.uint64(40))
        c += drawn
        counter = counter + np.uint64(1)
    return np.stack((a, b, c, counter), axis=1)
