"""The arrays of a dataset mapped from their files, for reading much of them many times: nothing is decoded or copied.

As with `CheckedStore`, each chunk is checked against the manifest when it is first read.
"""

from __future__ import annotations

import threading

import numpy as np

from surecast.assemble.checked_store import CheckedStore
from surecast.assemble.manifest import Manifest
from surecast.assemble.shard import MappedShard
from surecast.assemble.zarr_store import remake
from surecast.study import digest
from surecast.study.errors import DataError

OPEN = 128
"""Files of a dataset that are held open: a system lends a process some hundreds."""


class MappedStore(CheckedStore):
    """A `CheckedStore` whose files are mapped. Several threads may read at once.

    Parameters
    ----------
    manifest : Manifest
        The manifest.

    Raises
    ------
    DataError
        If the store is missing, or its metadata are not those that the manifest states.
    """

    def __init__(self, manifest: Manifest) -> None:
        super().__init__(manifest)
        self._layouts = {name: manifest.layout(name) for name in manifest.content["variables"]}
        self._shards: dict[tuple[str, int], MappedShard] = {}
        self._lock = threading.Lock()

    def chunk(self, name: str, number: int) -> np.ndarray:
        """One chunk of a variable.

        Raises
        ------
        DataError
            If it cannot be read, or is not what was written.
        """
        return self.rows(name, np.arange(*self.manifest.layout(name).chunk_range(number)))

    def rows(self, name: str, rows: np.ndarray) -> np.ndarray:
        """Entries of a variable along its first dimension, in the order asked for; nothing else stays in memory.

        Parameters
        ----------
        name : str
            The variable.
        rows : numpy.ndarray
            Indices, shape ``(n,)``, in any order.

        Raises
        ------
        DataError
            If a chunk that holds some of them cannot be read, or is not what was written.
        """
        layout = self.manifest.layout(name)
        found = np.empty((len(rows), *layout.shape[1:]), dtype=layout.dtype)
        owner = rows // layout.chunk
        for number in np.unique(owner).tolist():
            places = np.flatnonzero(owner == number)
            shard = self._checked_shard(name, number)
            found[places] = shard.values[rows[places] - shard.first]
            self.release(name, *layout.chunk_range(number))
        return found

    def fetch(self, name: str, start: int, stop: int) -> np.ndarray:
        """A range of entries, checked and in memory until it is released: read-only, where it lies in one file no copy.

        Raises
        ------
        DataError
            If a chunk that holds some of them cannot be read, or is not what was written.
        """
        layout = self._layouts[name]
        if start // layout.shard != (stop - 1) // layout.shard:
            return self.rows(name, np.arange(start, stop))
        for number in range(start // layout.chunk, -(-stop // layout.chunk)):
            begin, end = layout.chunk_range(number)
            known = (name, number) in self._checked
            shard = self._checked_shard(name, number)
            if known:
                shard.fetch(max(start, begin) - shard.first, min(stop, end) - shard.first)
            elif begin < start or end > stop:  # all of it was read for its digest
                shard.release(begin - shard.first, end - shard.first)
        return shard.values[start - shard.first : stop - shard.first]

    def release(self, name: str, start: int, stop: int) -> None:
        """Give the memory of a range of entries back."""
        layout = self._layouts[name]
        for number in range(start // layout.shard, -(-stop // layout.shard)):
            with self._lock:
                shard = self._shards.get((name, number))
            if shard is not None:
                shard.release(max(start - shard.first, 0), min(stop - shard.first, len(shard.values)))

    def _checked_shard(self, name: str, number: int) -> MappedShard:
        """The shard that a chunk lies in, once the chunk has been checked."""
        layout = self._layouts[name]
        start, stop = layout.chunk_range(number)
        shard = self._shard(name, number)
        if (name, number) not in self._checked:
            if digest.of_array(shard.values[start - shard.first : stop - shard.first]) != self._digests[name][number]:
                raise DataError(
                    f"{self.manifest.store}: chunk {number} of {name!r} has changed since it was written.",
                    remake(self.manifest.store),
                )
            self._checked.add((name, number))
        return shard

    def _shard(self, name: str, chunk: int) -> MappedShard:
        layout = self._layouts[name]
        number = chunk * layout.chunk // layout.shard
        with self._lock:
            if (name, number) not in self._shards:
                try:
                    shard = MappedShard(self.manifest.store / layout.shard_path(number), layout, number)
                except (OSError, ValueError) as error:
                    raise DataError(
                        f"{self.manifest.store}: chunk {chunk} of {name!r} cannot be read ({error}).",
                        remake(self.manifest.store),
                    ) from error
                while len(self._shards) >= OPEN:  # the oldest; who reads in it keeps it
                    del self._shards[next(iter(self._shards))]
                self._shards[name, number] = shard
            return self._shards[name, number]
