"""Batches of a training that simulates as it goes: runs come, a buffer keeps some of them, batches are drawn from it.

Which runs have come before a step is the only thing that a machine could decide. With steady arrivals it is a stated
function of the step; with free ones it is written down, and the same count of runs before every step gives the same
batches, because runs come in the order of their numbers and the buffer's own choices follow from a seed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from surecast.simulate.gates import stop_if_too_many
from surecast.study.errors import TrainingError
from surecast.study.seeds import generator
from surecast.train.online.buffers import BUFFERS, Buffer
from surecast.train.online.fresh_runs import FreshRun, FreshRuns

if TYPE_CHECKING:
    import xarray as xr

    from surecast.train.online.settings import Online


class OnlineBatches:
    """An endless iterator of batches, each a mapping of arrays (batch, ...), see `surecast.train.loop.Batches`.

    Parameters
    ----------
    runs : FreshRuns
        Where runs come from.
    online : Online
        Capacity, buffer and arrivals.
    batch, steps : int
        Runs in a batch, and batches of the training.
    replay : sequence of int, optional
        Runs that had come before each step of an earlier training.

    Attributes
    ----------
    arrived : list of int
        Runs that had come before each step so far: the log that a replay follows.
    failed : int
        Those of them that failed, and are in no batch.

    Raises
    ------
    TrainingError
        If the log to replay is of another number of steps or runs; at a batch, if too few runs are left.
    SimulationError
        At a batch, if more than the study's share of runs failed.
    """

    def __init__(
        self, runs: FreshRuns, online: Online, batch: int, steps: int, replay: Sequence[int] | None = None
    ) -> None:
        self.runs, self.online, self.batch, self.steps = runs, online, batch, steps
        self._log = None if replay is None else _checked(replay, steps, runs.total)
        stream = generator(runs.seed, "buffer")
        self._buffer: Buffer = BUFFERS[online.buffer](online.capacity, stream)
        self._values: dict[int, dict[str, np.ndarray]] = {}
        self._failures: list[xr.Dataset] = []
        self.arrived: list[int] = []

    @property
    def failed(self) -> int:
        """Number of runs that failed."""
        return len(self._failures)

    def __next__(self) -> dict[str, np.ndarray]:
        self._arrive(len(self.arrived))
        drawn, gone = self._buffer.draw(self.batch)
        values = [self._values[run] for run in drawn]
        batch = {name: np.stack([value[name] for value in values]) for name in values[0]}
        for run in gone:
            del self._values[run]
        return batch

    def state_dict(self) -> dict[str, Any]:
        """Numbers only: the runs themselves are made again."""
        failures = [int(failure["run"].values[0]) for failure in self._failures]
        return {
            "arrived": self.arrived,
            "next": self.runs.next,
            "failed": failures,
            "buffer": self._buffer.state_dict(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on where `state_dict` was asked, the runs in memory simulated once more."""
        self.arrived = list(state["arrived"])
        self._buffer.load_state_dict(state["buffer"])
        self.runs.skip_to(int(state["next"]))
        self._values = {run.number: run.values for run in self.runs.again(self._buffer.held)}
        self._failures = [run.failed for run in self.runs.again(state["failed"]) if run.failed is not None]

    def close(self) -> None:
        """End the processes that simulate."""
        self.runs.close()

    def _arrive(self, step: int) -> None:
        """Let runs come until there are as many as this step is to have."""
        first = self.online.first(self.batch)
        if self._log is not None:
            while self.runs.next < self._log[step]:
                if not self._buffer.accepts():
                    raise TrainingError(
                        f"the arrivals to replay bring run {self.runs.next} before step {step + 1}, where the buffer "
                        f"of {self.online.capacity} runs has no room.",
                        "replay a training of the same online.capacity, online.buffer and batch.",
                    )
                self._take()
        elif self.online.arrivals == "free":
            while (len(self._buffer) < first and not self.arrived) or (self._buffer.accepts() and self.runs.ready()):
                if self.runs.next == self.runs.total:
                    break
                self._take()
        else:
            due = min(self.runs.total, first + (self.runs.total - first) * step // max(1, self.steps - 1))
            while self.runs.next < due and self._buffer.accepts():
                self._take()
        # A run that failed, and a queue that is emptied faster than runs come, leave too few for a batch.
        while len(self._buffer) < self.batch and self.runs.next < self.runs.total and self._log is None:
            self._take()
        if len(self._buffer) < self.batch:
            raise TrainingError(
                f"{len(self._buffer)} runs are left for a batch of {self.batch} before step {step + 1}: "
                f"{self.runs.next} of {self.runs.total} have come, {self.failed} of them failed.",
                "raise online.runs, or lower batch or steps.",
            )
        self.arrived.append(self.runs.next)

    def _take(self) -> None:
        run: FreshRun = self.runs.take()
        if run.failed is not None:
            self._failures.append(run.failed)
            self._stop_if_too_many()
            return
        gone = self._buffer.add(run.number)
        if gone is not None:
            del self._values[gone]
        self._values[run.number] = run.values

    def _stop_if_too_many(self) -> None:
        import xarray as xr

        failures = xr.concat(self._failures, "run", combine_attrs="override")
        failures = failures.assign(failed=("run", np.ones(len(self._failures), dtype=np.int8)))
        stop_if_too_many(failures, self.runs.total, self.runs.study.failures.max_share)


def _checked(log: Sequence[int], steps: int, total: int) -> list[int]:
    counts = [int(count) for count in log]
    if len(counts) != steps or counts != sorted(counts) or (counts and (counts[0] < 0 or counts[-1] > total)):
        raise TrainingError(
            f"the arrivals to replay are {len(counts)} counts up to {max(counts, default=0)}, not one ascending count "
            f"up to {total} for each of {steps} steps.",
            "replay a training of the same online.runs and steps.",
        )
    return counts
