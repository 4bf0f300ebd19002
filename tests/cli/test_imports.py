"""A job imports neither Dask nor pint for xarray's sake, and both work in it all the same."""

import subprocess
import sys

START = """
import sys
from surecast.cli import imports
imports.spare()
from surecast.study.files import read_dataset, write_dataset
import numpy as np
import xarray as xr
dataset = xr.Dataset({"a": ("run", [1.0, 2.0]), "b": ("run", ["x", "y"])}, {"run": [0, 1]})
"""


def run(body: str) -> None:
    done = subprocess.run([sys.executable, "-c", START + body], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_files_are_written_and_read_without_them(tmp_path):
    run(
        f"write_dataset({str(tmp_path / 'a.nc')!r}, dataset)\n"
        f"assert read_dataset({str(tmp_path / 'a.nc')!r}).equals(dataset)\n"
        "assert not {'dask', 'pint', 'scipy', 'torch', 'matplotlib'} & set(sys.modules)\n"
    )


def test_arrays_of_dask_are_known():
    run(
        "float((dataset.a.mean() + 1).values)\n"  # before Dask is there
        "chunked = dataset.a.chunk(run=1)\n"
        "assert type(chunked.data).__module__.startswith('dask')\n"
        "assert float(chunked.mean().values) == 1.5\n"
        "assert chunked.compute().equals(dataset.a)\n"
    )


def test_quantities_of_pint_are_known():
    run(
        "dataset.a.to_index()\n"  # before pint is there
        "import pint\n"
        "quantity = pint.UnitRegistry(cache_folder=None).Quantity(np.array([1.0, 2.0]), 'm')\n"
        "lengths = xr.DataArray(quantity, dims='run')\n"
        "assert str(lengths.data.units) == 'meter'\n"
        "assert (lengths.to_numpy() == [1.0, 2.0]).all()\n"
    )
