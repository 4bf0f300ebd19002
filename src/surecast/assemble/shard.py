"""Writing one shard of a Zarr 3 array, chunk by chunk: chunk_0 | chunk_1 | ... | index | crc32c(index).

The index holds, for every chunk of the shard, its offset and number of bytes as little-endian unsigned
64-bit integers, 2^64 - 1 twice for a chunk that is not there (sharding codec 1.0 of the Zarr
specification, https://zarr-specs.readthedocs.io/en/latest/v3/codecs/sharding-indexed/). Chunks are raw
little-endian bytes: float32 fields compress by a tenth and cost half the speed.

Writing through the zarr package needs the whole shard in memory, several times over; here memory is one
chunk whatever the size of the shard. The tests read what is written here with the zarr package.
"""

from __future__ import annotations

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
