r"""Brownian increments of runs, each from its own seed; paths of steps that halve one another are one path.

The first normals of a run make the increments of `odd` steps, steps = odd 2^l. Every further level halves all steps by
Lévy's midpoint: given an increment w over a time h, that over its first half is normal with mean w/2 and variance h/4,

    w/2 + sqrt(h) z/2,   z standard normal,   and the second is the rest.

So the path by 2 n steps, summed in pairs, is the path by n steps: multilevel estimators and the discretisation error
ask for that.

Bits are those of the generator SFC64, whose three words are SplitMix64 of the seed (Steele, Lea and Flood 2014, Proc.
OOPSLA) and whose first twelve draws are left out, as where NumPy seeds it. Each of its words makes two normals, by Box
and Muller (1958, Ann. Math. Stat. 29):

    sqrt(-2 log u) cos(a), sqrt(-2 log u) sin(a),   u uniform on (0, 1) and a on (-pi, pi), by half of the word each

in single precision, as NumPy has vector instructions for these functions in that alone: a normal is off by some 1e-6
and never beyond 6.8, which has the probability 1e-11. Its last digit may be another on a processor with other vector
instructions. Paths are sums in double precision.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

_ODD = np.uint64(0x9E3779B97F4A7C15)
_WARM_UP = 12
_MANY = 1000  # runs beyond which a word of all of them at a time is faster than NumPy's generator, run by run
_TOGETHER = 2**13  # words that are turned into normals at once: few enough to stay in a processor's cache
_PIECE = 32  # steps of a piece

_HALF, _UNIT, _TURN = np.float32(0.5), np.float32(2.0**-32), np.float32(np.pi / 2**31)
_MINUS_TWO = np.float32(-2)
_SHIFT_3, _SHIFT_11, _SHIFT_24, _SHIFT_40, _ONE = (np.array(n, dtype=np.uint64) for n in (3, 11, 24, 40, 1))


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
    return np.concatenate([piece.copy() for piece in pieces(seeds, steps, time, component)])


def pieces(seeds: np.ndarray, steps: int, time: float, component: int = 0) -> Iterator[np.ndarray]:
    """`increments` in pieces of some steps, in order; the memory is that of the next piece.

    Only a piece at a time is halved down to single steps, which then lie in the processor's cache for who takes them.
    """
    drawn = by_step(seeds, steps, component)
    count = odd_part(steps)
    path = np.multiply(drawn[:count], _scale(count, steps, time), dtype=np.float64)
    each = min(_PIECE, steps // count)  # steps that an interval is halved into within a piece
    while count * each < steps:
        finer = np.empty((2 * count, len(seeds)))
        _halve(path, drawn[count : 2 * count], _scale(count, steps, time), finer)
        path, count = finer, 2 * count
    together = min(count, _PIECE // each)
    levels = each.bit_length() - 1
    room = [np.empty((together * 2**level, len(seeds))) for level in range(1, levels + 1)]
    for start in range(0, count, together):
        piece = path[start : start + together]
        for level, memory in enumerate(room):
            intervals, first = count * 2**level, start * 2**level
            finer = memory[: 2 * len(piece)]
            moved = drawn[intervals + first : intervals + first + len(piece)]
            _halve(piece, moved, _scale(intervals, steps, time), finer)
            piece = finer
        yield piece


def normals(seeds: np.ndarray, count: int, component: int = 0) -> np.ndarray:
    """The first `count` standard normals of each run, (run, count); fewer are the first of more."""
    return np.ascontiguousarray(by_step(seeds, count, component).T, dtype=np.float64)


def by_step(seeds: np.ndarray, count: int, component: int = 0) -> np.ndarray:
    """`normals` of all runs one after the other, (count, run), in single precision."""
    states = _warm(_words(seeds, component))
    pairs = (count + 1) // 2
    found = np.empty((2 * pairs, len(seeds)), dtype=np.float32)
    start = 0
    for words in (_side_by_side if len(seeds) > min(count, _MANY) else _one_by_one)(states, pairs):
        _box_muller(words, found[start : start + 2 * len(words)])
        start += 2 * len(words)
    return found[:count]


def odd_part(steps: int) -> int:
    """`steps` without its factors of two: where halving starts."""
    return steps // (steps & -steps)


def _scale(intervals: int, steps: int, time: float) -> np.float64:
    """What normals that halve intervals are multiplied by, so that halves are sums and differences alone."""
    return np.float64(np.sqrt(time / intervals) * (intervals / steps))


def _halve(path: np.ndarray, drawn: np.ndarray, scale: np.float64, out: np.ndarray) -> None:
    """Scaled increments of twice the intervals, from those of `path` and as many normals."""
    first, second = out[0::2], out[1::2]
    np.copyto(second, drawn)
    second *= scale
    np.add(path, second, out=first)
    np.subtract(path, second, out=second)


def _box_muller(words: np.ndarray, out: np.ndarray) -> None:
    """Normals (2 n, run) from words (n, run): a word makes two that follow one another."""
    halves = words.view(np.uint32).reshape(*words.shape, 2)
    radius = halves[..., 1].astype(np.float32)
    radius += _HALF
    radius *= _UNIT
    np.log(radius, out=radius)
    radius *= _MINUS_TWO
    np.sqrt(radius, out=radius)
    angle = halves[..., 0].view(np.int32).astype(np.float32)
    angle *= _TURN
    np.multiply(radius, np.cos(angle), out=out[0::2])
    np.multiply(radius, np.sin(angle, out=angle), out=out[1::2])


def _side_by_side(states: np.ndarray, count: int) -> Iterator[np.ndarray]:
    """The first words of SFC64 from states (run, 4), a word of all runs at a time; (words of the block, run)."""
    a, b, c, counter = states.T.copy()
    spare = np.empty_like(a)
    together = min(count, max(1, _TOGETHER // len(states)))
    words = np.empty((together, len(states)), dtype=np.uint64)
    for start in range(0, count, together):
        block = words[: count - start]
        for word in block:
            np.add(a, b, out=word)
            word += counter
            counter += _ONE
            np.right_shift(b, _SHIFT_11, out=a)
            a ^= b
            np.left_shift(c, _SHIFT_3, out=b)
            b += c
            np.left_shift(c, _SHIFT_24, out=spare)
            c >>= _SHIFT_40
            c |= spare
            c += word
        yield block


def _one_by_one(states: np.ndarray, count: int) -> Iterator[np.ndarray]:
    """`_side_by_side` by NumPy's generator, all words of a run at a time."""
    bits = np.random.SFC64(0)
    state = bits.state
    found = np.empty((len(states), count), dtype=np.uint64)
    for row, word in zip(found, states, strict=True):
        state["state"]["state"] = word
        bits.state = state
        row[:] = bits.random_raw(count)
    together = max(1, _TOGETHER // len(states))
    for start in range(0, count, together):
        yield np.ascontiguousarray(found[:, start : start + together].T)


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
