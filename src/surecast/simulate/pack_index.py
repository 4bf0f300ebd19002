"""What lies in the packs of a run store, gathered in few files, so that 10^5 runs are found without opening every pack.

An index file holds what `RunStore` and people ask of many packs: their names and sizes, and of their runs the
identities, inputs, scalar outputs, ``failed`` and ``message``; no fields. All its packs are of one form: the same
variables with the same definitions, units and types. It is only a copy of what the packs say. Whoever has opened
`PACKS` packs that are in no index file writes one, aside and moved into place under a name of its own, and takes into
it those that are no larger: so there are some log2(packs) of them, and no locks. Two processes may index the same
packs; the next file that takes in one of them replaces both. A file that is torn or missing costs time alone: its
packs are opened, and indexed again.
"""

from __future__ import annotations

import contextlib
import json
import os
import uuid
import warnings
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

import numpy as np

from surecast.simulate.listed_packs import Listed, together
from surecast.study import digest
from surecast.study.errors import DataError
from surecast.study.files import read_dataset, write_dataset

PACKS = 32
"""Packs without an index that are opened one by one before an index file is written of them."""
VERSION = 1


class PackIndex:
    """Index files in a folder.

    Parameters
    ----------
    folder : Path
        The folder; made when the first file is written.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._known: dict[str, tuple[str, frozenset[str]]] = {}  # of each file read: form, packs

    def news(self) -> Iterator[Listed]:
        """What index files hold that have not been read so far."""
        for name in sorted(self._files() - self._known.keys()):
            found = self._read(name)
            if found is not None:
                self._known[name] = found.form, frozenset(found.packs)
                yield found

    def every(self) -> Iterator[Listed]:
        """What all index files hold, of packs that stand in several once."""
        seen: set[str] = set()
        for name in sorted(self._files()):
            found = self._read(name)
            if found is not None:
                yield found.chosen(set(found.packs) - seen)
                seen.update(found.packs)

    def write(self, packs: Iterable[Listed], there: Collection[str]) -> None:
        """Index packs.

        Parameters
        ----------
        packs : iterable of Listed
            Packs that stand in no index file.
        there : collection of str
            Names of all packs that there are: others are left out of what is written again.
        """
        files, present = self._files(), set(there)
        self._known = {name: held for name, held in self._known.items() if name in files}
        forms: dict[str, list[Listed]] = {}
        for one in packs:
            forms.setdefault(one.form, []).append(one)
        for form, new in forms.items():
            count = len(new)
            same = {name: held & present for name, (of, held) in self._known.items() if of == form}
            for name in sorted(same, key=lambda name: (len(same[name]), name)):
                if len(same[name]) <= count and (old := self._read(name)) is not None:
                    new.append(old.chosen(present))
                    count += len(same[name])
            self._write(form, together([one for one in new if one.packs]))
            written = set().union(*(one.packs for one in new))
            for name, held in same.items():
                if held <= written:
                    self._remove(name)

    def _write(self, form: str, content: Listed) -> None:
        name = f"{uuid.uuid4().hex}.nc"
        runs = content.runs.drop_vars("identity").assign(
            identity=(("run", "letter"), _letters(content.runs["identity"].values)),
            pack=(("pack", "letter of name"), _letters(content.packs)),
            size=("pack", np.array(content.sizes, dtype=np.int64)),
            runs=("pack", np.diff(content.starts).astype(np.int64)),
        )
        runs.attrs = {
            "long_name": "what lies in some packs of a run store",
            "version": VERSION,
            "definitions": digest.canonical_json(content.definitions),
            "whole": int(content.whole),
        }
        write_dataset(self.folder / name, runs, compress=False)
        self._known[name] = form, frozenset(content.packs)

    def _read(self, name: str) -> Listed | None:
        path = self.folder / name
        try:
            content = read_dataset(path)
            if content.attrs.get("version") != VERSION:
                raise DataError(f"{path}: is of version {content.attrs.get('version')}, not {VERSION}.")
        except DataError as error:
            if path.exists():  # not taken away by another process, which has put all of it into a larger one
                warnings.warn(f"{path}: removed, its packs will be read again ({error})", RuntimeWarning, stacklevel=2)
                self._remove(name)
            return None
        runs = content.drop_vars(["pack", "size", "runs"]).assign(identity=("run", _texts(content["identity"].values)))
        return Listed(
            _texts(content["pack"].values).tolist(),
            content["size"].values.tolist(),
            [0, *np.cumsum(content["runs"].values).tolist()],
            runs.assign_attrs({}),
            json.loads(content.attrs["definitions"]),
            bool(content.attrs["whole"]),
        )

    def _remove(self, name: str) -> None:
        self._known.pop(name, None)
        with contextlib.suppress(OSError):  # another process was first, or the store may only be read
            (self.folder / name).unlink()

    def _files(self) -> set[str]:
        return file_names(self.folder)


def file_names(folder: Path) -> set[str]:
    """Names of the NetCDF files in a folder; none where there is no folder."""
    try:
        with os.scandir(folder) as entries:
            return {entry.name for entry in entries if entry.name.endswith(".nc")}
    except FileNotFoundError:
        return set()


def file_sizes(folder: Path) -> dict[str, int]:
    """Bytes of each NetCDF file in a folder."""
    sizes = {}
    for name in file_names(folder):
        with contextlib.suppress(FileNotFoundError):  # set aside meanwhile
            sizes[name] = (folder / name).stat().st_size
    return sizes


def _letters(texts: Iterable[str]) -> np.ndarray:
    """Texts as rows of letters, filled up with zeros: a NetCDF library reads such a table at once, texts one by one."""
    array = np.array(list(texts), dtype="S")
    return array.view(np.uint8).reshape(len(array), -1)


def _texts(letters: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(letters).view(f"S{letters.shape[1]}").ravel().astype(str)
