"""Reading the parts: each is checked against its digest once, then read in pieces, never as a whole.

Part files may be larger than memory. The NetCDF library serves one thread at a time (`NETCDF`); digests,
statistics and writing go on beside it.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from surecast.study import digest
from surecast.study.errors import DataError

if TYPE_CHECKING:
    import xarray as xr

_SLAB = 8 << 20

NETCDF = threading.RLock()
"""Held around every use of the NetCDF library: xarray holds its own lock for data only, and opening,
closing or reading attributes in another thread at the same time ends the process."""


@dataclass(frozen=True)
class PartFacts:
    """What is known of a part once it has been read.

    Attributes
    ----------
    path : str
        Its file.
    digest : str
        Digest of its content, as found.
    runs : int
        Number of runs.
    small : dict
        Variables of few bytes per run, in memory: split, index_in_split, seed, failed, message, scalars.
    variables : dict
        Dimensions, shape, dtype and attributes of every variable.
    """

    path: str
    digest: str
    runs: int
    small: dict[str, np.ndarray]
    variables: dict[str, tuple[tuple[str, ...], tuple[int, ...], str, dict[str, Any]]] = field(default_factory=dict)

    @property
    def all_failed(self) -> bool:
        """Whether every run failed: where none came back to show a field's dimensions, the part lacks that field."""
        return bool((self.small["failed"] != 0).all()) if "failed" in self.small else False


def inspect_part(path: str | Path, small_bytes: int) -> PartFacts:
    """Check a part against its digest, piece by piece, and return what is small in it.

    Parameters
    ----------
    path : str or Path
        The part's NetCDF file.
    small_bytes : int
        Variables of at most so many bytes per run are returned.

    Raises
    ------
    DataError
        If the file is missing, torn, or does not match its digest.
    """
    with _open(path) as part:
        small: dict[str, np.ndarray] = {}
        described: dict[str, Any] = {"": part.attrs}
        variables = {}
        for name in sorted(map(str, part.variables)):
            variable = part.variables[name]
            per_run = variable.nbytes // max(1, variable.sizes.get("run", 1))
            if "run" not in variable.dims or per_run <= small_bytes or variable.dtype.kind in "OUT":
                values = _read(path, variable, slice(None))
                found = digest.of_array(values)
                small[name] = values
            else:
                found = _streamed_digest(path, variable, per_run)
            described[name] = [list(variable.dims), found, variable.attrs]
            variables[name] = (tuple(map(str, variable.dims)), variable.shape, variable.dtype.str, dict(variable.attrs))
        content = digest.of_description(described)
        if content != part.attrs.get("digest"):
            raise DataError(
                f"{path}: content has changed since it was written (digest {content}, not {part.attrs.get('digest')}).",
                _remedy(path),
            )
        return PartFacts(str(path), content, int(part.sizes.get("run", 0)), small, variables)


def _streamed_digest(path: str | Path, variable: xr.Variable, per_run: int) -> str:
    rows = max(1, _SLAB // max(1, per_run))
    starts = range(0, variable.shape[0], rows)
    return digest.of_blocks(
        variable.dtype, variable.shape, (_read(path, variable, slice(start, start + rows)) for start in starts)
    )


class RunReader:
    """Variables of many parts as arrays over the runs of the design.

    Parameters
    ----------
    paths : sequence of str
        Files of the parts, in the order of the runs.
    starts : sequence of int
        First run of each part, and the number of all runs at the end.
    forms : mapping of str to (shape, dtype)
        Shape and type of variables that parts may lack (see `PartFacts.all_failed`): they are NaN there.
    """

    def __init__(
        self,
        paths: Sequence[str],
        starts: Sequence[int],
        forms: Mapping[str, tuple[tuple[int, ...], str]] | None = None,
    ) -> None:
        self.paths, self.starts, self.forms = paths, np.asarray(starts), forms or {}

    def blocks(self, names: Sequence[str], ranges: Sequence[tuple[int, int]]) -> Iterator[tuple[str, np.ndarray]]:
        """For each range of runs and each name, the name and its values; a file is opened once for all names."""
        with ExitStack() as stack:
            current = -1
            for start, stop in ranges:
                pieces: dict[str, list[np.ndarray]] = {name: [] for name in names}
                while start < stop:
                    part = int(np.searchsorted(self.starts, start, side="right")) - 1
                    if part != current:
                        stack.close()
                        current, opened = part, stack.enter_context(_open(self.paths[part], decoded=False))
                    offset, end = int(self.starts[part]), min(stop, int(self.starts[part + 1]))
                    for name in names:
                        if name in self.forms and name not in opened.variables:
                            shape, dtype = self.forms[name]
                            pieces[name].append(np.full((end - start, *shape[1:]), np.nan, dtype))
                            continue
                        rows = slice(start - offset, end - offset)
                        pieces[name].append(_read(self.paths[part], opened.variables[name], rows))
                    start = end
                for name in names:
                    found = pieces.pop(name)
                    yield name, found[0] if len(found) == 1 else np.concatenate(found)


@contextmanager
def _open(path: str | Path, decoded: bool = True) -> Iterator[Any]:
    """A part by xarray; or by the NetCDF library alone, which opens faster and will do for numbers."""
    import netCDF4
    import xarray as xr

    part: Any
    with NETCDF:
        try:
            if decoded:
                part = xr.open_dataset(path, engine="netcdf4", decode_times=False, cache=False)
            else:
                part = netCDF4.Dataset(path)
                part.set_auto_maskandscale(False)
        except Exception as error:  # the NetCDF library raises OSError, RuntimeError, ValueError ... on torn files
            raise DataError(f"{path}: cannot be read as NetCDF ({error}).", _remedy(path)) from error
    try:
        yield part
    finally:
        with NETCDF:
            part.close()


def _read(path: str | Path, variable: Any, rows: slice) -> np.ndarray:
    try:
        with NETCDF:
            return np.asarray(variable[rows] if variable.ndim else variable[...])
    except Exception as error:  # see above: data that cannot be decompressed
        raise DataError(f"{path}: cannot be read as NetCDF ({error}).", _remedy(path)) from error


def _remedy(path: str | Path) -> str:
    return f"delete it (rm {path}) and run snakemake again: runs in the store are not repeated."
