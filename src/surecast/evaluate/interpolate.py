"""A field on a coarse grid, carried to the dataset's: what puts a coarse solution beside the truth.

By the trigonometric polynomial along a periodic dimension, elsewhere by the cubic spline through the coarse cell
centres: interpolation of a higher order than the solver's, as a strong baseline deserves. The same matrices carry
the fields of surrogates that are trained on a coarser grid (`surecast.train.grids`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from surecast.study.errors import DataError
from surecast.train.grids import Axis

if TYPE_CHECKING:
    import xarray as xr


def to_grid_of(field: xr.DataArray, target: xr.DataArray, periodic: bool = False) -> xr.DataArray:
    """Interpolate `field` to the coordinates of `target` along every dimension but ``run``.

    Parameters
    ----------
    field : xarray.DataArray (run, ...)
        On a coarser grid of the same domain, with coordinates: centres of equal cells, or nodes where periodic.
    target : xarray.DataArray (run, ...)
        Same dimensions.
    periodic : bool
        Whether the domain is.

    Raises
    ------
    DataError
        If the dimensions differ, or the points of a dimension are not those of a coarser grid of the same domain.
    """
    import xarray as xr

    if set(field.dims) != set(target.dims):
        raise DataError(
            f"a field over {field.dims} cannot be brought to a grid over {target.dims}.",
            "let the simulator return the same dimensions on every grid.",
        )
    values = np.asarray(field.transpose(*target.dims).values, dtype=np.float64)
    for axis, dim in enumerate(target.dims):
        if dim == "run" or _same(field, target, str(dim)):
            continue
        matrix = _matrix(field, target, str(dim), periodic)
        # One product per run: its bits cannot depend on how many runs there are.
        values = np.stack([np.moveaxis(np.tensordot(matrix, one, (1, axis - 1)), 0, axis - 1) for one in values])
    coordinates = {name: of for name, of in target.coords.items() if "run" not in of.dims}
    if "run" in field.coords:
        coordinates["run"] = field["run"]
    return xr.DataArray(values, coords=coordinates, dims=target.dims, attrs=field.attrs)


def _matrix(field: xr.DataArray, target: xr.DataArray, dim: str, periodic: bool) -> np.ndarray:
    points = np.asarray(field[dim].values, dtype=np.float64)
    fine = tuple(map(float, target[dim].values))
    axis = Axis(name=dim, fine=fine, cells=len(points), periodic=periodic)
    if not np.allclose(points, axis.coarse, rtol=0, atol=1e-9 * max(1.0, *map(abs, fine))):
        raise DataError(
            f"the {len(points)} points of the coarse grid along {dim!r} are not the centres of equal cells "
            f"(nodes if periodic) of the dataset's domain.",
            "let `coarser` of the simulator return grids of the same domain, or none.",
        )
    return axis.prolongation


def _same(field: xr.DataArray, target: xr.DataArray, dim: str) -> bool:
    if dim in field.coords and dim in target.coords:
        return bool(np.array_equal(field[dim].values, target[dim].values))
    if field.sizes[dim] != target.sizes[dim]:
        raise DataError(
            f"the dimension {dim!r} has no coordinate, so its {field.sizes[dim]} points cannot be brought to "
            f"{target.sizes[dim]}.",
            f"let the simulator return a coordinate for {dim!r}.",
        )
    return True
