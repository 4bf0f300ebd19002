"""One shard of a Zarr 3 array, written chunk by chunk: chunk_0 | chunk_1 | ... | index | crc32c(index).

The index holds, for every chunk of the shard, its offset and number of bytes as little-endian unsigned
64-bit integers, 2^64 - 1 twice for a chunk that is not there (sharding codec 1.0 of the Zarr
specification, https://zarr-specs.readthedocs.io/en/latest/v3/codecs/sharding-indexed/). Chunks are raw
little-endian bytes: float32 fields compress by a tenth and cost half the speed.

Writing through the zarr package needs the whole shard in memory, several times over; here memory is one
chunk whatever the size of the shard. The tests read what is written here with the zarr package.

As chunks are raw and lie one behind the other, a shard is one array in a file, which the system maps: its pages are
what it keeps in memory of the file anyway, so reading copies nothing but the runs that are asked for.
"""

from __future__ import annotations

import mmap
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import google_crc32c
import numpy as np

from surecast.assemble.layout import VariableLayout
from surecast.study import digest
from surecast.study.files import written_aside

_ABSENT = np.uint64(2**64 - 1)
_PIECE = 128 << 10
"""Bytes handed to the system at once: for megabytes it looks for large free pages, up to four times slower."""
_AROUND = 64 << 10
"""Bytes beside a page that is touched which the system maps with it."""


class ShardWriter:
    """Chunks of one shard in order.

    Attributes
    ----------
    digests : list of str
        Digest of each chunk written so far: dtype, shape and decoded values.
    """

    def __init__(self, file: BinaryIO, layout: VariableLayout) -> None:
        self.digests: list[str] = []
        self._file, self._layout = file, layout
        self._chunk_bytes = layout.chunk * layout.bytes_per_run
        self._index = np.full((layout.shard // layout.chunk, 2), _ABSENT, dtype="<u8")

    def append(self, block: np.ndarray) -> None:
        """Write the next chunk; the last of the array may be shorter and is padded with zeros in the file only."""
        block = np.ascontiguousarray(block, dtype=self._layout.dtype)
        number = len(self.digests)
        self._index[number] = number * self._chunk_bytes, self._chunk_bytes
        self.digests.append(digest.of_array(block))
        content = block.reshape(-1).view(np.uint8).data
        for start in range(0, len(content), _PIECE):
            self._file.write(content[start : start + _PIECE])
        if missing := self._chunk_bytes - block.nbytes:
            self._file.write(bytes(missing))

    def finish(self) -> None:
        """Write the index and its checksum."""
        encoded = self._index.tobytes()
        self._file.write(encoded)
        self._file.write(np.array(google_crc32c.value(encoded), dtype="<u4").tobytes())


@contextmanager
def shard_writer(path: Path, layout: VariableLayout) -> Iterator[ShardWriter]:
    """A writer of the shard at `path`, which is written aside and moved into place when all is written."""
    with written_aside(path) as aside, open(aside, "wb") as file:
        writer = ShardWriter(file, layout)
        yield writer
        writer.finish()


class MappedShard:
    """A shard for reading, mapped into memory; pages come when they are touched.

    Parameters
    ----------
    path : Path
        The file.
    layout : VariableLayout
        Of the variable.
    number : int
        Number of the shard.

    Attributes
    ----------
    first : int
        Its first index along the first dimension of the variable.
    values : numpy.ndarray
        Shape ``(chunks of the shard * layout.chunk, ...)``, read-only, the padding of the last chunk included.

    Raises
    ------
    ValueError
        If it is no shard of this variable with all its chunks in order.
    OSError
        If it cannot be opened or mapped.
    """

    def __init__(self, path: Path, layout: VariableLayout, number: int) -> None:
        self.first = number * layout.shard
        chunks, entries = len(layout.shard_chunks(number)), layout.shard // layout.chunk
        size = chunks * layout.chunk * layout.bytes_per_run
        index = np.full((entries, 2), _ABSENT, dtype="<u8")
        index[:chunks, 0] = np.arange(chunks, dtype="<u8") * np.uint64(layout.chunk * layout.bytes_per_run)
        index[:chunks, 1] = layout.chunk * layout.bytes_per_run
        with open(path, "rb") as file:
            # Beyond the end of a file that is too short the system would end the process.
            if (found := os.fstat(file.fileno()).st_size) != size + index.nbytes + 4:
                raise ValueError(f"{path.name} has {found} bytes, not {size + index.nbytes + 4}")
            self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        written = self._map[size:]
        if written[:-4] != index.tobytes() or written[-4:] != google_crc32c.value(written[:-4]).to_bytes(4, "little"):
            raise ValueError(f"the index of {path.name} is not the one that was written")
        self._bytes = np.frombuffer(self._map, np.uint8, size)
        self.values = self._bytes.view(layout.dtype).reshape(-1, *layout.shape[1:])
        self._run_bytes = layout.bytes_per_run

    def fetch(self, start: int, stop: int) -> None:
        """Have the pages of some rows of `values` read now."""
        begin, end = self._pages(start, stop)
        self._map.madvise(mmap.MADV_WILLNEED, begin, end - begin)
        self._bytes[begin : end : mmap.PAGESIZE].max(initial=0)

    def release(self, start: int, stop: int) -> None:
        """Give the pages of some rows of `values` back to the system, which reads them again if they are touched."""
        begin, end = self._pages(start, stop)
        begin, end = max(0, begin - _AROUND), min(end + _AROUND, len(self._map))
        self._map.madvise(mmap.MADV_DONTNEED, begin, end - begin)

    def _pages(self, start: int, stop: int) -> tuple[int, int]:
        """Where the pages of some rows begin, and the rows end."""
        begin = start * self._run_bytes // mmap.PAGESIZE * mmap.PAGESIZE
        return begin, max(stop * self._run_bytes, begin + 1)
