"""The Zarr 3 hierarchy of a dataset: one group, one sharded and uncompressed array per variable."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from surecast.assemble.layout import VariableLayout
from surecast.study import digest
from surecast.study.errors import DataError


def create(path: Path, layouts: Sequence[VariableLayout], attributes: dict[str, Any]) -> None:
    """Write the metadata of all arrays; their shards come later (`surecast.assemble.shard`).

    Metadata are not consolidated: zarr-python warns that Zarr 3 does not specify it.
    """
    import zarr

    group = zarr.create_group(str(path), zarr_format=3, overwrite=True, attributes=attributes)
    for layout in layouts:
        rest = layout.shape[1:]
        group.create_array(
            layout.name,
            shape=layout.shape,
            dtype=np.dtype(layout.dtype),
            chunks=(layout.chunk, *rest),
            shards=(layout.shard, *rest),
            compressors=None,
            fill_value=0,
            dimension_names=layout.dims,
            attributes=layout.attributes,
        )


def metadata_digests(path: Path) -> dict[str, str]:
    """Digest of the content of every ``zarr.json``, by its path inside the store.

    Raises
    ------
    DataError
        If one of them is no JSON.
    """
    found = {}
    for file in sorted(path.rglob("zarr.json")):
        name = file.relative_to(path).as_posix()
        try:
            found[name] = digest.of_json(json.loads(file.read_bytes()))
        except (OSError, ValueError) as error:
            raise DataError(f"{file}: cannot be read as JSON ({error}).", remake(path)) from error
    return found


def remake(path: str | Path) -> str:
    """What to do about a damaged store."""
    return f"delete the dataset (rm -r {path}) and run snakemake again: no run is repeated."
