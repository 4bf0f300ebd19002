"""HDF5 files of others: opened with one clear error, read lazily, written aside in chunks and moved into place."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from xarray.backends import BackendArray
from xarray.core import indexing

from surecast.study import digest
from surecast.study.errors import DataError, SurecastError
from surecast.study.files import written_aside

if TYPE_CHECKING:
    import h5py
    import xarray as xr

SPACE = ("x", "y", "z")
"""Dimensions of space, in the order of the other layouts; surecast's own is the reverse, after `time`."""
AGAIN = "copy or download the file again."


@contextlib.contextmanager
def opened(path: str | Path) -> Iterator[h5py.File]:
    """An HDF5 file for reading; whatever the library finds wrong with it is one `DataError`."""
    import h5py

    if not Path(path).is_file():
        raise DataError(f"{path}: there is no such file.", "give the path of a file.")
    try:
        with h5py.File(path, "r") as file:
            yield file
    except SurecastError:
        raise
    except (OSError, RuntimeError, KeyError, ValueError, TypeError) as error:  # of h5py, on torn and changed files
        raise DataError(f"{path}: cannot be read as HDF5 ({error}).", AGAIN) from error


@contextlib.contextmanager
def created(path: str | Path) -> Iterator[h5py.File]:
    """An HDF5 file for writing, which is at `path` once it is complete, and nowhere if it never is."""
    import h5py

    try:
        with written_aside(path) as aside, h5py.File(aside, "w") as file:
            yield file
    except OSError as error:
        raise SurecastError(f"{path}: cannot be written ({error}).", "make room, or name another file.") from error


def group(parent: h5py.Group, key: str) -> h5py.Group:
    """A group of a group.

    Raises
    ------
    DataError
        If there is none of that name.
    """
    import h5py

    return _member(parent, key, h5py.Group, "group")


def dataset(parent: h5py.Group, key: str, shape: Sequence[int | None] | None = None) -> h5py.Dataset:
    """A dataset of numbers.

    Parameters
    ----------
    parent : h5py.Group
        Where it lies.
    key : str
        Its name there.
    shape : sequence of int or None, optional
        The shape that it must have, None where any length will do.

    Raises
    ------
    DataError
        If there is none, its shape is another one, it holds no numbers, or they lie in another file.
    """
    import h5py

    found = _member(parent, key, h5py.Dataset, "dataset")
    where = f"{parent.file.filename}: {found.name!r}"
    if found.dtype.kind not in "fiub":
        raise DataError(f"{where} holds no real numbers ({found.dtype}).", "write numbers under this key.")
    if found.external or found.is_virtual or found.file != parent.file:
        # Whoever made the file could otherwise have any file of this machine read.
        raise DataError(f"{where} lies in another file.", "copy what it links to into this file.")
    if shape is not None and (
        len(shape) != found.ndim or any(want not in (None, got) for want, got in zip(shape, found.shape, strict=True))
    ):
        wanted = ", ".join("any" if length is None else str(length) for length in shape)
        raise DataError(f"{where} has shape {found.shape}, not ({wanted}).", "write it in the shape of the layout.")
    return found


def attribute(node: h5py.HLObject, name: str) -> Any:
    """An attribute as a plain value.

    Raises
    ------
    DataError
        If there is none of that name.
    """
    if name not in node.attrs:
        there = ", ".join(sorted(node.attrs)) or "none"
        raise DataError(
            f"{node.file.filename}: {node.name!r} lacks the attribute {name!r}; it has {there}.",
            "add it as the layout says.",
        )
    return plain(node.attrs[name])


def plain(value: Any) -> Any:
    """A value of an attribute as Python's own number, text or list of these."""
    if isinstance(value, bytes):
        return value.decode("utf-8", errors="replace")
    if isinstance(value, (np.ndarray, list)):
        return [plain(entry) for entry in np.asarray(value).tolist()]
    return value.item() if isinstance(value, np.generic) else value


def labels(node: h5py.HLObject) -> dict[str, str]:
    """The attributes ``units`` and ``long_name``, where a file has them."""
    return {name: str(plain(node.attrs[name])) for name in ("units", "long_name") if name in node.attrs}


def state_units(found: xr.Dataset) -> xr.Dataset:
    """Say in the attribute ``units`` of which variables a file states no units: none of them is taken for a number."""
    numbers = [str(name) for name, variable in found.variables.items() if variable.dtype.kind in "fiub"]
    if lacking := [name for name in numbers if "units" not in found[name].attrs]:
        found.attrs["units"] = f"the file states no units of {', '.join(lacking)}"
    return found


def values(node: h5py.Dataset) -> np.ndarray:
    """All of a small dataset; truth values as int8, which every format knows."""
    found = np.asarray(node[()])
    return found.astype(np.int8) if found.dtype.kind == "b" else found


def sign(file: h5py.File, content: dict[str, Any]) -> None:
    """Say in attributes of a file which dataset it was made of, and what its card says (JSON)."""
    file.attrs["source"] = f"surecast dataset {content['digest']} of the study {content['study']}"
    file.attrs["card"] = digest.canonical_json(content["card"])


def variable(
    path: str | Path, keys: str | Sequence[str], dims: Sequence[str], shape: tuple[int, ...], node: h5py.Dataset
) -> xr.Variable:
    """A variable whose values are read when they are asked for, with z, y and x in this order.

    Parameters
    ----------
    path : str or Path
        The file.
    keys : str or sequence of str
        One dataset, or one for every entry along the first dimension.
    dims, shape
        Dimensions and shape of all of it as stored.
    node : h5py.Dataset
        One of the datasets: its type and labels are those of all.
    """
    import xarray as xr

    reverse = iter([dim for dim in reversed(SPACE) if dim in dims])
    shown = [next(reverse) if dim in SPACE else dim for dim in dims]
    order = [list(dims).index(dim) for dim in shown]
    return xr.Variable(shown, indexing.LazilyIndexedArray(_Lazy(path, keys, shape, order, node.dtype)), labels(node))


def _member(parent: h5py.Group, key: str, kind: type, word: str) -> Any:
    if key not in parent:
        there = ", ".join(list(parent)[:8]) or "nothing"
        raise DataError(
            f"{parent.file.filename}: there is no {key!r} in {parent.name!r}, which holds {there}.",
            "add it as the layout says, or name the format that the file has.",
        )
    found = parent[key]
    if not isinstance(found, kind):
        raise DataError(f"{parent.file.filename}: {found.name!r} is no {word}.", "write it as the layout says.")
    return found


class _Lazy(BackendArray):
    """One dataset, or several that are stacked, with its dimensions in another order; open only while it is read."""

    def __init__(
        self, path: str | Path, keys: str | Sequence[str], shape: tuple[int, ...], order: list[int], dtype: Any
    ) -> None:
        self.path, self.keys, self.order = path, keys, order
        self.shape = tuple(shape[axis] for axis in order)
        self.dtype = np.dtype(np.int8 if np.dtype(dtype).kind == "b" else dtype)

    def __getitem__(self, key: indexing.ExplicitIndexer) -> Any:
        return indexing.explicit_indexing_adapter(key, self.shape, indexing.IndexingSupport.OUTER, self._outer)

    def _outer(self, key: tuple[Any, ...]) -> np.ndarray:
        places = [np.atleast_1d(np.arange(size)[index]) for size, index in zip(self.shape, key, strict=True)]
        found = self._stored([places[self.order.index(axis)] for axis in range(len(places))]).transpose(self.order)
        return found[tuple(0 if isinstance(index, (int, np.integer)) else slice(None) for index in key)]

    def _stored(self, places: list[np.ndarray]) -> np.ndarray:
        """Values at places along every dimension as stored; HDF5 reads the blocks that hold them."""
        found = np.empty([len(along) for along in places], dtype=self.dtype)
        if not found.size:
            return found
        blocks = tuple(slice(int(along.min()), int(along.max()) + 1) for along in places[1:])
        inner = np.ix_(*[along - along.min() for along in places[1:]])
        with opened(self.path) as file:
            for start, stop in _stretches(places[0], single=not isinstance(self.keys, str)):
                first = int(places[0][start])
                if isinstance(self.keys, str):
                    read = file[self.keys][(slice(first, first + stop - start), *blocks)]
                else:
                    read = file[self.keys[first]][blocks][np.newaxis]
                found[start:stop] = read[(slice(None), *inner)] if inner else read
        return found


def _stretches(rows: np.ndarray, single: bool) -> Iterator[tuple[int, int]]:
    """Where in `rows` stretches of consecutive numbers start and stop, or each number alone."""
    breaks = np.arange(1, len(rows)) if single else np.flatnonzero(np.diff(rows) != 1) + 1
    edges = [0, *breaks.tolist(), len(rows)]
    yield from itertools.pairwise(edges)
