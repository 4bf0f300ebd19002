r"""Empirical law: a column of a table, resampled, or interpolated between its sorted values.

With sorted values x_1 <= ... <= x_n, the plain law gives each 1/n. The interpolated one has the
piecewise linear inverse F^-1((i - 1) / (n - 1)) = x_i, so that its density is constant between
neighbours: 1 / ((n - 1) (x_{i+1} - x_i)).
"""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import Field, PrivateAttr

from surecast.study import digest
from surecast.study.errors import StudyError
from surecast.study.laws.discrete import Steps
from surecast.study.laws.law import DiscreteLaw, column, inside
from surecast.study.nearest import suggestion


class Empirical(DiscreteLaw):
    """Values observed elsewhere."""

    table: str = Field(min_length=1, description="CSV (with header) or NetCDF file, relative to the study file.")
    column: str = Field(min_length=1, description="Name of the column (variable) that holds the values.")
    interpolate: bool = Field(
        default=False, description="Interpolate linearly between sorted values, which makes the law continuous."
    )

    _values: Any = PrivateAttr(default=None)
    _steps: Any = PrivateAttr(default=None)

    def model_post_init(self, context: Any, /) -> None:
        """Read the column; the study's folder comes with pydantic's context."""
        path = Path((context or {}).get("folder", ".")) / self.table
        self._values = np.sort(read_column(path, self.column))
        if self.interpolate and (len(self._values) < 2 or not (np.diff(self._values) > 0).all()):
            raise StudyError(
                "the column holds a value twice, so that it cannot be interpolated.",
                "set interpolate: false.",
                key="interpolate",
            )
        distinct, counts = np.unique(self._values, return_counts=True)
        self._steps = Steps(distinct, counts / counts.sum())

    @property
    def continuous(self) -> bool:
        """Whether it is interpolated."""
        return self.interpolate

    def settings(self) -> dict[str, Any]:
        """The settings and the digest of the values, so that an edited table is noticed."""
        return super().settings() | {"content": digest.of_array(self._values)}

    def from_uniform(self, u: np.ndarray) -> np.ndarray:
        """Values ``(n,)`` from uniforms ``(n, 1)``."""
        if not self.interpolate:
            return np.asarray(self._steps.from_uniform(u))
        return np.interp(inside(column(u)), self._grid(), self._values)

    def to_uniform(self, values: np.ndarray) -> np.ndarray:
        """Uniforms ``(n, 1)`` from values ``(n,)``."""
        if not self.interpolate:
            return np.asarray(self._steps.to_uniform(values))
        return np.asarray(np.interp(column(values), self._values, self._grid())[:, None])

    def from_normal(self, z: np.ndarray) -> np.ndarray:
        """Values ``(n,)`` from standard normals ``(n, 1)``, where interpolated."""
        from scipy.special import ndtr

        if not self.interpolate:
            raise self._refuse()
        return self.from_uniform(ndtr(column(z)))

    def to_normal(self, values: np.ndarray) -> np.ndarray:
        """Standard normals ``(n, 1)``, where interpolated."""
        from scipy.special import ndtri

        if not self.interpolate:
            raise self._refuse()
        return np.asarray(ndtri(inside(self.to_uniform(values))))

    def log_density(self, values: np.ndarray) -> np.ndarray:
        """Logarithm of the density (interpolated) or of the probability ``(n,)``."""
        if not self.interpolate:
            return np.asarray(self._steps.log_probability(values))
        x = column(values)
        known = self._values
        cell = np.clip(np.searchsorted(known, x, side="right") - 1, 0, len(known) - 2)
        density = -np.log(np.diff(known)[cell] * (len(known) - 1))
        return np.where((x >= known[0]) & (x <= known[-1]), density, -np.inf)

    def _grid(self) -> np.ndarray:
        return np.linspace(0, 1, len(self._values))


def read_column(path: Path, name: str) -> np.ndarray:
    """One column of a CSV or NetCDF file as finite float64 numbers.

    Raises
    ------
    StudyError
        If the file, the column or a number is missing.
    """
    if path.suffix not in (".csv", ".nc"):
        raise StudyError("a table is a .csv or .nc file.", "convert the table.", key="table")
    try:
        columns = _csv(path) if path.suffix == ".csv" else _netcdf(path)
    except Exception as error:  # the readers raise many kinds of errors on torn or missing files
        raise StudyError(f"the table cannot be read ({error}).", "check the path and the file.", key="table") from error
    if name not in columns:
        raise StudyError(f"the table has no column {name!r}.", suggestion(name, columns), key="column")
    try:
        values = np.asarray(columns[name], dtype=np.float64).reshape(-1)
    except (TypeError, ValueError) as error:
        raise StudyError("the column holds text.", "name a column of numbers.", key="column") from error
    if not values.size or not np.isfinite(values).all():
        raise StudyError(
            "the column is empty or holds values that are no finite numbers.", "clean the table.", key="column"
        )
    return values


def _csv(path: Path) -> dict[str, Any]:
    # Not by pandas: Python's own conversion gives the nearest double, whatever the version.
    with path.open(encoding="utf-8-sig", newline="") as file:
        header, *rows = [row for row in csv.reader(file, skipinitialspace=True) if row]
    return {name.strip(): [row[place] for row in rows] for place, name in enumerate(header)}


def _netcdf(path: Path) -> dict[str, Any]:
    import xarray as xr

    with xr.open_dataset(path, engine="netcdf4", decode_times=False) as file:
        return {str(name): file[name].values for name in file.variables}
