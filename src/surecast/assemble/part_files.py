"""Reading the parts: each is checked against its digest once, then read in pieces, never as a whole.

Part files may be larger than memory. The NetCDF library reads for one thread at a time (xarray holds its
lock); digests, statistics and writing go on beside it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from surecast.study import digest
from surecast.study.errors import DataError

if TYPE_CHECKING:
    import xarray as xr

_SLAB = 8 << 20


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
    with _opened(path) as part:
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
    """One variable of many parts as one array over the runs of the design.

    Parameters
    ----------
    name : str
        The variable.
    paths : sequence of str
        Files of the parts, in the order of the runs.
    starts : sequence of int
        First run of each part, and the number of all runs at the end.
    dtype : str
        NumPy dtype of what is returned.
    """

    def __init__(self, name: str, paths: Sequence[str], starts: Sequence[int], dtype: str) -> None:
        self.name, self.paths, self.starts, self.dtype = name, paths, np.asarray(starts), np.dtype(dtype)

    def blocks(self, ranges: Sequence[tuple[int, int]]) -> Iterator[np.ndarray]:
        """Runs ``start <= run < stop`` for each range in turn; ranges ascend, files stay open between them."""
        current, opened = -1, None
        try:
            for start, stop in ranges:
                pieces = []
                while start < stop:
                    part = int(np.searchsorted(self.starts, start, side="right")) - 1
                    if part != current:
                        if opened is not None:
                            opened.close()
                        current, opened = part, _opened(self.paths[part])
                    assert opened is not None
                    end = min(stop, int(self.starts[part + 1]))
                    offset = int(self.starts[part])
                    variable = opened.variables[self.name]
                    pieces.append(_read(self.paths[part], variable, slice(start - offset, end - offset)))
                    start = end
                block = pieces[0] if len(pieces) == 1 else np.concatenate(pieces)
                yield block.astype(self.dtype, copy=False)
        finally:
            if opened is not None:
                opened.close()


def _opened(path: str | Path) -> xr.Dataset:
    import xarray as xr

    try:
        return xr.open_dataset(path, engine="netcdf4", decode_times=False, cache=False)
    except Exception as error:  # the NetCDF library raises OSError, RuntimeError, ValueError ... on torn files
        raise DataError(f"{path}: cannot be read as NetCDF ({error}).", _remedy(path)) from error


def _read(path: str | Path, variable: xr.Variable, rows: slice) -> np.ndarray:
    try:
        return np.asarray((variable[rows] if variable.ndim else variable).values)
    except Exception as error:  # see above: data that cannot be decompressed
        raise DataError(f"{path}: cannot be read as NetCDF ({error}).", _remedy(path)) from error


def _remedy(path: str | Path) -> str:
    return f"delete it (rm {path}) and run snakemake again: runs in the store are not repeated."
