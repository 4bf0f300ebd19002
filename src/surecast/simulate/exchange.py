"""Files between surecast and an outside program: the inputs of one run written, what it gave read and checked.

Whatever a program may leave wrong in its output is a `SimulationError` here, whose message fails that run alone.
"""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, field_validator, model_validator

from surecast.simulate.gates import fault
from surecast.study.component import refused
from surecast.study.errors import SimulationError
from surecast.study.files import write_dataset, write_text
from surecast.study.units import UnitError, check_unit, compatible, convert

if TYPE_CHECKING:
    import xarray as xr

RESERVED = ("run", "seed", "failure")
"""Names that simulations use for themselves."""
SUFFIXES = {"json": "json", "csv": "csv", "netcdf": "nc"}

_POINTS = "write for example {low: 0.0, high: 1.0, count: 50}."

Coordinates = Annotated[list[Annotated[float, Field(allow_inf_nan=False)]], Field(min_length=1)]


class Points(BaseModel):
    """Equally spaced coordinates."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    low: float = Field(allow_inf_nan=False, description="First coordinate.")
    high: float = Field(allow_inf_nan=False, description="Last coordinate, included.")
    count: int = Field(ge=2, le=10**8, description="Number of points.")

    @model_validator(mode="before")
    @classmethod
    def _whole(cls, given: Any) -> Any:
        if isinstance(given, dict) and given.keys() != cls.model_fields.keys():
            told = f"has the keys {', '.join(map(str, given))}" if given else "is empty"
            raise refused("", f"{told}; equally spaced points have low, high and count.", _POINTS)
        return given


def _written_as(axis: Any) -> str | None:
    """Which of the ways to write an axis this is, so that one message tells what is wrong with it."""
    if isinstance(axis, bool):
        return None
    if isinstance(axis, int):
        return "size"
    return "list" if isinstance(axis, list) else "points" if isinstance(axis, (dict, Points)) else None


def _axis(forms: str) -> Discriminator:
    context: dict[str, int | str | float] = {"reason": f"is {forms}.", "key": "", "remedy": _POINTS}
    return Discriminator(_written_as, "refused", "{reason}", context)


Grid = Annotated[
    Annotated[Coordinates, Tag("list")] | Annotated[Points, Tag("points")],
    _axis("neither a list of coordinates nor {low, high, count}"),
]
"""Coordinates along an axis."""
Axis = Annotated[
    Annotated[int, Field(ge=1, le=10**8), Tag("size")]
    | Annotated[Coordinates, Tag("list")]
    | Annotated[Points, Tag("points")],
    _axis("neither a number of values nor a list of coordinates nor {low, high, count}"),
]
"""The same, or the number of values alone."""


class Returned(BaseModel):
    """One variable of a program's output."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    units: str = Field(description='Unit as pint reads it, for example m2/day; "1" for none.')
    long_name: str = Field(default="", description="What it is, in words.")
    shape: dict[str, Axis] = Field(
        default={},
        description="Dimensions in order: name to number of values, to coordinates, or to {low, high, count}.",
    )

    @field_validator("units")
    @classmethod
    def _unit(cls, units: str) -> str:
        try:
            check_unit(units)
        except UnitError as error:
            raise refused("", error.message, error.remedy) from error
        return units

    @field_validator("shape")
    @classmethod
    def _possible(cls, shape: dict[str, Any]) -> dict[str, Any]:
        for dim in shape:
            if not dim.isidentifier() or dim in RESERVED:
                raise refused(dim, "a dimension cannot have this name.", f"use letters and digits; not {RESERVED}.")
        return shape

    @property
    def sizes(self) -> tuple[int, ...]:
        """Number of values along each dimension."""
        return tuple(axis if isinstance(axis, int) else len(values_of(axis)) for axis in self.shape.values())

    def coordinates(self) -> dict[str, np.ndarray]:
        """Coordinates of the dimensions that have any."""
        return {dim: values_of(axis) for dim, axis in self.shape.items() if not isinstance(axis, int)}


def check_names(outputs: Mapping[str, Returned]) -> None:
    """Refuse names that cannot stand in a dataset, and dimensions of one name that are not the same."""
    axes: dict[str, Any] = {}
    for name, item in outputs.items():
        if not name.isidentifier() or name in RESERVED:
            raise refused(name, "an output cannot have this name.", f"use letters and digits; not {RESERVED}.")
        for dim, axis in item.shape.items():
            if axes.setdefault(dim, axis) != axis:
                raise refused(f"{name}.shape.{dim}", "is another elsewhere.", "give the dimensions two names.")
    if both := sorted(axes.keys() & outputs.keys()):
        raise refused(both[0], "a dimension has this name.", "rename one of them.")


def values_of(axis: list[float] | Points) -> np.ndarray:
    """Coordinates along an axis."""
    if isinstance(axis, Points):
        return np.linspace(axis.low, axis.high, axis.count)
    return np.asarray(axis, dtype=np.float64)


def plain(run: xr.Dataset) -> dict[str, Any]:
    """The inputs of one run as numbers and nested lists of numbers."""
    return {str(name): variable.values.tolist() for name, variable in run.data_vars.items()}


def write_input(path: Path, run: xr.Dataset, form: Literal["json", "netcdf"]) -> None:
    """Write the inputs of one run (no dimension ``run``): an object of name to value, or a file of variables."""
    if form == "netcdf":
        write_dataset(path, run, compress=False)
    else:
        write_text(path, json.dumps(plain(run), indent=1) + "\n")


def read_output(path: Path, form: Literal["json", "csv", "netcdf"], wanted: Iterable[str]) -> Mapping[Any, Any]:
    """What a program left: name to value; a column of CSV as a list, a variable of NetCDF as a DataArray.

    Raises
    ------
    SimulationError
        If the file is missing or is no such file.
    """
    if not path.is_file():
        raise SimulationError(f"it wrote no file {path.name}")
    try:
        if form == "csv":
            return _columns(path, set(wanted))
        if form == "netcdf":
            import xarray as xr

            with xr.open_dataset(path, engine="netcdf4", decode_times=False) as file:
                return file.load()
        content = json.loads(path.read_bytes())
    except (OSError, ValueError, RuntimeError, RecursionError, csv.Error) as error:
        told = str(error).replace(f"{path.parent}/", "")
        raise SimulationError(f"{path.name} cannot be read as {form} ({told})") from error
    if not isinstance(content, dict):
        raise SimulationError(f"{path.name} holds no object of names to values but {type(content).__name__}")
    return content


def _columns(path: Path, wanted: set[str]) -> dict[str, list[float]]:
    """Columns of a CSV file by the names in its first line; those that nobody wants may hold anything."""
    rows = csv.reader(path.read_text(encoding="utf-8-sig").splitlines(), skipinitialspace=True)
    lines = [(number, row) for number, row in enumerate(rows, 1) if any(cell.strip() for cell in row)]
    if not lines:
        raise ValueError("it is empty")
    names = [cell.strip() for cell in lines[0][1]]
    columns: dict[str, list[float]] = {name: [] for name in names}
    if len(columns) < len(names):
        raise ValueError("two columns have the same name")
    for number, row in lines[1:]:
        if len(row) != len(names):
            raise ValueError(f"line {number} has {len(row)} cells, not {len(names)}")
        for name, cell in zip(names, row, strict=True):
            try:
                columns[name].append(float(cell))
            except ValueError:
                if name in wanted:
                    raise ValueError(f"line {number}, column {name}: {cell.strip()[:40]!r} is no number") from None
    return columns


def checked(found: Mapping[Any, Any], declared: Mapping[str, Returned], rows: bool = False) -> dict[str, np.ndarray]:
    """The declared variables among what a program gave, float64 in their declared shapes.

    Parameters
    ----------
    found : mapping
        As `read_output` gives it, or a user's function.
    declared : mapping of str to Returned
        The variables.
    rows : bool
        Whether the values are columns of a table, of which one row holds the variables that are numbers.

    Raises
    ------
    SimulationError
        If one is missing, or is not as declared: shape, unit, coordinates, finite numbers.
    """
    values = {}
    for name, variable in declared.items():
        if name not in found:
            raise SimulationError(f"it gave no {name!r}, only {', '.join(map(str, found)) or 'nothing'}")
        value = _as_declared(name, found[name], variable)
        array = _numbers(name, value)
        if rows and not variable.shape and array.shape == (1,):
            array = array[0]
        if array.shape != variable.sizes:
            raise SimulationError(f"{name} has the shape {array.shape}, not {variable.sizes} as declared")
        if not np.isfinite(array).all():
            raise SimulationError(fault(name, array, np.inf))
        values[name] = array
    return values


def _as_declared(name: str, value: Any, variable: Returned) -> Any:
    """A value with its dimensions in the declared order; what a DataArray says of itself must be what is declared."""
    import xarray as xr

    if not isinstance(value, xr.DataArray):
        return value
    if set(value.dims) != set(variable.shape):
        raise SimulationError(
            f"{name} has the dimensions {tuple(map(str, value.dims))}, not {tuple(variable.shape)} as declared"
        )
    unit = str(value.attrs.get("units", variable.units))
    try:
        same = unit == variable.units or (
            compatible(unit, variable.units) and math.isclose(convert(1.0, unit, variable.units), 1.0, rel_tol=1e-12)
        )
    except UnitError as error:
        raise SimulationError(f"{name}: {error.message}") from error
    if not same:
        raise SimulationError(f"{name} is in {unit}, not in {variable.units} as declared")
    for dim, points in variable.coordinates().items():
        given = value.coords[dim].values if dim in value.coords else points
        if given.shape == points.shape and not np.allclose(given, points, rtol=1e-6, atol=1e-9 * np.ptp(points)):
            raise SimulationError(f"{name} has other coordinates along {dim} than declared")
    return value.transpose(*variable.shape).values


def _numbers(name: str, value: Any) -> np.ndarray:
    try:
        array = np.asarray(value)
    except ValueError as error:  # lists of several lengths
        raise SimulationError(f"{name} is no array: its rows differ in length") from error
    if array.dtype.kind not in "fiu":
        told = json.dumps(value, default=str) if isinstance(value, (list, str, bool, dict, type(None))) else str(value)
        raise SimulationError(f"{name} is not of numbers: {told if len(told) <= 60 else told[:57] + '...'}")
    return array.astype(np.float64)
