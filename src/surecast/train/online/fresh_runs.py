"""Runs that no dataset holds, simulated beside the training, handed over in the order of their numbers.

Run k of a training follows from the study's seed, the training and k alone: neither the number of processes nor the
packs in which they simulate decide anything, and a run can be made again when an interrupted training goes on.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from surecast.simulate.truth import Truth
from surecast.simulate.workers import Workers
from surecast.study.laws.law import inside
from surecast.study.seeds import generator, integer_seed

if TYPE_CHECKING:
    import xarray as xr

    from surecast.study.model import Study


class FreshRun(NamedTuple):
    """One run.

    Attributes
    ----------
    number : int
        Which run of the training it is.
    values : dict of str to numpy.ndarray
        Inputs as the design gives them and the outputs asked for.
    failed : xarray.Dataset or None
        Inputs, seed and message of a run that failed, dimension ``run``.
    """

    number: int
    values: dict[str, np.ndarray]
    failed: xr.Dataset | None


class FreshRuns:
    """The runs of one training.

    Parameters
    ----------
    study : Study
        The study.
    outputs : sequence of str
        Outputs that a run is to have.
    seed : int
        Of the training: which runs there are follows from it.
    total : int
        Number of runs.
    workers : int
        Processes that simulate; 0: none but this one, at the moment when a run is asked for.
    runs_per_call : int
        Runs in one call of the simulator.

    Attributes
    ----------
    next : int
        Number of the run that `take` gives.
    """

    def __init__(
        self, study: Study, outputs: Sequence[str], seed: int, total: int, workers: int, runs_per_call: int
    ) -> None:
        self.study, self.outputs, self.seed, self.total, self.next = study, tuple(outputs), seed, total, 0
        self._truth = Truth(study, outputs=outputs)
        self._ahead, self._pack = 2 * workers, runs_per_call
        self._workers = Workers(study, outputs, workers) if workers else None
        self._packs: deque[tuple[range, xr.Dataset, Future[xr.Dataset]]] = deque()
        self._begun = 0
        self._made: deque[FreshRun] = deque()

    def ready(self) -> bool:
        """Whether the next run has been made, so that `take` does not wait."""
        self._begin()
        return self.next < self.total and bool(self._made or not self._packs or self._packs[0][2].done())

    def take(self) -> FreshRun:
        """The next run; waits until it is made.

        Raises
        ------
        SimulationError
            If the simulator refuses its inputs.
        IndexError
            If all have been taken.
        """
        if self.next >= self.total:
            raise IndexError(f"all {self.total} runs have been taken")
        if not self._made:
            self._made.extend(self._oldest())
        self.next += 1
        return self._made.popleft()

    def again(self, numbers: Sequence[int]) -> list[FreshRun]:
        """Runs that were taken before, made once more; `take` goes on as if this had not been asked."""
        found: list[FreshRun] = []
        for first in range(0, len(numbers), self._pack):
            found.extend(self._here(numbers[first : first + self._pack]))
        return found

    def skip_to(self, number: int) -> None:
        """Go on at the run of that number."""
        self.close()
        self._packs.clear()
        self._made.clear()
        self.next = self._begun = number

    def close(self) -> None:
        """End the processes."""
        if self._workers is not None:
            self._workers.close(wait=True)  # what they took counts only once they have ended

    def _oldest(self) -> list[FreshRun]:
        self._begin()
        if not self._packs:
            return self._here(self._next_pack())
        numbers, inputs, future = self._packs.popleft()
        made = future.result()
        self._begin()
        return self._rows(numbers, inputs, made)

    def _here(self, numbers: Sequence[int]) -> list[FreshRun]:
        inputs = self._inputs(numbers)
        return self._rows(numbers, inputs, self._truth.simulate(self._truth.realise(inputs)))

    def _begin(self) -> None:
        """Keep that many packs going; what is made and not taken stops the making of more."""
        while self._workers is not None and len(self._packs) < self._ahead and self._begun < self.total:
            numbers = self._next_pack()
            inputs = self._inputs(numbers)
            self._packs.append((numbers, inputs, self._workers.submit(self._truth.realise(inputs))))

    def _next_pack(self) -> range:
        numbers = range(self._begun, min(self._begun + self._pack, self.total))
        self._begun = numbers.stop
        return numbers

    def _inputs(self, numbers: Sequence[int]) -> xr.Dataset:
        law = self.study.joint_law()
        points = np.stack([generator(self.seed, "fresh", number).random(law.dimension) for number in numbers])
        inputs = law.from_uniform(inside(points)).drop_vars("run", errors="ignore")
        seeds = np.array([integer_seed(self.seed, "run", number) for number in numbers], dtype=np.int64)
        return inputs.assign(seed=("run", seeds)).assign_coords(run=np.asarray(numbers, dtype=np.int64))

    def _rows(self, numbers: Sequence[int], inputs: xr.Dataset, made: xr.Dataset) -> list[FreshRun]:
        failed = made["failed"].values != 0
        arrays = {name: inputs[name].transpose("run", ...).values for name in self.study.inputs}
        if not failed.all():  # where all failed, an output may not even have a shape
            arrays |= {name: made[name].transpose("run", ...).values for name in self.outputs}
        found = []
        for row, number in enumerate(numbers):
            about = (
                inputs.isel(run=[row]).assign(message=("run", made["message"].values[[row]])) if failed[row] else None
            )
            found.append(FreshRun(number, {name: values[row] for name, values in arrays.items()}, about))
        return found
