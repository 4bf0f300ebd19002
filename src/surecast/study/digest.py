"""Digests of content: arrays as decoded, settings as canonical JSON, files as bytes (xxh3, 128 bits)."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import xxhash

_PRIVATE_ATTRIBUTES = ("digest",)


def of_bytes(data: bytes | memoryview) -> str:
    """Digest of bytes, 32 hexadecimal digits."""
    return str(xxhash.xxh3_128_hexdigest(data))


def of_json(value: Any) -> str:
    """Digest of a JSON-like value; the order of keys does not matter."""
    return of_bytes(canonical_json(value).encode())


def canonical_json(value: Any) -> str:
    """JSON text with sorted keys and no spaces; paths become text, non-finite numbers their names."""
    return json.dumps(_plain(value), sort_keys=True, separators=(",", ":"), allow_nan=False)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, np.ndarray):
        return [_plain(item) for item in value.tolist()]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return repr(value)
    if value is None or isinstance(value, (str, bool, int, float)):
        return value
    return str(value)


def of_array(array: np.ndarray) -> str:
    """Digest of an array's dtype, shape and little-endian C-ordered bytes."""
    array = np.asarray(array)
    if array.dtype.kind in "OUT":
        return of_json(["text", list(array.shape), [str(item) for item in array.ravel()]])
    return of_blocks(array.dtype, array.shape or (1,), [array])


def of_blocks(dtype: Any, shape: tuple[int, ...], blocks: Iterable[np.ndarray]) -> str:
    """Digest of a numeric array given in pieces along its first dimension: that of `of_array` for the whole."""
    dtype = np.dtype(dtype).newbyteorder("<")
    state = xxhash.xxh3_128(f"{dtype.str}{tuple(shape)}".encode())
    for block in blocks:
        state.update(np.ascontiguousarray(block, dtype=dtype).reshape(-1).view(np.uint8).data)
    return str(state.hexdigest())


def of_dataset(dataset: Any) -> str:
    """Digest of an xarray Dataset: names, dimensions, decoded values and attributes."""
    described: dict[str, Any] = {"": dataset.attrs}
    for name, variable in dataset.variables.items():
        described[str(name)] = [list(map(str, variable.dims)), of_array(variable.values), variable.attrs]
    return of_description(described)


def of_description(described: Mapping[str, Any]) -> str:
    """Digest of a Dataset whose variables are digested already (piece by piece, where they are large).

    Parameters
    ----------
    described : mapping
        The Dataset's attributes under ``""``; ``[dims, digest, attributes]`` under each variable's name.
    """
    plain: dict[str, Any] = {"": _attributes(described[""])}
    for name, (dims, found, attributes) in ((key, value) for key, value in described.items() if key):
        plain[name] = [dims, found, _attributes(attributes)]
    return of_json(plain)


def _attributes(attributes: Mapping[Any, Any]) -> dict[str, Any]:
    plain = {str(key): _plain(value) for key, value in attributes.items() if key not in _PRIVATE_ATTRIBUTES}
    # A list of one element and a scalar are the same thing once they have been through NetCDF.
    return {key: value[0] if isinstance(value, list) and len(value) == 1 else value for key, value in plain.items()}


def of_file(path: str | Path) -> str:
    """Digest of a file's bytes."""
    state = xxhash.xxh3_128()
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            state.update(block)
    return str(state.hexdigest())
