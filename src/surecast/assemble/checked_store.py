"""A Zarr store read chunk by chunk, each chunk checked against the manifest when it is first read."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from surecast.assemble.manifest import Manifest
from surecast.assemble.zarr_store import metadata_digests, remake
from surecast.study import digest
from surecast.study.errors import DataError

if TYPE_CHECKING:
    import zarr


class CheckedStore:
    """The arrays of a dataset.

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
        self.manifest = manifest
        path = manifest.store
        if not path.is_dir():
            raise DataError(f"{path}: there is no such dataset.", "run snakemake again.")
        found, stated = metadata_digests(path), manifest.content["metadata"]
        if changed := sorted(name for name in {*found, *stated} if found.get(name) != stated.get(name)):
            raise DataError(f"{path / changed[0]}: content has changed since it was written.", remake(path))
        self._checked: set[tuple[str, int]] = set()
        self._digests = {name: manifest.chunk_digests(name) for name in manifest.content["variables"]}

    @cached_property
    def group(self) -> zarr.Group:
        """The Zarr group, opened for reading."""
        import zarr

        return zarr.open_group(str(self.manifest.store), mode="r", zarr_format=3)

    def attributes(self, name: str) -> dict[str, Any]:
        """Attributes of a variable."""
        return dict(self.group[name].attrs)

    def chunk(self, name: str, number: int) -> np.ndarray:
        """One chunk of a variable, decoded.

        Raises
        ------
        DataError
            If it cannot be decoded, or is not what was written.
        """
        start, stop = self.manifest.layout(name).chunk_range(number)
        return self._read(name, number, start, stop)

    def rows(self, name: str, rows: np.ndarray) -> np.ndarray:
        """Entries of a variable along its first dimension, in the order asked for; whole chunks are read.

        Parameters
        ----------
        name : str
            The variable.
        rows : numpy.ndarray
            Indices, shape ``(n,)``, in any order.
        """
        layout = self.manifest.layout(name)
        found = np.empty((len(rows), *layout.shape[1:]), dtype=layout.dtype)
        owner = rows // layout.chunk
        for number in np.unique(owner):
            places = np.flatnonzero(owner == number)
            found[places] = self.chunk(name, int(number))[rows[places] - number * layout.chunk]
        return found

    def _read(self, name: str, number: int, start: int, stop: int) -> np.ndarray:
        array = cast("zarr.Array", self.group[name])
        try:
            values = np.asarray(array[start:stop])
        except Exception as error:  # zarr raises many kinds of errors on files that are torn
            raise DataError(
                f"{self.manifest.store}: chunk {number} of {name!r} cannot be read ({error}).",
                remake(self.manifest.store),
            ) from error
        if (name, number) not in self._checked:
            if digest.of_array(values) != self._digests[name][number]:
                raise DataError(
                    f"{self.manifest.store}: chunk {number} of {name!r} has changed since it was written.",
                    remake(self.manifest.store),
                )
            self._checked.add((name, number))
        return values
