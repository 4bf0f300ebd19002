"""The run store: every run ever made, found by identity.

A folder of packs. A pack is a NetCDF file with some runs: their identities and outputs, written aside and
moved into place under a name of its own, never changed afterwards. So there are no locks: processes that
write at once write different packs. A pack that cannot be read or does not match its digest is set aside
with a warning, and its runs are made again.

A pack also holds what its runs were given: ``input <name>`` for every input, fields by their coefficients, and ``input
seed``. Nothing reads it but people (`surecast runs`), so packs that lack it are found as others are.

What the packs hold is gathered in a few files under ``index/`` (`surecast.simulate.pack_index`), which may be deleted
at any time; packs that are in none are opened.
"""

from __future__ import annotations

import contextlib
import uuid
import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from surecast.simulate.listed_packs import DEFINITION, INPUT, Listed, listed, opened, spans
from surecast.simulate.pack_index import PACKS, PackIndex, file_names, file_sizes
from surecast.study import digest
from surecast.study.errors import DataError
from surecast.study.files import read_dataset, write_dataset

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["DEFINITION", "INPUT", "RunStore"]


class RunStore:
    """Runs in a folder.

    Parameters
    ----------
    folder : str or Path
        The folder; made when the first run is added.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        self._index = PackIndex(self.folder / "index")
        self._definitions: dict[str, dict[str, str]] = {}  # of each pack
        self._places: dict[str, list[tuple[str, int]]] = {}  # of each run: packs, and its row there
        self._unindexed: dict[str, Listed] = {}

    def find(self, identities: Iterable[str], definitions: dict[str, str]) -> tuple[list[xr.Dataset], dict[str, int]]:
        """Runs that are in the store.

        Parameters
        ----------
        identities : iterable of str
            Runs asked for.
        definitions : dict
            Outputs asked for: name -> definition. A run is found only if one pack has all of them.

        Returns
        -------
        blocks : list of xarray.Dataset
            The outputs, ``failed`` and ``message`` of the runs found, dimension ``run``.
        place : dict
            Identity -> row in the blocks put one after the other.
        """
        self._look()
        rows: dict[str, dict[str, int]] = {}  # of each pack that may serve
        for identity in dict.fromkeys(map(str, identities)):
            for pack, row in self._places.get(identity, ()):
                if definitions.items() <= self._definitions.get(pack, {}).items():
                    rows.setdefault(pack, {})[identity] = row
        blocks: list[xr.Dataset] = []
        place: dict[str, int] = {}
        for pack in sorted(pack for pack in rows if pack in self._definitions):
            chosen = {identity: row for identity, row in rows[pack].items() if identity not in place}
            if not chosen:
                continue
            try:
                content = read_dataset(self.folder / pack)
            except DataError as error:
                self._set_aside(pack, error)
                continue
            place |= {identity: len(place) + count for count, identity in enumerate(chosen)}
            blocks.append(content.drop_vars("identity").isel(run=list(chosen.values())))
        return blocks, place

    def add(self, identities: np.ndarray, runs: xr.Dataset, inputs: xr.Dataset | None = None) -> Path:
        """Write runs as a new pack.

        Parameters
        ----------
        identities : ndarray of str, shape (run,)
            Identities of the runs.
        runs : xarray.Dataset
            Outputs with dimension ``run`` and the attribute ``definition``; ``failed`` and ``message`` (run,).
        inputs : xarray.Dataset, optional
            Inputs and ``seed`` of the same runs.
        """
        content = runs.assign(identity=("run", np.asarray(identities, dtype=object)))
        if inputs is not None:
            given = inputs.drop_vars(list(inputs.coords))
            content = content.assign({f"{INPUT}{name}": given[name].variable for name in given.data_vars})
        # The name says what is inside; the rest keeps apart two processes that made the same runs.
        path = self.folder / f"{digest.of_json(sorted(map(str, identities)))[:16]}-{uuid.uuid4().hex[:8]}.nc"
        write_dataset(path, content, compress=False)
        self._learn(listed(path, content), indexed=False)
        self._write_index()
        return path

    def read(self) -> Iterator[xr.Dataset]:
        """All packs: ``identity``, inputs, scalar outputs, ``failed`` and ``message``, dimension ``run``.

        To be looked at: fields are not read, and digests, which are of whole packs, not checked.
        """
        self._look()
        sizes = file_sizes(self.folder)
        for part in [*self._index.every(), *self._unindexed.values()]:
            as_listed = {pack for pack, size in zip(part.packs, part.sizes, strict=True) if sizes.get(pack) == size}
            if part.whole and as_listed:
                yield part.chosen(as_listed).runs
                sizes = {pack: size for pack, size in sizes.items() if pack not in as_listed}
        for pack in sorted(sizes):  # torn, of large inputs, or of an index file that another process has just replaced
            content = self._open(pack)
            if content is not None:
                yield content

    def __len__(self) -> int:
        """Number of different runs."""
        self._look()
        return sum(any(pack in self._definitions for pack, _ in places) for places in self._places.values())

    def _look(self) -> None:
        """Learn of packs that have come or gone; those that no index file knows are opened, once."""
        there = self._learn_news()
        for gone in self._definitions.keys() - there:
            self._forget(gone)
        for pack in sorted(there - self._definitions.keys()):
            if pack in self._definitions:  # another process has indexed it meanwhile
                continue
            try:
                found = opened(self.folder / pack)
            except Exception as error:  # the NetCDF library raises OSError, RuntimeError, KeyError ... on torn files
                self._set_aside(pack, error)
            else:
                self._learn(found, indexed=False)
                self._write_index()

    def _open(self, pack: str) -> xr.Dataset | None:
        """A pack without its fields; None, and set aside, where it is torn."""
        import xarray as xr

        try:
            with xr.open_dataset(self.folder / pack, engine="netcdf4", decode_times=False) as content:
                fields = [
                    name for name, v in content.data_vars.items() if v.ndim > 1 and not str(name).startswith(INPUT)
                ]
                return content.drop_vars(fields).load()
        except Exception as error:
            self._set_aside(pack, error)
            return None

    def _learn_news(self) -> set[str]:
        """Names of all packs, of which those are known afterwards that stand in an index file."""
        news = list(self._index.news())  # before the packs are named: all that stand in a file are there by then
        there = file_names(self.folder)
        for content in news:
            self._learn(content.chosen(there), indexed=True)
        return there

    def _learn(self, content: Listed, indexed: bool) -> None:
        identities = content.runs["identity"].values.tolist()
        for pack, start, stop in spans(content):
            if indexed:
                self._unindexed.pop(pack, None)
            else:
                self._unindexed[pack] = content
            if pack not in self._definitions:
                self._definitions[pack] = content.definitions
                for row, identity in enumerate(identities[start:stop]):
                    self._places.setdefault(str(identity), []).append((pack, row))

    def _write_index(self) -> None:
        """Index the packs that had to be opened, once there are many of them."""
        if len(self._unindexed) < PACKS:
            return
        self._learn_news()
        if len(self._unindexed) < PACKS:  # another process has indexed them
            return
        with contextlib.suppress(OSError):  # a store that may only be read is read without an index
            self._index.write(self._unindexed.values(), self._definitions)
        self._unindexed.clear()

    def _forget(self, pack: str) -> None:
        self._definitions.pop(pack, None)
        self._unindexed.pop(pack, None)

    def _set_aside(self, pack: str, error: Exception) -> None:
        warnings.warn(
            f"{self.folder / pack}: set aside as {pack}.torn, its runs will be made again ({error})",
            RuntimeWarning,
            stacklevel=3,
        )
        self._forget(pack)
        with contextlib.suppress(FileNotFoundError):  # another process was first
            (self.folder / pack).rename(self.folder / f"{pack}.torn")
