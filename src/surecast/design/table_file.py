"""Reading a user's table: NetCDF or CSV to xarray, units checked and converted, values checked against laws."""

from __future__ import annotations

import csv
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from surecast.study.errors import StudyError

if TYPE_CHECKING:
    import xarray as xr

    from surecast.study.laws.joint import JointLaw

_HEADER = re.compile(r"^(?P<name>[^\[\]]+?)\s*(?:\[(?P<unit>[^\[\]]*)\])?$")
_TERM = re.compile(r"^(?P<name>.+)\.(?P<term>\d+)$")


def read_table(path: Path) -> xr.Dataset:
    """A user's table with dimension ``run``.

    Raises
    ------
    StudyError
        If the file is missing, of another type, or no such table.
    """
    if path.suffix not in (".nc", ".csv"):
        raise _error(path, f"is a {path.suffix or 'nameless'} file", "give a NetCDF file (.nc) or a CSV file (.csv).")
    if not path.is_file():
        raise _error(path, "no such file", "give a path relative to the study file.")
    table = _read_netcdf(path) if path.suffix == ".nc" else _read_csv(path)
    if not table.sizes.get("run"):
        raise _error(path, "has no rows (dimension run)", "give one row per run; in NetCDF name the dimension run.")
    return table


def _read_netcdf(path: Path) -> xr.Dataset:
    import xarray as xr

    try:
        with xr.open_dataset(path, engine="netcdf4", decode_times=False) as file:
            return file.load().reset_coords()
    except Exception as error:  # the NetCDF library raises many kinds of errors on files that are none
        raise _error(path, f"cannot be read as NetCDF ({error})", "write it anew with xarray.") from error


def _read_csv(path: Path) -> xr.Dataset:
    import xarray as xr

    try:
        with open(path, encoding="utf-8", newline="") as file:
            lines = [line for line in csv.reader(file, skipinitialspace=True) if line]
    except (OSError, ValueError, csv.Error) as error:  # not UTF-8 is a ValueError
        raise _error(path, f"cannot be read as CSV ({error})", "write it in UTF-8: a header, then rows.") from error
    if not lines:
        raise _error(path, "is empty", "write a header, then one row per run.")
    header, rows = lines[0], lines[1:]
    for number, row in enumerate(rows):
        if len(row) != len(header):
            raise _error(path, f"has {len(row)} cells in row {number}, the header {len(header)}", "give one each.")
    columns: dict[str, tuple[np.ndarray, str | None]] = {}
    for place, text in enumerate(header):
        match = _HEADER.match(text.strip())
        if match is None:
            raise _error(path, f"has a column {text!r}", "name columns like 'head' or 'head [m]'.")
        name = match["name"].strip()
        if name in columns:
            raise _error(path, f"has two columns {name!r}", "keep one of them.")
        columns[name] = (_numbers([row[place].strip() for row in rows]), match["unit"])
    table = xr.Dataset()
    for name, (values, unit) in _terms_together(path, columns).items():
        dims = ("run",) if values.ndim == 1 else ("run", f"{name}_term")
        table[name] = (dims, values, {} if unit is None else {"units": unit.strip()})
    return table


def _numbers(cells: list[str]) -> np.ndarray:
    """Cells as float64 (empty ones NaN), correctly rounded; as text if one of them is no number."""
    try:
        return np.array([float(cell or "nan") for cell in cells])
    except ValueError:
        return np.array(cells)


def _terms_together(
    path: Path, columns: dict[str, tuple[np.ndarray, str | None]]
) -> dict[str, tuple[np.ndarray, str | None]]:
    """Columns ``name.0, name.1, ...`` as one array of shape (run, term)."""
    terms: dict[str, dict[int, str]] = {}
    for column_name in columns:
        if match := _TERM.match(column_name):
            terms.setdefault(match["name"], {})[int(match["term"])] = column_name
    together = {name: value for name, value in columns.items() if not _TERM.match(name)}
    for name, numbered in terms.items():
        if sorted(numbered) != list(range(len(numbered))):
            raise _error(path, f"columns {name}.<term> are not numbered from 0 without gaps", "number them so.")
        together[name] = (np.stack([columns[numbered[term]][0] for term in range(len(numbered))], axis=1), None)
    return together


def column(table: xr.Dataset, name: str, shape: xr.DataArray, file: str, finite: bool = True) -> xr.DataArray:
    """One variable of a table, with the dimensions, unit and attributes of `shape`.

    Raises
    ------
    StudyError
        If it is missing, has another number of terms, an incompatible unit, or values that are not
        finite numbers.
    """
    import xarray as xr

    if name not in table:
        raise _error(file, f"has no column {name!r}", f"add it; the table has {', '.join(map(repr, table.data_vars))}.")
    found = table[name]
    if found.dims[:1] != ("run",) or found.shape[1:] != shape.shape[1:]:
        raise _error(
            file,
            f"{name!r} has shape {found.shape} with dimensions {found.dims}",
            f"it needs (run, *{shape.shape[1:]}).",
        )
    values = np.asarray(found.values)
    if shape.dtype.kind in "fiu" and values.dtype.kind not in "fiu":
        raise _error(file, f"column {name!r} holds text ({_first_text(values)!r})", "write numbers.")
    if values.dtype.kind in "fiu":
        values = _converted(values, name, found.attrs.get("units"), str(shape.attrs.get("units", "")), file)
        if finite and not np.isfinite(values).all():
            row = int(np.argwhere(~np.isfinite(values))[0][0])
            raise _error(file, f"column {name!r} has no finite value in row {row}", "fill it in or delete the row.")
        if shape.dtype.kind in "iu" and not (values == np.rint(values)).all():
            row = int(np.flatnonzero(values != np.rint(values))[0])
            raise _error(file, f"column {name!r} has {values[row]} in row {row}", "write whole numbers.")
        values = values.astype(shape.dtype)
    return xr.DataArray(values, dims=shape.dims, attrs=shape.attrs, name=name)


def _first_text(values: np.ndarray) -> str:
    for value in values.ravel():
        try:
            float(value)
        except ValueError:
            return str(value)
    return str(values.ravel()[0])


def _converted(values: np.ndarray, name: str, unit: str | None, wanted: str, file: str) -> np.ndarray:
    from surecast.study.units import compatible, convert

    if unit is None or unit == wanted:
        return values
    if not compatible(unit, wanted):
        raise _error(file, f"column {name!r} is in {unit!r}, the study has {wanted!r}", "give a compatible unit.")
    return np.asarray(convert(values.astype(float), unit, wanted))


def check_inside(inputs: xr.Dataset, law: JointLaw, file: str, rows: np.ndarray) -> None:
    """Raise `StudyError` if some value lies where the law of its input has no probability."""
    for name in law.names:
        values = inputs[name].values
        inside = np.asarray(law.laws[name].log_density(values)) > -np.inf
        if not inside.all():
            first = int(np.flatnonzero(~inside)[0])
            raise _error(
                file,
                f"column {name!r} has {_plain(values[first])} in row {int(rows[first])}, which its law cannot take "
                f"({int((~inside).sum())} such rows)",
                "correct the row, or widen the law of that input.",
            )


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else np.asarray(value).tolist()


def _error(file: str | Path, message: str, remedy: str) -> StudyError:
    return StudyError(message, remedy, key="design.file", value=str(file))
