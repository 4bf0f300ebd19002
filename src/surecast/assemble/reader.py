"""Shuffled batches of one split, read ahead chunk by chunk, with a position that can be saved.

Every pass over the split (epoch) has an order of its own (`surecast.assemble.epoch`): each chunk is read once an epoch
and by one rank, but for a chunk that two ranks share; a dataset that fits into the memory is read once. Order and
batches follow from the seed, the epoch and the arguments alone, never from the machine or the number of workers. While
the batches of one window of chunks are given, workers read and check those of the next, and no further: memory is two
windows, whatever the size of the dataset.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from surecast.assemble.contents import SPLIT_FLAGS
from surecast.assemble.epoch import Epoch, plan_epoch, share
from surecast.assemble.layout import MIB
from surecast.assemble.manifest import Manifest
from surecast.assemble.mapped_store import MappedStore
from surecast.study import seeds
from surecast.study.errors import DataError

_Chunk = list[np.ndarray]
"""Every variable of the runs of one chunk."""


class BatchReader:
    """An endless iterator of batches.

    Parameters
    ----------
    manifest : str or Path
        ``dataset.json``.
    variables : sequence of str
        What a batch holds.
    split : {"train", "validation", "test"}
        Which runs; those that failed are left out.
    batch : int
        Runs in a batch; a share of fewer runs gives batches of all of them.
    seed : int
        Seed of the order.
    memory_mib : float
        Most that is held of the dataset, beside the batches; a window has one chunk of the largest variable at least.
    workers : int
        Threads that read ahead; without any, a window is read when its first batch is asked for.
    rank, ranks : int
        Which share of every epoch this reader gives, of how many: equal ones but for one run, all runs together.
    drop_last : bool
        Whether runs that are left at the end of an epoch, fewer than `batch`, are skipped in that epoch; all ranks
        then have as many batches. Else they are a smaller batch.

    Attributes
    ----------
    runs : numpy.ndarray
        Numbers of the runs of the split that did not fail, ascending, those of all ranks.
    epoch, position : int
        Where the iterator stands: the epoch, and the number of its batches that have been given.

    Raises
    ------
    DataError
        If there is no such variable, split or rank, or no run for each rank; at reading, if a chunk has changed.
    """

    def __init__(
        self,
        manifest: str | Path,
        variables: Sequence[str],
        split: str,
        batch: int,
        seed: int,
        memory_mib: float = 256.0,
        workers: int = 1,
        rank: int = 0,
        ranks: int = 1,
        drop_last: bool = True,
    ) -> None:
        self._manifest = Manifest.read(manifest)
        self._store = MappedStore(self._manifest)
        layouts = [self._manifest.layout(name) for name in variables]
        if not layouts:
            raise DataError("a batch of no variables was asked for.", "name at least one variable.")
        if not 0 <= rank < ranks:
            raise DataError(f"there is no rank {rank} of {ranks}.", "count ranks from 0.")
        if not (workers >= 0 and memory_mib > 0):
            raise DataError(
                f"{workers} workers and {memory_mib} MiB of memory were asked for.",
                "use 0 workers or more, and some memory.",
            )
        self.variables, self.split, self.seed = tuple(variables), split, seed
        self.rank, self.ranks, self.drop_last = rank, ranks, drop_last
        self.runs = self._good_runs(split)
        self.batch = min(batch, len(self.runs) // ranks)
        if self.batch < 1:
            raise DataError(
                f"batches of {batch} of {len(self.runs)} {split} runs were asked for by {ranks} ranks.",
                "use batches of at least one run, and no more ranks than runs.",
            )
        self._chunk = max(layouts, key=lambda layout: layout.bytes_per_run).chunk
        chunk_bytes = sum(layout.bytes_per_run for layout in layouts) * self._chunk
        self._chunks_in_memory = max(1, int(memory_mib * MIB) // max(1, chunk_bytes))
        self.epoch = self.position = 0
        self._planned: dict[int, Epoch] = {}
        self._pool = ThreadPoolExecutor(workers, "batches") if workers > 0 else None
        self._windows: dict[tuple[int, ...], list[Future[_Chunk]]] = {}
        self._held: dict[int, _Chunk] = {}
        self._at: tuple[int, int, int] | None = None

    @property
    def batches_per_epoch(self) -> int:
        """Number of batches in one epoch of this rank."""
        if self.drop_last:
            return len(self.runs) // self.ranks // self.batch
        start, stop = share(len(self.runs), self.rank, self.ranks)
        return -(-(stop - start) // self.batch)

    def __iter__(self) -> BatchReader:
        return self

    def __next__(self) -> dict[str, np.ndarray]:
        """The next batch: ``run`` (batch,), the numbers of its runs, and every variable, shape ``(batch, ...)``."""
        if self.position >= self.batches_per_epoch:
            self.epoch, self.position = self.epoch + 1, 0
        epoch = self._plan(self.epoch)
        start = self.position * self.batch
        rows = epoch.order[start : start + self.batch].copy()
        self._go_to(epoch.window(start), epoch.window(start + len(rows) - 1))
        found = {"run": rows, **self._gather(rows)}
        self.position += 1
        return found

    def state_dict(self) -> dict[str, Any]:
        """Position and everything that the order follows from, as JSON values."""
        return {"epoch": self.epoch, "position": self.position, **self._identity()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a saved position.

        Raises
        ------
        DataError
            If it was saved by a reader with other arguments or of another dataset.
        """
        for key, value in self._identity().items():
            if state.get(key) != value:
                raise DataError(
                    f"the saved position is of a reader with {key} {state.get(key)!r}, this one has {value!r}.",
                    "delete the checkpoint: the training has to start again.",
                )
        self.epoch, self.position = int(state["epoch"]), int(state["position"])

    def _identity(self) -> dict[str, Any]:
        return {
            "split": self.split,
            "batch": self.batch,
            "seed": self.seed,
            "variables": list(self.variables),
            "chunks_in_memory": self._chunks_in_memory,
            "rank": self.rank,
            "ranks": self.ranks,
            "drop_last": self.drop_last,
            "dataset": self._manifest.digest,
        }

    def _good_runs(self, split: str) -> np.ndarray:
        if split not in SPLIT_FLAGS:
            raise DataError(f"there is no split {split!r}.", "use train, validation or test.")
        everything = np.arange(int(self._manifest.content["runs"]))
        wanted = self._store.rows("split", everything) == SPLIT_FLAGS[split]
        runs = np.flatnonzero(wanted & (self._store.rows("failed", everything) == 0))
        if not runs.size:
            raise DataError(
                f"the dataset has no {split} run that did not fail.", f"raise design.{split}, or see why they failed."
            )
        return runs

    def _plan(self, number: int) -> Epoch:
        """The plan of this epoch or the next."""
        if number not in self._planned:
            self._planned = {key: known for key, known in self._planned.items() if key == self.epoch}
            stream = seeds.generator(self.seed, "batches", self.split, number)
            self._planned[number] = plan_epoch(
                self.runs, self._chunk, self._chunks_in_memory, stream, self.rank, self.ranks
            )
        return self._planned[number]

    def _go_to(self, first: int, last: int) -> None:
        """Have the windows `first` to `last` of this epoch in memory, the one after them coming, and no other."""
        epoch = self._plan(self.epoch)
        if self._at == (self.epoch, first, last):
            return
        self._at = None  # until all is there: an error may come
        needed = epoch.windows[first : last + 1]
        wanted = list(needed)
        if self._pool is not None and first == last:
            wanted.append((epoch.windows[last + 1 :] or self._plan(self.epoch + 1).windows)[0])
        for window in [window for window in self._windows if window not in wanted]:
            self._leave(window, keep={chunk for other in wanted for chunk in other})
        for window in wanted:
            if window not in self._windows:
                self._windows[window] = [self._submit(chunk) for chunk in window]
        for window in needed:
            self._held |= {chunk: coming.result() for chunk, coming in zip(window, self._windows[window], strict=True)}
        self._at = (self.epoch, first, last)

    def _submit(self, chunk: int) -> Future[_Chunk]:
        if self._pool is not None:
            return self._pool.submit(self._fetch, chunk)
        here: Future[_Chunk] = Future()
        here.set_result(self._fetch(chunk))
        return here

    def _leave(self, window: tuple[int, ...], keep: set[int]) -> None:
        for coming in self._windows.pop(window):
            if not coming.cancel():
                coming.exception()  # waits: what is being read could not be given back; an error was raised, or is moot
        for chunk in set(window) - keep:
            self._held.pop(chunk, None)
            for name in self.variables:
                self._store.release(name, *self._range(name, chunk))

    def _fetch(self, chunk: int) -> _Chunk:
        return [self._store.fetch(name, *self._range(name, chunk)) for name in self.variables]

    def _range(self, name: str, chunk: int) -> tuple[int, int]:
        """Runs of a chunk."""
        return chunk * self._chunk, min((chunk + 1) * self._chunk, self._manifest.layout(name).shape[0])

    def _gather(self, rows: np.ndarray) -> dict[str, np.ndarray]:
        """Variables of some runs whose chunks are held."""
        spots = [divmod(run, self._chunk) for run in rows.tolist()]
        return {
            name: np.concatenate([self._held[chunk][number][row : row + 1] for chunk, row in spots])
            for number, name in enumerate(self.variables)
        }
