"""The dataset as a lazy xarray Dataset whose every chunk is checked against the manifest when it is first read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from xarray.backends import BackendArray
from xarray.core import indexing

from surecast.assemble.checked_store import CheckedStore
from surecast.assemble.manifest import Manifest


def open_dataset(manifest_path: str | Path) -> xr.Dataset:
    """Open a dataset by its manifest; nothing but coordinates is read until it is asked for.

    Parameters
    ----------
    manifest_path : str or Path
        ``dataset.json``.

    Returns
    -------
    xarray.Dataset
        Inputs, ``<name>_field``, outputs, diagnostics, ``failed`` and ``seed`` with dimension ``run``;
        coordinates ``run``, ``split`` (int8 with flag meanings) and ``index_in_split``.

    Raises
    ------
    DataError
        Now, if manifest or metadata have changed since they were written; at reading, if a chunk has.
    """
    manifest = Manifest.read(manifest_path)
    store = CheckedStore(manifest)
    variables = {}
    for name in manifest.content["variables"]:
        data = indexing.LazilyIndexedArray(_CheckedArray(store, name))
        variables[name] = xr.Variable(manifest.layout(name).dims, data, store.attributes(name))
    attributes = dict(store.group.attrs)
    coordinates = str(attributes.pop("coordinates", "")).split()
    return xr.Dataset(variables, attrs=attributes).set_coords(coordinates)


class _CheckedArray(BackendArray):
    """One variable of a `CheckedStore` in the form that xarray indexes lazily."""

    def __init__(self, store: CheckedStore, name: str) -> None:
        layout = store.manifest.layout(name)
        self.store, self.name = store, name
        self.shape, self.dtype = layout.shape, np.dtype(layout.dtype)

    def __getitem__(self, key: indexing.ExplicitIndexer) -> Any:
        return indexing.explicit_indexing_adapter(key, self.shape, indexing.IndexingSupport.OUTER, self._outer)

    def _outer(self, key: tuple[Any, ...]) -> np.ndarray:
        first, rest = key[0], key[1:]
        rows = np.atleast_1d(np.arange(self.shape[0])[first])
        found = self.store.rows(self.name, rows)
        # Axis by axis: the indexers are orthogonal, NumPy's are not.
        for axis, index in enumerate(rest, start=1):
            if not isinstance(index, (int, np.integer)):
                found = found[(slice(None),) * axis + (index,)]
        whole = tuple(index if isinstance(index, (int, np.integer)) else slice(None) for index in rest)
        return found[(0 if np.ndim(first) == 0 and not isinstance(first, slice) else slice(None), *whole)]
