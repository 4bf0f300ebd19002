"""What an index holds of packs: names, sizes, and of their runs what `RunStore` and people ask for, fields left out."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from surecast.study import digest
from surecast.study.errors import DataError

if TYPE_CHECKING:
    import xarray as xr

DEFINITION = "definition"  # attribute of a variable: what it is, so that a changed output is not taken for the old one
INPUT = "input "  # before the name of an input
MOST_TERMS = 64
"""Coefficients of an input that is a field, above which they are read from the packs alone."""


@dataclass(frozen=True)
class Listed:
    """Some packs of one form.

    Attributes
    ----------
    packs : list of str
        Names of their files.
    sizes : list of int
        Bytes of each.
    starts : list of int
        First run of each in `runs`, and the number of all runs at the end.
    runs : xarray.Dataset
        ``identity``, inputs, scalar outputs and diagnostics, ``failed`` and ``message``, dimension ``run``.
    definitions : dict
        Definitions of all outputs, fields included.
    whole : bool
        Whether every input is in `runs`; one with more than `MOST_TERMS` coefficients is not.
    """

    packs: list[str]
    sizes: list[int]
    starts: list[int]
    runs: xr.Dataset
    definitions: dict[str, str]
    whole: bool

    @property
    def form(self) -> str:
        """Digest of what all its packs have in common."""
        variables = [
            [name, list(variable.dims), list(variable.shape[1:]), _kind(variable.dtype), variable.attrs]
            for name, variable in sorted(self.runs.variables.items())
        ]
        return digest.of_json([self.definitions, variables, self.whole])

    def chosen(self, packs: Collection[str]) -> Listed:
        """The same of some of its packs."""
        places = [place for place, name in enumerate(self.packs) if name in packs]
        if len(places) == len(self.packs):
            return self
        lengths = np.diff(self.starts)
        kept = np.repeat(np.isin(np.arange(len(lengths)), places), lengths)
        return Listed(
            [self.packs[place] for place in places],
            [self.sizes[place] for place in places],
            [0, *np.cumsum(lengths[places]).tolist()],
            self.runs.isel(run=kept),
            self.definitions,
            self.whole,
        )


def listed(path: Path, content: xr.Dataset) -> Listed:
    """What an index holds of a pack that has just been written."""
    held = ((str(name), each.dims, each.shape, each.attrs, each.variable) for name, each in content.data_vars.items())
    return _listed(path, content.sizes["run"], ((*about, lambda of=of: of.values) for *about, of in held))


def opened(path: Path) -> Listed:
    """What an index holds of a pack in its file.

    Raises
    ------
    Exception
        If it is torn: the NetCDF library raises OSError, RuntimeError, KeyError ...
    """
    import netCDF4

    # By the NetCDF library alone: xarray takes longer to open a file.
    with netCDF4.Dataset(path) as file:
        file.set_auto_maskandscale(False)
        held = (
            (name, each.dimensions, each.shape, {key: each.getncattr(key) for key in each.ncattrs()}, each)
            for name, each in file.variables.items()
        )
        return _listed(path, len(file.dimensions["run"]), ((*about, lambda of=of: of[:]) for *about, of in held))


def _listed(path: Path, runs: int, variables: Iterable[tuple[Any, ...]]) -> Listed:
    """The same of name, dimensions, shape, attributes and values (on call) of every variable."""
    kept, definitions, whole = {}, {}, True
    for name, dims, shape, attributes, values in variables:
        if DEFINITION in attributes:
            definitions[name] = str(attributes[DEFINITION])
        if dims[:1] != ("run",) or len(dims) > (2 if name.startswith(INPUT) else 1):
            continue
        if len(dims) == 2 and shape[1] > MOST_TERMS:
            whole = False
        else:
            kept[name] = (dims, values(), attributes)
    if not {"identity", "failed", "message"} <= kept.keys():
        raise DataError(f"{path}: does not say which runs it holds.")
    return Listed([path.name], [path.stat().st_size], [0, runs], _dataset(kept), definitions, whole)


def together(every: Sequence[Listed]) -> Listed:
    """Several of one form as one; a pack that stands in two is taken once."""
    known: set[str] = set()
    pieces = []
    for one in every:
        pieces.append(one.chosen(set(one.packs) - known))
        known.update(one.packs)
    first = pieces[0]
    runs = {
        str(name): (
            variable.dims,
            np.concatenate([piece.runs.variables[name].values for piece in pieces]),
            variable.attrs,
        )
        for name, variable in first.runs.variables.items()
    }
    lengths = np.concatenate([np.diff(piece.starts) for piece in pieces])
    return Listed(
        [name for piece in pieces for name in piece.packs],
        [size for piece in pieces for size in piece.sizes],
        [0, *np.cumsum(lengths).tolist()],
        _dataset(runs),
        first.definitions,
        first.whole,
    )


def spans(content: Listed) -> Iterator[tuple[str, int, int]]:
    """Name, first run and the one after the last of each pack."""
    for name, (start, stop) in zip(content.packs, pairwise(content.starts), strict=True):
        yield name, start, stop


def _dataset(variables: dict[str, Any]) -> xr.Dataset:
    import xarray as xr

    return xr.Dataset(variables)


def _kind(dtype: np.dtype) -> str:
    return "text" if dtype.kind in "OUT" else dtype.str
