"""Runs made in packs that are stored one by one, so that little is lost when the process is killed.

The first pack is small and is timed. From then on a pack takes about `PACK_SECONDS` at most, and where other
processes are allowed and the runs still to make would take longer than `DASK_SECONDS` here, they go through Dask
(`surecast.simulate.workers`). A fast simulator pays for no process. Where the simulator itself makes several runs at
once, a pack holds as many at least. None of this decides a number: a run's bits do not depend on its pack, and whoever
asked puts the runs in order.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

import numpy as np

from surecast.simulate.store import RunStore
from surecast.simulate.workers import Workers
from surecast.study.errors import TimeLimitError
from surecast.study.progress import progress

if TYPE_CHECKING:
    import xarray as xr

RUNS_PER_PACK = 64
"""Runs simulated before they are stored: what an interrupted job loses at most."""
FIRST_PACK = 8
"""Runs of the first pack, by which the simulator is timed."""
PACK_SECONDS = 60.0
"""Time of a pack that slow runs are put into."""
DASK_SECONDS = 10.0
"""Work here, in seconds, above which starting other processes pays."""
SLOW_SECONDS = 0.5
"""Time of a pack above which the store is asked again before it: another question may have made the runs."""
END_SECONDS = 30.0
"""Time left for ending a job that has a time limit."""


class Packs:
    """Maker of runs.

    Parameters
    ----------
    simulate : callable
        From inputs as the simulator sees them to outputs with ``failed`` and ``message``.
    store : RunStore, optional
        Where runs are kept.
    definitions : mapping
        Definitions of the outputs, as `RunStore.find` takes them.
    workers : Workers, optional
        Other processes.
    deadline : float, optional
        Time (seconds since 1970) at which the job is ended from outside.
    least : int
        Runs of a pack at least: those that the simulator makes at once.
    seconds : float, optional
        Time of a run in a pack, s, where it is known beforehand; else the first pack tells.

    Attributes
    ----------
    runs_made : int
        Runs simulated so far.
    """

    def __init__(
        self,
        simulate: Callable[[xr.Dataset], xr.Dataset],
        store: RunStore | None,
        definitions: Mapping[str, str],
        workers: Workers | None,
        deadline: float | None,
        least: int = 1,
        seconds: float | None = None,
    ) -> None:
        self.simulate, self.store, self.definitions = simulate, store, dict(definitions)
        self.workers, self.deadline, self.least = workers, deadline, least
        self.runs_made = 0
        self._seconds = seconds  # of one run, by the last pack made here

    def make(
        self, inputs: xr.Dataset, realised: xr.Dataset, identities: np.ndarray, rows: np.ndarray
    ) -> Iterator[tuple[np.ndarray, xr.Dataset]]:
        """Make runs that are not in the store: rows with their outputs, pack by pack, each in the store by then.

        Parameters
        ----------
        inputs, realised : xarray.Dataset
            Inputs as they are drawn, with their seeds (kept of runs that fail), and as the simulator sees them.
        identities : (run,) array of str
            Identities of all runs in it.
        rows : (n,) array of int
            Which of them to make.

        Raises
        ------
        TimeLimitError
            If the next ones would not be made before the deadline.
        """
        total = len(rows)
        if self.store is not None and total > RUNS_PER_PACK:
            # Jobs that ask for the same runs at the same time begin at different ones, and find each other's.
            rows = np.roll(rows, -RUNS_PER_PACK * (os.getpid() % -(-total // RUNS_PER_PACK)))
        ticks = progress(range(total), "simulating (runs)")
        while len(rows):
            if self.workers is not None and self._seconds is not None and self._seconds * len(rows) > DASK_SECONDS:
                yield from self._shared(self.workers, inputs, realised, identities, rows)
                return
            chosen = rows[: self._size()]
            rows = rows[len(chosen) :]
            yield from self._here(inputs, realised, identities, chosen)
            for _ in zip(chosen, ticks, strict=False):
                pass

    def _here(
        self, inputs: xr.Dataset, realised: xr.Dataset, identities: np.ndarray, chosen: np.ndarray
    ) -> Iterator[tuple[np.ndarray, xr.Dataset]]:
        """One pack, made here; those of its runs that another process has made meanwhile are taken from the store."""
        if self.store is not None and self._seconds is not None and self._seconds * len(chosen) > SLOW_SECONDS:
            blocks, place = self.store.find(identities[chosen], self.definitions)
            found = sorted((place[str(identities[row])], int(row)) for row in chosen if str(identities[row]) in place)
            stop = 0
            for block in blocks:
                start, stop = stop, stop + block.sizes["run"]
                yield np.array([row for _, row in found[start:stop]]), block
            chosen = np.array([row for row in chosen if str(identities[row]) not in place], dtype=np.int64)
        if len(chosen):
            self._require_time(len(chosen))
            begun = time.perf_counter()
            made = self.simulate(realised.isel(run=chosen))
            self._seconds = (time.perf_counter() - begun) / len(chosen)
            self._keep(identities[chosen], made, inputs.isel(run=chosen))
            yield chosen, made

    def _shared(
        self, workers: Workers, inputs: xr.Dataset, realised: xr.Dataset, identities: np.ndarray, rows: np.ndarray
    ) -> Iterator[tuple[np.ndarray, xr.Dataset]]:
        """Packs made by other processes, in a fixed order; each is stored as it finishes."""
        size = max(1, min(self._size(), len(rows) // (4 * workers.count)))
        packs = [rows[start : start + size] for start in range(0, len(rows), size)]
        finished: dict[int, xr.Dataset] = {}
        ticks = iter(progress(range(len(packs)), "simulating (packs of runs, by Dask)"))

        def done(number: int, made: xr.Dataset) -> None:
            self._keep(identities[packs[number]], made, inputs.isel(run=packs[number]))
            finished[number] = made
            next(ticks, None)
            if len(finished) < len(packs):
                self._require_time(size)

        self._require_time(size)
        workers.simulate([realised.isel(run=chosen) for chosen in packs], done)
        yield from ((chosen, finished[number]) for number, chosen in enumerate(packs))

    def _keep(self, identities: np.ndarray, made: xr.Dataset, inputs: xr.Dataset) -> None:
        if self.store is not None:
            self.store.add(identities, made, inputs)
        self.runs_made += len(identities)

    def _size(self) -> int:
        runs = FIRST_PACK if self._seconds is None else int(PACK_SECONDS / max(self._seconds, 1e-9))
        runs = min(runs, RUNS_PER_PACK)
        return max(self.least, runs - runs % self.least)

    def _require_time(self, runs: int) -> None:
        """Raise `TimeLimitError` if so many runs, half as slow again as the last, would end after the deadline."""
        if self.deadline is None:
            return
        needed = END_SECONDS + 1.5 * runs * (self._seconds or 0.0)
        if time.time() + needed > self.deadline:
            raise TimeLimitError(
                f"the time limit of the job is near: {self.runs_made} new runs are in the run store.",
                "run it again: it goes on from there (the Slurm profile does so by itself, `retries`).",
            )
