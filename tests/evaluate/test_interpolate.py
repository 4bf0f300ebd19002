"""Interpolation to the dataset's grid is exact where it should be, of fourth order elsewhere, and mixes no runs."""

import numpy as np
import pytest
import xarray as xr

from surecast.evaluate.interpolate import to_grid_of
from surecast.study.errors import DataError


def field(function, n: int, runs: int = 2, periodic: bool = False) -> xr.DataArray:
    x = np.arange(n) / n if periodic else (np.arange(n) + 0.5) / n
    values = np.stack([(run + 1) * function(x[:, None], x[None, :]) for run in range(runs)])
    return xr.DataArray(values, coords={"run": range(runs), "y": x, "x": x}, dims=("run", "y", "x"))


def test_cubic_polynomials_are_exact_up_to_the_border():
    def cubic(y, x):
        return x**3 - 2 * x * y**2 + y**3 + 1

    fine = field(cubic, 18)
    found = to_grid_of(field(cubic, 6), fine)
    np.testing.assert_allclose(found.values, fine.values, atol=1e-12)
    np.testing.assert_array_equal(found["x"], fine["x"])


def test_fourth_order_on_smooth_fields():
    def smooth(y, x):
        return np.exp(np.sin(3 * x) + y**2)

    fine = field(smooth, 256, runs=1)
    inside = {"x": slice(32, -32), "y": slice(32, -32)}
    errors = [float(np.abs(to_grid_of(field(smooth, n, runs=1), fine) - fine)[0].isel(inside).max()) for n in (32, 64)]
    assert 3.7 < np.log2(errors[0] / errors[1]) < 4.3


def test_a_periodic_domain_wraps():
    def wave(y, x):
        return 1 + np.cos(2 * np.pi * x) * np.sin(2 * np.pi * y) - 2 * np.sin(6 * np.pi * x)

    fine = field(wave, 32, periodic=True)
    assert float(np.abs(to_grid_of(field(wave, 8, periodic=True), fine, periodic=True) - fine).max()) < 1e-12
    fine = field(wave, 32)
    assert float(np.abs(to_grid_of(field(wave, 8), fine) - fine).max()) > 1e-2


def test_a_run_does_not_depend_on_its_neighbours():
    def bumpy(y, x):
        return np.sin(9 * x) * np.cos(5 * y)

    coarse, fine = field(bumpy, 9, runs=5), field(bumpy, 20, runs=5)
    alone = to_grid_of(coarse.isel(run=[3]), fine.isel(run=[3]))
    assert alone.values.tobytes() == to_grid_of(coarse, fine).isel(run=[3]).values.tobytes()


def test_grids_that_cannot_be_matched():
    plain = field(lambda y, x: x + y, 8)
    with pytest.raises(DataError, match="cannot be brought to a grid over"):
        to_grid_of(plain.rename(y="z"), plain)
    with pytest.raises(DataError, match="'x' has no coordinate, so its 6 points"):
        to_grid_of(plain.isel(x=slice(6)).drop_vars("x"), plain)
    with pytest.raises(DataError, match="not the centres of equal cells"):
        to_grid_of(plain.isel(x=slice(6)), plain)
