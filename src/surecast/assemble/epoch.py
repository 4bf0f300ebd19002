"""The order of one epoch: chunks in random order, a few at a time, and the runs of those in random order.

The chunks that hold runs of the split are permuted. Put in that order, chunk by chunk, the runs are cut into as many
equal shares as there are ranks (two shares may meet within a chunk, which both ranks then read). The chunks of a share
are taken in windows, and the runs of a window are permuted: a share that is no larger than the memory is one window,
that is a perfect shuffle; else two windows fill the memory, the one that is given and the one that is read ahead.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Epoch:
    """What one rank reads in one epoch, and in which order.

    Attributes
    ----------
    order : numpy.ndarray
        Its runs, shape ``(share,)``.
    stops : numpy.ndarray
        Where each window ends in `order`, shape ``(windows,)``.
    windows : list of tuple of int
        Numbers of the chunks of each window, ascending.
    """

    order: np.ndarray
    stops: np.ndarray
    windows: list[tuple[int, ...]]

    def window(self, position: int) -> int:
        """The window of a place in `order`."""
        return int(np.searchsorted(self.stops, position, side="right"))


def share(runs: int, rank: int, ranks: int) -> tuple[int, int]:
    """Where the share of a rank starts and stops among so many runs; shares differ by one run at most."""
    return runs * rank // ranks, runs * (rank + 1) // ranks


def plan_epoch(
    runs: np.ndarray, chunk: int, memory: int, stream: np.random.Generator, rank: int = 0, ranks: int = 1
) -> Epoch:
    """Plan an epoch; the permutation of the chunks is that of every rank with an equal stream.

    Parameters
    ----------
    runs : numpy.ndarray
        Numbers of the runs, ascending, at least one a rank.
    chunk : int
        Runs in a chunk.
    memory : int
        Chunks that memory holds.
    stream : numpy.random.Generator
        Where the permutations come from.
    rank, ranks : int
        Which share, of how many.
    """
    owner = runs // chunk
    chunks = stream.permutation(np.unique(owner))
    turn = np.empty(int(owner[-1]) + 1, dtype=np.int64)
    turn[chunks] = np.arange(len(chunks))
    start, stop = share(len(runs), rank, ranks)
    mine = np.sort(np.argsort(turn[owner], kind="stable")[start:stop])  # places in `runs`
    turns = turn[owner[mine]]
    first, end = int(turns.min()), int(turns.max()) + 1
    size = end - first if end - first <= memory else max(1, memory // 2)
    pieces, windows = [], []
    for begin in range(first, end, size):
        pieces.append(stream.permutation(runs[mine[(turns >= begin) & (turns < begin + size)]]))
        windows.append(tuple(np.sort(chunks[begin : min(begin + size, end)]).tolist()))
    return Epoch(np.concatenate(pieces), np.cumsum([len(piece) for piece in pieces]), windows)
