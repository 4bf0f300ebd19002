"""Packs of runs by Dask: in processes of this machine, or by the workers of a Dask scheduler.

Every worker is a process with one thread, and a run's bits do not depend on the pack it is in, so that neither
the number of workers nor their order decides a number. The packs are handed over as they finish; whoever asked
keeps them at once, and puts them in order at the end.
"""

from __future__ import annotations

import contextlib
import functools
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any

from surecast.study.digest import canonical_json
from surecast.study.errors import SimulationError

if TYPE_CHECKING:
    import xarray as xr

    from surecast.study.model import Study

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")
CONNECT_SECONDS = 60


class Workers:
    """Where packs are simulated.

    Parameters
    ----------
    study : Study
        The study; workers read it from its content, the user's modules from its folder.
    outputs : sequence of str
        Outputs to keep.
    count : int
        Local processes.
    scheduler : str, optional
        Address of a Dask scheduler, for example ``tcp://10.0.0.5:8786``, in place of local processes. Its workers
        need this version of surecast and the study's folder under the same path.
    """

    def __init__(self, study: Study, outputs: Sequence[str], count: int, scheduler: str | None = None) -> None:
        self._study = (canonical_json(study.content), str(study.file), tuple(outputs))
        self.count, self.scheduler = count, scheduler
        self._pool: ProcessPoolExecutor | None = None
        self._client: Any = None

    @property
    def runs_per_call(self) -> int:
        """Runs to ask for at once, so that all workers have something to do."""
        return 2048 if self.scheduler else min(256 * self.count, 2048)

    def simulate(self, packs: Sequence[xr.Dataset], done: Callable[[int, xr.Dataset], None]) -> None:
        """Simulate packs and hand each to `done`, with its place, as it finishes.

        Parameters
        ----------
        packs : sequence of xarray.Dataset
            Inputs as the simulator sees them, dimension ``run``.
        done : callable
            Called in this process; what it raises ends the work.

        Raises
        ------
        SimulationError
            If the scheduler cannot be reached, or the simulator refuses its inputs.
        """
        calls = [partial(_simulate_pack, *self._study, [pack]) for pack in packs]
        if self.scheduler is None:
            self._locally(calls, done)
        else:
            self._remotely(calls, done)

    def submit(self, pack: xr.Dataset) -> Future[xr.Dataset]:
        """Begin to simulate a pack in a local process, and do not wait for it."""
        with _alone():
            return self._processes().submit(_simulate_pack, *self._study, [pack])

    def close(self, wait: bool = False) -> None:
        """End the processes, or the connection, and wait for them if asked; packs not yet begun are given up."""
        if self._pool is not None:
            self._pool.shutdown(wait=wait, cancel_futures=True)
            self._pool = None
        if self._client is not None:
            self._client.close()
            self._client = None

    def _locally(self, calls: Sequence[Callable[[], xr.Dataset]], done: Callable[[int, xr.Dataset], None]) -> None:
        import dask
        from dask.callbacks import Callback
        from dask.multiprocessing import get

        def kept(key: Any, result: Any, *_: Any) -> None:
            done(int(str(key).removeprefix("pack-")), result)

        with _alone():
            pool = self._processes()
            tasks = [dask.delayed(call, pure=False)(dask_key_name=f"pack-{place}") for place, call in enumerate(calls)]
            try:
                with Callback(posttask=kept):
                    dask.compute(*tasks, scheduler=get, pool=pool, chunksize=1)
            except BaseException:
                self.close()
                raise

    def _processes(self) -> ProcessPoolExecutor:
        import multiprocessing

        if self._pool is None:
            context = multiprocessing.get_context("spawn")
            self._pool = ProcessPoolExecutor(self.count, context, _end_with_parent, (os.getpid(),))
        return self._pool

    def _remotely(self, calls: Sequence[Callable[[], xr.Dataset]], done: Callable[[int, xr.Dataset], None]) -> None:
        from distributed import Client, as_completed

        if self._client is None:
            try:
                self._client = Client(self.scheduler, timeout=CONNECT_SECONDS)
            except (OSError, ValueError) as error:
                raise SimulationError(
                    f"the Dask scheduler {self.scheduler} cannot be reached ({error}).",
                    "start it with `dask scheduler`, correct the address, or leave it out to use local processes.",
                ) from error
        futures = {self._client.submit(call, pure=False): place for place, call in enumerate(calls)}
        try:
            for future in as_completed(futures):
                done(futures[future], future.result())
        except BaseException:
            self._client.cancel(list(futures))
            raise


@functools.lru_cache(maxsize=4)
def _truth(content: str, file: str, outputs: tuple[str, ...]) -> Any:
    import json

    from surecast.simulate.truth import Truth
    from surecast.study.model import Study

    return Truth(Study.from_content(json.loads(content), file), outputs=outputs)


def _simulate_pack(content: str, file: str, outputs: tuple[str, ...], pack: list[xr.Dataset]) -> xr.Dataset:
    # In a list, since Dask would search a Dataset for collections of its own.
    made: xr.Dataset = _truth(content, file, outputs).simulate(pack[0])
    return made


def _end_with_parent(parent: int) -> None:
    """End this process when the one that started it is gone: after a `kill -9` nothing must go on running."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    """Processes started here have one thread each, and do not run the main script again, as `spawn` would."""
    main = sys.modules["__main__"]
    hidden: dict[str, Any] = {
        name: main.__dict__.pop(name) for name in ("__file__", "__spec__") if name in main.__dict__
    }
    main.__spec__ = None
    before = {name: os.environ.get(name) for name in THREADS}
    os.environ.update(dict.fromkeys(THREADS, "1"))
    try:
        yield
    finally:
        main.__dict__.update(hidden)
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
