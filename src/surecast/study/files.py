"""Files are written aside and moved into place, carry a digest of their content, and are checked when read."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from surecast.study import digest
from surecast.study.errors import DataError

TYPE_CHECKING = False
if TYPE_CHECKING:
    import xarray as xr


@contextlib.contextmanager
def written_aside(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path in the same folder; move it to `path` on success, delete it on failure."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".aside", dir=path.parent)
    os.close(handle)
    aside = Path(name)
    try:
        yield aside
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(aside, 0o666 & ~umask)
        os.replace(aside, path)
    finally:
        aside.unlink(missing_ok=True)


def write_text(path: str | Path, text: str) -> None:
    """Write a text file (UTF-8) in one move."""
    with written_aside(path) as aside:
        aside.write_text(text, encoding="utf-8")


def write_json(path: str | Path, content: dict[str, Any]) -> None:
    """Write a JSON object with the digest of its content under the key ``digest``."""
    body = json.loads(digest.canonical_json({key: value for key, value in content.items() if key != "digest"}))
    body["digest"] = digest.of_json(body)
    write_text(path, json.dumps(body, indent=1, allow_nan=False) + "\n")


def read_json(path: str | Path) -> dict[str, Any]:
    """Read a JSON object written by `write_json`.

    Raises
    ------
    DataError
        If the file is missing, is no JSON, or does not match its digest.
    """
    try:
        content = json.loads(Path(path).read_bytes())
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: cannot be read as JSON ({error}).", _remake(path)) from error
    if not isinstance(content, dict) or "digest" not in content:
        raise DataError(f"{path}: has no digest, so it was not written by surecast.", _remake(path))
    stated = content["digest"]
    found = digest.of_json({key: value for key, value in content.items() if key != "digest"})
    if found != stated:
        raise DataError(
            f"{path}: content has changed since it was written (digest {found}, not {stated}).", _remake(path)
        )
    return content


def write_dataset(path: str | Path, dataset: xr.Dataset, *, compress: bool = True) -> str:
    """Write an xarray Dataset as NetCDF 4 with the digest of its decoded content; return the digest.

    Attributes that are mappings or lists of mappings must be given as JSON text.
    """
    dataset = dataset.copy()
    for variable in dataset.variables.values():
        variable.encoding.clear()
        if np.asarray(variable.values).dtype.kind == "b":
            raise DataError(f"{path}: boolean variables do not survive NetCDF.", "store them as int8.")
    dataset.attrs["digest"] = digest.of_dataset(dataset)
    encoding: dict[str, dict[str, Any]] = {}
    for name, variable in dataset.variables.items():
        if variable.dtype.kind in "fiu":
            encoding[str(name)] = {"_FillValue": None}
            if compress and variable.size:
                encoding[str(name)] |= {"zlib": True, "complevel": 1, "shuffle": True}
    import netCDF4
    from xarray.backends import NetCDF4DataStore

    # What to_netcdf does, save that it looks for a cluster of Dask's, whose package every job would import for it.
    with written_aside(path) as aside, netCDF4.Dataset(aside, "w", format="NETCDF4") as file:
        dataset.dump_to_store(NetCDF4DataStore(file), encoding=encoding)
    return str(dataset.attrs["digest"])


def read_dataset(path: str | Path, *, verify: bool = True) -> xr.Dataset:
    """Read a NetCDF file written by `write_dataset` into memory and check its digest.

    Raises
    ------
    DataError
        If the file is missing, torn, or does not match its digest.
    """
    import xarray as xr

    try:
        with xr.open_dataset(path, engine="netcdf4", decode_times=False) as file:
            dataset = file.load()
    except Exception as error:  # the NetCDF library raises OSError, RuntimeError, ValueError ... on torn files
        raise DataError(f"{path}: cannot be read as NetCDF ({error}).", _remake(path)) from error
    if verify:
        stated = dataset.attrs.get("digest")
        found = digest.of_dataset(dataset)
        if stated != found:
            raise DataError(
                f"{path}: content has changed since it was written (digest {found}, not {stated}).", _remake(path)
            )
    for variable in dataset.variables.values():
        variable.encoding.clear()
    return dataset


def _remake(path: str | Path) -> str:
    return f"delete it (rm -r {path}) and run snakemake again."
