"""HDF5 files that are none, torn, changed or linked elsewhere are one clear error; lazy reading indexes like NumPy."""

from __future__ import annotations

import contextlib

import h5py
import numpy as np
import pytest
import xarray as xr

from surecast.assemble.formats import hdf5, pdebench, the_well
from surecast.study.errors import DataError, SurecastError

READERS = pytest.mark.parametrize("layout", [pdebench, the_well], ids=["pdebench", "the_well"])


@pytest.fixture
def whole(layout, moving, tmp_path):
    """A sound file of a layout."""
    path = tmp_path / "whole.hdf5"
    layout.write(moving, path, ["u"])
    return path


@READERS
def test_a_torn_file_is_noticed(layout, whole):
    content = whole.read_bytes()
    for share in (0.0, 0.1, 0.5, 0.9, 0.999):
        whole.write_bytes(content[: int(share * len(content))])
        with pytest.raises(DataError, match=r"whole.hdf5: cannot be read as HDF5.*Remedy: copy or download"):
            layout.read(whole)


@READERS
def test_a_changed_file_is_read_or_refused_and_never_another_error(layout, whole):
    content = whole.read_bytes()
    stream = np.random.default_rng(1)
    for place in stream.integers(len(content), size=30):
        changed = bytearray(content)
        changed[place] ^= 1 << int(stream.integers(8))
        whole.write_bytes(bytes(changed))
        with contextlib.suppress(DataError):
            layout.read(whole).load()


@READERS
def test_what_is_no_hdf5_is_refused(layout, tmp_path):
    with pytest.raises(DataError, match=r"none.hdf5: there is no such file"):
        layout.read(tmp_path / "none.hdf5")
    (tmp_path / "text.hdf5").write_text("run,u\n0,1\n")
    with pytest.raises(DataError, match=r"text.hdf5: cannot be read as HDF5"):
        layout.read(tmp_path / "text.hdf5")


def test_a_file_that_is_torn_after_it_was_opened_is_noticed_at_reading(moving, tmp_path):
    path = tmp_path / "u.hdf5"
    pdebench.write(moving, path, ["u"])
    found = pdebench.read(path)
    path.write_bytes(path.read_bytes()[:500])
    with pytest.raises(DataError, match=r"u.hdf5: cannot be read as HDF5"):
        found.load()


def test_data_of_other_files_are_not_read(tmp_path):
    (tmp_path / "secret").write_bytes(bytes(32))
    with h5py.File(tmp_path / "other.hdf5", "w") as file:
        file["a"] = np.zeros(8, np.float32)
    with h5py.File(tmp_path / "linked.hdf5", "w") as file:
        file.create_dataset("raw", (8,), np.float32, external=[(str(tmp_path / "secret"), 0, 32)])
        file["link"] = h5py.ExternalLink(str(tmp_path / "other.hdf5"), "a")
        layout = h5py.VirtualLayout((8,), np.float32)
        layout[:] = h5py.VirtualSource(str(tmp_path / "other.hdf5"), "a", (8,))
        file.create_virtual_dataset("virtual", layout)
    with hdf5.opened(tmp_path / "linked.hdf5") as file:
        for key in ("raw", "link", "virtual"):
            with pytest.raises(DataError, match=r"lies in another file"):
                hdf5.dataset(file, key)


def test_a_file_that_cannot_be_written_leaves_nothing(tmp_path):
    (tmp_path / "taken.hdf5").mkdir()
    with pytest.raises(SurecastError, match=r"taken.hdf5: cannot be written"), hdf5.created(tmp_path / "taken.hdf5"):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["taken.hdf5"]


@pytest.mark.parametrize(
    "index",
    [
        {"run": 3},
        {"run": slice(5, 20, 3)},
        {"run": slice(None, None, -1)},
        {"run": [7, 2, 2, 18]},
        {"run": [1, 5], "x": [0, 2, 1], "time": slice(1, 3)},
        {"run": 4, "x": 2, "y": -1},
        {"run": [], "x": 1},
        {"channel": 1, "run": [3, 4, 9]},
    ],
)
@pytest.mark.parametrize("name", ["u.hdf5", "uv.h5"])
def test_indexing_is_lazy_and_orthogonal(moving, tmp_path, index, name):
    pdebench.write(moving, tmp_path / name, ["u"] if name == "u.hdf5" else ["u", "v"])
    lazy: xr.Dataset = pdebench.read(tmp_path / name)[["tensor" if name == "u.hdf5" else "data"]]
    index = {dim: where for dim, where in index.items() if dim in lazy.dims}
    xr.testing.assert_identical(lazy.isel(index).load(), pdebench.read(tmp_path / name)[list(lazy)].load().isel(index))
    variable = lazy[next(iter(lazy))].variable
    assert not variable._in_memory
