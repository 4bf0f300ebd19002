"""The run store: every run ever made, found by identity.

A folder of packs. A pack is a NetCDF file with some runs: their identities and outputs, written aside and
moved into place under a name of its own, never changed afterwards. So there are no locks: processes that
write at once write different packs. A pack that cannot be read or does not match its digest is set aside
with a warning, and its runs are made again.

A pack also holds what its runs were given: ``input <name>`` for every input, fields by their coefficients, and ``input
seed``. Nothing reads it but people (`surecast runs`), so packs that lack it are found as others are.
"""

from __future__ import annotations

import contextlib
import uuid
import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from surecast.study import digest
from surecast.study.errors import DataError
from surecast.study.files import read_dataset, write_dataset

if TYPE_CHECKING:
    import xarray as xr

DEFINITION = "definition"  # attribute of a variable: what it is, so that a changed output is not taken for the old one
INPUT = "input "  # before the name of an input


class RunStore:
    """Runs in a folder.

    Parameters
    ----------
    folder : str or Path
        The folder; made when the first run is added.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        self._identities: dict[Path, list[str]] = {}  # what each pack holds
        self._definitions: dict[Path, dict[str, str]] = {}

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
        wanted = set(map(str, identities))
        blocks: list[xr.Dataset] = []
        place: dict[str, int] = {}
        for pack in self._packs():
            missing = wanted - place.keys()
            if not missing:
                break
            held, holds = self._identities[pack], self._definitions[pack]
            rows = [row for row, identity in enumerate(held) if identity in missing]
            if not rows or any(holds.get(name) != definition for name, definition in definitions.items()):
                continue
            try:
                content = read_dataset(pack)
            except DataError as error:
                self._set_aside(pack, error)
                continue
            place |= {held[row]: len(place) + count for count, row in enumerate(rows)}
            blocks.append(content.drop_vars("identity").isel(run=rows))
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
        self._index(path, content)
        return path

    def read(self) -> Iterator[xr.Dataset]:
        """Every pack: ``identity``, inputs, scalar outputs, ``failed`` and ``message``, dimension ``run``.

        To be looked at: fields are not read, and digests, which are of whole packs, not checked.
        """
        import xarray as xr

        for pack in self._packs():
            with xr.open_dataset(pack, engine="netcdf4", decode_times=False) as content:
                fields = [
                    name for name, v in content.data_vars.items() if v.ndim > 1 and not str(name).startswith(INPUT)
                ]
                yield content.drop_vars(fields).load()

    def __len__(self) -> int:
        """Number of different runs."""
        return len({identity for pack in self._packs() for identity in self._identities[pack]})

    def _packs(self) -> list[Path]:
        """Packs that can be opened, in a fixed order; what each holds is read once."""
        packs = sorted(self.folder.glob("*.nc"))
        for pack in packs:
            if pack not in self._identities:
                self._open(pack)
        for gone in self._identities.keys() - set(packs):
            self._forget(gone)
        return [pack for pack in packs if pack in self._identities]

    def _open(self, pack: Path) -> None:
        import xarray as xr

        try:
            with xr.open_dataset(pack, engine="netcdf4", decode_times=False) as content:
                self._index(pack, content)
        except Exception as error:  # the NetCDF library raises OSError, RuntimeError, KeyError ... on torn files
            self._set_aside(pack, error)

    def _index(self, pack: Path, content: xr.Dataset) -> None:
        identities = [str(identity) for identity in content["identity"].values]
        self._definitions[pack] = {
            str(name): str(variable.attrs[DEFINITION])
            for name, variable in content.data_vars.items()
            if DEFINITION in variable.attrs
        }
        self._identities[pack] = identities

    def _forget(self, pack: Path) -> None:
        self._identities.pop(pack, None)
        self._definitions.pop(pack, None)

    def _set_aside(self, pack: Path, error: Exception) -> None:
        warnings.warn(
            f"{pack}: set aside as {pack.name}.torn, its runs will be made again ({error})",
            RuntimeWarning,
            stacklevel=3,
        )
        self._forget(pack)
        with contextlib.suppress(FileNotFoundError):  # another process was first
            pack.rename(pack.with_name(f"{pack.name}.torn"))
