"""Shuffled batches of one split, read lazily and chunk by chunk, with a position that can be saved.

Every pass over the split (epoch) permutes the chunks, takes them in groups of at most `memory_mib`, and
permutes the runs within each group: each chunk is read once an epoch, and a dataset that fits into one
group is read once and shuffled perfectly. Order and groups follow from seed, epoch and the arguments
alone, never from the machine.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from surecast.assemble.checked_store import CheckedStore
from surecast.assemble.contents import SPLIT_FLAGS
from surecast.assemble.layout import MIB
from surecast.assemble.manifest import Manifest
from surecast.study import seeds
from surecast.study.errors import DataError


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
        Runs in a batch. Runs that are left at the end of an epoch, fewer than `batch`, are skipped in
        that epoch; a split of fewer runs gives batches of all of them.
    seed : int
        Seed of the order.
    memory_mib : float
        Largest group of chunks held in memory.

    Attributes
    ----------
    runs : numpy.ndarray
        Numbers of the runs of the split that did not fail, ascending.
    epoch, position : int
        Where the iterator stands: the epoch, and the number of its batches that have been given.

    Raises
    ------
    DataError
        If there is no such variable or split, or no run in it; at reading, if a chunk has changed.
    """

    def __init__(
        self,
        manifest: str | Path,
        variables: Sequence[str],
        split: str,
        batch: int,
        seed: int,
        memory_mib: float = 256.0,
    ) -> None:
        self._manifest = Manifest.read(manifest)
        self._store = CheckedStore(self._manifest)
        layouts = [self._manifest.layout(name) for name in variables]
        if not layouts:
            raise DataError("a batch of no variables was asked for.", "name at least one variable.")
        self.variables, self.split, self.seed = tuple(variables), split, seed
        self.runs = self._good_runs(split)
        self.batch = min(batch, len(self.runs))
        self._chunk = max(layouts, key=lambda layout: layout.bytes_per_run).chunk
        chunk_bytes = sum(layout.bytes_per_run for layout in layouts) * self._chunk
        self._chunks_per_group = max(1, int(memory_mib * MIB) // max(1, chunk_bytes))
        self.epoch = self.position = 0
        self._planned: tuple[int, list[np.ndarray]] | None = None
        self._loaded: tuple[np.ndarray, dict[str, np.ndarray]] | None = None

    @property
    def batches_per_epoch(self) -> int:
        """Number of batches in one pass over the split."""
        return len(self.runs) // self.batch

    def __iter__(self) -> BatchReader:
        return self

    def __next__(self) -> dict[str, np.ndarray]:
        """The next batch: ``run`` (batch,), the numbers of its runs, and every variable, shape ``(batch, ...)``."""
        if self.position == self.batches_per_epoch:
            self.epoch, self.position = self.epoch + 1, 0
        start = self.position * self.batch
        pieces = []
        for group in self._groups():
            rows = group[max(0, start) : max(0, start + self.batch)]
            if rows.size:
                pieces.append({"run": rows, **self._read(group, rows)})
            start -= len(group)
        self.position += 1
        return {name: np.concatenate([piece[name] for piece in pieces]) for name in pieces[0]}

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
            "chunks_per_group": self._chunks_per_group,
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

    def _groups(self) -> list[np.ndarray]:
        """The runs of this epoch in their order, group by group."""
        if self._planned is None or self._planned[0] != self.epoch:
            stream = seeds.generator(self.seed, "batches", self.split, self.epoch)
            owner = self.runs // self._chunk
            chunks = stream.permutation(np.unique(owner))
            size = self._chunks_per_group
            groups = [np.isin(owner, chunks[first : first + size]) for first in range(0, len(chunks), size)]
            self._planned = (self.epoch, [stream.permutation(self.runs[chosen]) for chosen in groups])
        return self._planned[1]

    def _read(self, group: np.ndarray, rows: np.ndarray) -> dict[str, np.ndarray]:
        """Variables of some runs of a group, which stays in memory until another one is asked for."""
        runs = np.sort(group)
        if self._loaded is None or not np.array_equal(self._loaded[0], runs):
            self._loaded = None  # two groups at once would need twice the memory
            self._loaded = (runs, {name: self._store.rows(name, runs) for name in self.variables})
        place = np.searchsorted(runs, rows)
        return {name: values[place] for name, values in self._loaded[1].items()}
