"""Writing one shard of a Zarr 3 array, chunk by chunk: chunk_0 | chunk_1 | ... | index | crc32c(index).

The index holds, for every chunk of the shard, its offset and number of bytes as little-endian unsigned
64-bit integers, 2^64 - 1 twice for a chunk that is not there (sharding codec 1.0 of the Zarr
specification, https://zarr-specs.readthedocs.io/en/latest/v3/codecs/sharding-indexed/). Chunks are raw
little-endian bytes: float32 fields compress by a tenth and cost half the speed.

Writing through the zarr package needs the whole shard in memory, several times over; here memory is one
chunk whatever the size of the shard. The tests read what is written here with the zarr package.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import google_crc32c
import numpy as np

from surecast.study import digest
from surecast.study.files import written_aside

_ABSENT = np.uint64(2**64 - 1)


def write_shard(path: Path, blocks: Iterable[np.ndarray], chunk: int, chunks_per_shard: int) -> list[str]:
    """Write the chunks of one shard in order; return their digests.

    Parameters
    ----------
    path : Path
        The file; written aside and moved into place.
    blocks : iterable of numpy.ndarray
        Decoded chunks in order, each of `chunk` runs; the last of the array may be shorter and is
        padded with zeros in the file (not in its digest), as the format wants it.
    chunk : int
        Runs in a chunk.
    chunks_per_shard : int
        Number of places in the index.

    Returns
    -------
    list of str
        Digest of each block: dtype, shape and values.
    """
    index = np.full((chunks_per_shard, 2), _ABSENT, dtype="<u8")
    digests: list[str] = []
    offset = 0
    with written_aside(path) as aside, open(aside, "wb") as file:
        for number, block in enumerate(blocks):
            block = np.ascontiguousarray(block)
            digests.append(digest.of_array(block))
            file.write(block.reshape(-1).view(np.uint8).data)
            if missing := chunk - len(block):
                file.write(bytes(missing * (block.nbytes // len(block))))
            size = chunk * (block.nbytes // len(block))
            index[number] = offset, size
            offset += size
        encoded = index.tobytes()
        file.write(encoded)
        file.write(np.array(google_crc32c.value(encoded), dtype="<u4").tobytes())
    return digests
