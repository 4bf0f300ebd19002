"""How a variable lies in the store: chunks of whole runs, shards (files) of whole chunks.

The number of runs in a chunk follows from the variable and the settings alone, never from parts,
workers or the number of runs, so that digests of chunks can be compared between two makings.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from surecast.study import digest

MIB = 1 << 20


@dataclass(frozen=True)
class VariableLayout:
    """One array of the store.

    Attributes
    ----------
    name : str
        Name.
    dims : tuple of str
        Names of the dimensions; ``run`` comes first where it is there at all.
    shape : tuple of int
        Lengths.
    dtype : str
        Little-endian NumPy dtype.
    attributes : dict
        Units, long name and the like.
    chunk : int
        Length of a chunk along the first dimension (whole runs).
    shard : int
        Length of a shard along the first dimension, a multiple of `chunk`.
    """

    name: str
    dims: tuple[str, ...]
    shape: tuple[int, ...]
    dtype: str
    attributes: dict[str, Any] = field(default_factory=dict, compare=False, hash=False)
    chunk: int = 1
    shard: int = 1

    @property
    def bytes_per_run(self) -> int:
        """Bytes of one index of the first dimension."""
        return int(np.dtype(self.dtype).itemsize * math.prod(self.shape[1:]))

    @property
    def chunks(self) -> int:
        """Number of chunks."""
        return -(-self.shape[0] // self.chunk)

    @property
    def shards(self) -> int:
        """Number of shards (files)."""
        return -(-self.shape[0] // self.shard)

    def chunk_range(self, number: int) -> tuple[int, int]:
        """First index of a chunk and the one after its last."""
        return number * self.chunk, min((number + 1) * self.chunk, self.shape[0])

    def shard_path(self, number: int) -> str:
        """Path of a shard inside the store, by the default chunk keys of Zarr 3."""
        return "/".join([self.name, "c", str(number), *["0"] * (len(self.shape) - 1)])

    def shard_chunks(self, number: int) -> range:
        """Numbers of the chunks in a shard."""
        per_shard = self.shard // self.chunk
        return range(number * per_shard, min((number + 1) * per_shard, self.chunks))


def lay_out(
    name: str,
    dims: tuple[str, ...],
    shape: tuple[int, ...],
    dtype: Any,
    attributes: Mapping[str, Any],
    base: int,
    chunk_mib: float,
    shard_mib: float,
) -> VariableLayout:
    """Chunks and shards of one variable.

    Parameters
    ----------
    name, dims, shape, dtype, attributes
        The variable.
    base : int
        Chunks hold a multiple of so many runs, so that chunks of different variables are aligned (`base_runs`).
    chunk_mib, shard_mib : float
        Sizes aimed at, MiB uncompressed; a chunk holds at least one run, a shard at least one chunk.
    """
    dtype = np.dtype(dtype).newbyteorder("<")
    per_run = max(1, dtype.itemsize * math.prod(shape[1:]))
    chunk = base * max(1, int(chunk_mib * MIB) // (per_run * base))
    chunk = min(chunk, max(1, shape[0]))
    per_shard = max(1, int(shard_mib * MIB) // (per_run * chunk))
    per_shard = min(per_shard, max(1, -(-shape[0] // chunk)))
    # Attributes come from NetCDF as NumPy values; Zarr's metadata are JSON.
    plain = json.loads(digest.canonical_json(attributes))
    return VariableLayout(name, dims, shape, dtype.str, plain, chunk, chunk * per_shard)


def base_runs(largest_bytes_per_run: int, chunk_mib: float) -> int:
    """Number of runs in a chunk of the largest variable: whole runs, at least one, at most `chunk_mib`."""
    return max(1, int(chunk_mib * MIB) // max(1, largest_bytes_per_run))
