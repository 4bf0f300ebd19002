"""Digests of content: arrays as decoded, settings as canonical JSON, files as bytes (xxh3, 128 bits)."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
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
    array = np.ascontiguousarray(array.astype(array.dtype.newbyteorder("<"), copy=False))
    head = f"{array.dtype.str}{array.shape}".encode()
    state = xxhash.xxh3_128(head)
    state.update(array.reshape(-1).view(np.uint8))
    return str(state.hexdigest())


def of_dataset(dataset: Any) -> str:
    """Digest of an xarray Dataset: names, dimensions, decoded values and attributes."""
    parts: dict[str, Any] = {"": _attributes(dataset.attrs)}
    for name in sorted(map(str, dataset.variables)):
        variable = dataset.variables[name]
        parts[name] = [list(map(str, variable.dims)), of_array(variable.values), _attributes(variable.attrs)]
    return of_json(parts)


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
