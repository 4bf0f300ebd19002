"""Runs shared out to servers: each takes the next as soon as it is free, and answers stand in the order of the runs.

    connection lost    the run waits for its server, asked again after 0.1, 0.2, 0.4 ... 5 s, up to `patience`
    server gone        after that; another one takes the run over
    run failed         answered with an error or with garbage, not in time, or with the connection lost again after
                       `patience`, though a server is there: it may be what brings servers down
    all servers gone   one error

Which server answered, and in what order, decides nothing but the time.
"""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence

from surecast.simulate.umbridge_protocol import ABOUT_SECONDS, BadAnswer, ConnectionLost, Server, Sizes, Vectors
from surecast.study.component import Problem
from surecast.study.errors import SimulationError

FIRST_PAUSE, LONGEST_PAUSE = 0.1, 5.0


def share_out(
    servers: Sequence[Server],
    runs: Sequence[Vectors],
    misfit: Callable[[Sizes], Problem | None],
    patience: float,
    at_once: int | None = None,
) -> list[Vectors | str]:
    """Evaluate runs.

    Parameters
    ----------
    servers : sequence of Server
        Each works on one run at a time, in a thread of its own.
    runs : sequence of list of list of float
        Input vectors of each run.
    misfit : callable
        Why sizes that a server declares are not what they should be, None if they are.
    patience : float
        Seconds that a server may be away before it is given up, and a run be tried again.
    at_once : int, optional
        Evaluations under way at any time at most; default: one a server.

    Returns
    -------
    list
        Output vectors of each run, or why it failed, in the order of `runs`.

    Raises
    ------
    SimulationError
        If no server is left, or one serves another model than was expected.
    """
    return _Sharing(runs, misfit, patience, at_once or len(servers)).by(servers) if runs else []


class _Sharing:
    """What the threads have in common; `_lock` guards all of it."""

    def __init__(
        self, runs: Sequence[Vectors], misfit: Callable[[Sizes], Problem | None], patience: float, at_once: int
    ) -> None:
        self.runs, self.misfit, self.patience = runs, misfit, patience
        self._evaluations = threading.BoundedSemaphore(at_once)
        self._sizes: Sizes | None = None  # that all servers declare
        self._waiting = deque(range(len(runs)))
        self._losses: dict[int, tuple[float, int]] = {}  # of a run: when the connection was lost first, and how often
        self._answers: dict[int, Vectors | str] = {}
        self._problem: BaseException | None = None
        self._gone: dict[str, str] = {}
        self._working = 0
        self._lock = threading.Condition()
        self._over = threading.Event()

    def by(self, servers: Sequence[Server]) -> list[Vectors | str]:
        # Jobs that run side by side begin with different servers.
        first = os.getpid() % len(servers)
        self._working = len(servers)
        try:
            for server in [*servers[first:], *servers[:first]]:
                threading.Thread(target=self._work, args=(server,), daemon=True).start()
            with self._lock:
                self._lock.wait_for(lambda: self._over.is_set() or not self._working)
        finally:  # also where somebody presses Ctrl-C
            self._finish()
        if self._problem is not None:
            raise self._problem
        if len(self._answers) < len(self.runs):
            told = "; ".join(f"{url}: {why}" for url, why in self._gone.items())
            raise SimulationError(
                f"no UM-Bridge server answers any more, after {self.patience:g} s of trying ({told}).",
                "start it again, or correct simulator.url, and repeat the call: runs that are stored are not repeated.",
            )
        return [self._answers[run] for run in range(len(self.runs))]

    def _work(self, server: Server) -> None:
        try:
            sizes = self._wait_for(server)
            while (run := self._next()) is not None:
                self._settle(server, run, sizes)
        except ConnectionLost as lost:
            with self._lock:
                self._gone[server.url] = str(lost)
        except BaseException as error:  # raised again where somebody can see it
            with self._lock:
                self._problem = self._problem or error
            self._finish()
        finally:
            server.close()
            with self._lock:
                self._working -= 1
                self._lock.notify_all()

    def _next(self) -> int | None:
        """The next run; None when all are done. A run that is under way elsewhere may come back."""
        with self._lock:
            while not self._waiting and not self._over.is_set():
                self._lock.wait()
            return None if self._over.is_set() else self._waiting.popleft()

    def _settle(self, server: Server, run: int, sizes: Sizes) -> None:
        """Evaluate a run, or give it back where its server is gone (`ConnectionLost`)."""
        while True:
            try:
                with self._evaluations:
                    found = server.evaluate(self.runs[run], sizes.outputs)
                self._answer(run, found)
                return
            except BadAnswer as bad:
                self._answer(run, str(bad))
                return
            except ConnectionLost as lost:
                begun, times = self._losses.get(run, (time.monotonic(), 0))
                if times and time.monotonic() > begun + self.patience:
                    self._answer(run, f"the connection was lost for {self.patience:g} s of trying ({lost})")
                    return
                self._losses[run] = begun, times + 1
                try:
                    self._over.wait(min(FIRST_PAUSE * 2**times, LONGEST_PAUSE))
                    self._wait_for(server)
                except ConnectionLost:
                    with self._lock:
                        self._waiting.appendleft(run)
                        self._lock.notify_all()
                    raise

    def _wait_for(self, server: Server) -> Sizes:
        """What the server declares, once it answers; `ConnectionLost` when it is given up."""
        end, pause = time.monotonic() + self.patience, FIRST_PAUSE
        while True:
            try:
                # A server of one thread says nothing while it evaluates another job's run.
                found = server.sizes(max(ABOUT_SECONDS, server.time_limit))
                break
            except ConnectionLost:
                if time.monotonic() + pause > end or self._over.wait(pause):
                    raise
                pause = min(2 * pause, LONGEST_PAUSE)
            except BadAnswer as bad:
                raise _wrong(server, f"does not serve the model: {bad}") from bad
        with self._lock:
            self._sizes = self._sizes or found
        if found != self._sizes:
            raise _wrong(server, f"declares {found}, another one {self._sizes}")
        if fault := self.misfit(found):
            raise _wrong(server, f"does not fit the study: {fault[1].rstrip('.')}")
        return found

    def _answer(self, run: int, answer: Vectors | str) -> None:
        with self._lock:
            self._answers[run] = answer
            done = len(self._answers) == len(self.runs)
        if done:
            self._finish()

    def _finish(self) -> None:
        self._over.set()
        with self._lock:
            self._lock.notify_all()


def _wrong(server: Server, what: str) -> SimulationError:
    return SimulationError(
        f"the UM-Bridge server {server.url} {what}.",
        "run `surecast check` on the study, and correct its simulator, or the server.",
    )
