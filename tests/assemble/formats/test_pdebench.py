"""Files written by hand as PDEBench has them are read as they are meant; datasets are written as PDEBench has them."""

from __future__ import annotations

import json
import shutil

import h5py
import numpy as np
import pytest

from surecast.assemble.formats import pdebench
from surecast.assemble.open import open_dataset
from surecast.study.errors import DataError


def field(*shape: int) -> np.ndarray:
    return np.arange(np.prod(shape), dtype=np.float32).reshape(shape)


@pytest.fixture
def write_file(tmp_path):
    """Write datasets by their paths, and attributes, to a file."""

    def write(datasets, attributes=None, name="file.hdf5"):
        with h5py.File(tmp_path / name, "w") as file:
            for key, values in datasets.items():
                file[key] = values
            file.attrs.update(attributes or {})
        return tmp_path / name

    return write


BURGERS = {
    "tensor": field(3, 4, 5),
    "x-coordinate": np.linspace(0.1, 0.9, 5, dtype=np.float32),
    "t-coordinate": np.linspace(0, 2, 5, dtype=np.float32),  # one more than there are frames
}
FLOW = {
    **{key: place + field(2, 3, 4, 5) for place, key in enumerate(("density", "pressure", "Vx", "Vy"))},
    "x-coordinate": np.linspace(0, 1, 4, dtype=np.float32),
    "y-coordinate": np.linspace(0, 2, 5, dtype=np.float32),
    "t-coordinate": np.linspace(0, 3, 4, dtype=np.float32),
}
DARCY = {
    "tensor": field(2, 1, 3, 4),
    "nu": -field(2, 3, 4),
    "x-coordinate": np.linspace(0, 1, 3, dtype=np.float32),
    "y-coordinate": np.linspace(0, 1, 4, dtype=np.float32),
}
GROUPS = {
    f"{number:04d}/{key}": values
    for number in range(3)
    for key, values in {
        "data": number + field(4, 5, 6, 2),
        "grid/t": np.linspace(0, 1, 4, dtype=np.float32),
        "grid/x": np.linspace(0, 1, 5, dtype=np.float32),
        "grid/y": np.linspace(0, 1, 6, dtype=np.float32),
    }.items()
}


def test_one_array_is_read(write_file):
    found = pdebench.read(write_file(BURGERS, {"Nu": 0.01}))
    assert found["tensor"].dims == ("run", "time", "x")
    np.testing.assert_array_equal(found["tensor"], BURGERS["tensor"])
    np.testing.assert_array_equal(found["x"], BURGERS["x-coordinate"])
    np.testing.assert_array_equal(found["time"], BURGERS["t-coordinate"][:4])
    assert found.attrs["Nu"] == 0.01
    assert found.attrs["units"] == "the file states no units of x, time, tensor"
    same = pdebench.read(write_file(BURGERS | {"t-coordinate": BURGERS["t-coordinate"][:4]}))
    np.testing.assert_array_equal(same["time"], found["time"])


def test_compressible_flow_is_read_with_y_before_x(write_file):
    found = pdebench.read(write_file(FLOW, {"eta": 1e-8, "zeta": 1e-8, "M": 0.1}))
    assert set(found.data_vars) == {"density", "pressure", "Vx", "Vy"}
    for key in found.data_vars:
        assert found[key].dims == ("run", "time", "y", "x")
        np.testing.assert_array_equal(found[key], FLOW[key].transpose(0, 1, 3, 2))
    assert float(found["Vy"].isel(run=1, time=2).sel(x=1, y=2)) == FLOW["Vy"][1, 2, 3, 4]
    assert found.attrs["M"] == 0.1


def test_three_dimensions_are_read(write_file):
    grid = {f"{dim}-coordinate": field(size) for dim, size in zip("xyz", (3, 4, 5), strict=True)}
    flow = {key: field(2, 2, 3, 4, 5) for key in ("density", "Vz")}
    found = pdebench.read(write_file({**flow, **grid, "t-coordinate": field(3)}))
    assert found["Vz"].dims == ("run", "time", "z", "y", "x")
    np.testing.assert_array_equal(found["Vz"], flow["Vz"].transpose(0, 1, 4, 3, 2))


def test_darcy_flow_is_read(write_file):
    found = pdebench.read(write_file(DARCY, {"beta": 1.0}))
    assert found["tensor"].dims == ("run", "time", "y", "x")
    assert found["nu"].dims == ("run", "y", "x")
    np.testing.assert_array_equal(found["nu"], DARCY["nu"].transpose(0, 2, 1))
    assert found.attrs["beta"] == 1.0


@pytest.mark.parametrize("dimensions", [1, 2])
def test_groups_are_read(write_file, dimensions):
    content = GROUPS
    if dimensions == 1:
        content = {
            key: values[:, :, 0] if "data" in key else values for key, values in GROUPS.items() if "y" not in key
        }
    path = write_file(content, name="file.h5")
    with h5py.File(path, "a") as file:
        for number in range(3):
            file[f"{number:04d}"].attrs["config"] = f"sim:\n  seed: {number}\n"
    found = pdebench.read(path)
    assert found["data"].dims == ("run", "time", *["y", "x"][2 - dimensions :], "channel")
    for number in range(3):
        one = content[f"{number:04d}/data"]
        np.testing.assert_array_equal(found["data"][number], one if dimensions == 1 else one.transpose(0, 2, 1, 3))
    assert found["sample"].values.tolist() == ["0000", "0001", "0002"]
    assert found["config"].values[2] == "sim:\n  seed: 2\n"
    np.testing.assert_array_equal(found["time"], np.linspace(0, 1, 4, dtype=np.float32))


@pytest.mark.parametrize(
    ("base", "change", "words"),
    [
        (
            BURGERS,
            {"tensor": None},
            "neither 'tensor' nor 'density' nor a group with 'data'; the file holds t-coordinate",
        ),
        (BURGERS, {"x-coordinate": None}, r"there is no 'x-coordinate' in '/'"),
        (BURGERS, {"x-coordinate": field(4)}, r"'/x-coordinate' has shape \(4,\), not \(5\)"),
        (BURGERS, {"t-coordinate": field(9)}, r"'/t-coordinate' has 9 times of 4 frames"),
        (BURGERS, {"t-coordinate": None}, r"there is no 't-coordinate'"),
        (BURGERS, {"tensor": field(3, 4)}, r"'/tensor' has shape \(3, 4\)"),
        (BURGERS, {"tensor": np.full((3, 4, 5), b"a")}, r"'/tensor' holds no real numbers"),
        (FLOW, {"Vx": field(2, 3, 4, 4)}, r"'/Vx' has shape \(2, 3, 4, 4\), not \(2, 3, 4, 5\)"),
        (DARCY, {"nu": field(2, 4, 3)}, r"'/nu' has shape \(2, 4, 3\), not \(2, 3, 4\)"),
        (GROUPS, {"0001/data": None}, r"there is no 'data' in '/0001'"),
        (GROUPS, {"0001/data": field(3, 5, 6, 2)}, r"'/0001/data' has shape"),
        (GROUPS, {"0002/grid/x": None}, r"there is no 'x' in '/0002/grid'"),
        (GROUPS, {"0002/grid/x": field(5)}, r"/0002/grid/x is not that of '0000'"),
        (GROUPS, {"other": field(2)}, r"'/other' is no group"),
    ],
)
def test_what_is_no_such_file_is_one_clear_error(write_file, base, change, words):
    path = write_file({key: values for key, values in {**base, **change}.items() if values is not None})
    with pytest.raises(DataError, match=words) as error:
        pdebench.read(path)
    assert str(path) in error.value.message
    assert error.value.remedy


def good(manifest):
    """The dataset as it is, without runs that failed, and in the precision of the layout."""
    whole = open_dataset(manifest).load()
    whole = whole.isel(run=np.flatnonzero(whole["failed"] == 0))
    return whole.assign_coords({dim: whole[dim].astype(np.float32) for dim in ("time", "y", "x") if dim in whole})


def test_one_output_is_written_as_an_array_with_one_time_too_many(moving, tmp_path):
    path = tmp_path / "moving.hdf5"
    notes = pdebench.write(moving, path, ["u"])
    assert any("6 failed runs" in note for note in notes)
    assert any(note.startswith("a: left out") for note in notes)
    truth = good(moving)
    with h5py.File(path) as file:
        assert set(file) == {"tensor", "x-coordinate", "y-coordinate", "t-coordinate"}
        assert file["tensor"].shape == (22, 5, 3, 4)
        assert file["tensor"].dtype == np.float32
        np.testing.assert_array_equal(file["t-coordinate"], np.linspace(0, 2.5, 6, dtype=np.float32))
        np.testing.assert_array_equal(file["tensor"], truth["u"].transpose("run", "time", "x", "y"))
        assert file.attrs["n"] == 3  # the same in all runs
        assert json.loads(file.attrs["card"])["solver"] == "moving:moving"
    found = pdebench.read(path)
    np.testing.assert_array_equal(found["tensor"], truth["u"])
    for dim in ("time", "y", "x"):
        np.testing.assert_array_equal(found[dim], truth[dim])
        assert found[dim].attrs["units"] == truth[dim].attrs["units"]
    assert found["tensor"].attrs["units"] == "m/s"
    assert "units" not in found.attrs


def test_several_outputs_are_written_as_groups(moving, tmp_path):
    notes = pdebench.write(moving, tmp_path / "moving.h5")
    assert any("top, total" in note or "total, top" in note for note in notes)
    truth = good(moving)
    found = pdebench.read(tmp_path / "moving.h5")
    assert found["channel_units"].values.tolist() == ["m/s", "Pa"]
    for name in ("u", "v"):
        np.testing.assert_array_equal(found["data"].sel(channel=name), truth[name])
    config = json.loads(str(found["config"][3].values))
    assert config == {"run": int(truth["run"][3]), "inputs": {"a": float(truth["a"][3]), "n": 3}}
    with h5py.File(tmp_path / "moving.h5") as file:
        assert file["0021/data"].shape == (5, 3, 4, 2)
        np.testing.assert_array_equal(file["0021/grid/t"], truth["time"])


def test_fields_of_compressible_flow_are_written_under_their_names(moving, tmp_path, monkeypatch):
    monkeypatch.setattr(pdebench, "FLOW", ("u", "v"))
    pdebench.write(moving, tmp_path / "moving.hdf5")
    truth, found = good(moving), pdebench.read(tmp_path / "moving.hdf5")
    assert set(found.data_vars) == {"u", "v"}
    for name in ("u", "v"):
        np.testing.assert_array_equal(found[name], truth[name])
        assert found[name].attrs["units"] == truth[name].attrs["units"]


def test_an_input_on_the_grid_is_written_as_nu(steady, tmp_path):
    notes = pdebench.write(steady, tmp_path / "steady.hdf5", ["pressure"], split="train")
    assert any("head, well" in note for note in notes)
    truth = good(steady).isel(run=slice(6, None))
    with h5py.File(tmp_path / "steady.hdf5") as file:
        assert set(file) == {"tensor", "nu", "x-coordinate", "y-coordinate"}
        assert file["tensor"].shape == (8, 1, 8, 8)
    found = pdebench.read(tmp_path / "steady.hdf5")
    np.testing.assert_array_equal(found["tensor"][:, 0], truth["pressure"])
    np.testing.assert_array_equal(found["nu"], truth["permeability_field"])


def test_the_same_dataset_gives_the_same_bytes(moving, tmp_path):
    for name, outputs in (("u.hdf5", ["u"]), ("uv.h5", None)):
        pdebench.write(moving, tmp_path / f"one-{name}", outputs)
        pdebench.write(moving, tmp_path / f"two-{name}", outputs)
        assert (tmp_path / f"one-{name}").read_bytes() == (tmp_path / f"two-{name}").read_bytes()


@pytest.mark.parametrize(
    ("name", "outputs", "split", "words"),
    [
        ("file.h5", ["u"], None, "PDEBench reads arrays from files ending in .hdf5 alone"),
        ("file.hdf5", ["u", "v"], None, "PDEBench reads one group a run from files ending in .h5 alone"),
        ("file.hdf5", ["w"], None, "no output 'w'.*Valid: top, total, u, v"),
        ("file.hdf5", ["top"], None, "no output is a field"),
        ("file.hdf5", ["u"], "trial", "no split 'trial'"),
    ],
)
def test_what_cannot_be_written_is_one_clear_error_and_leaves_nothing(moving, tmp_path, name, outputs, split, words):
    with pytest.raises(DataError, match=words) as error:
        pdebench.write(moving, tmp_path / name, outputs, split)
    assert error.value.remedy
    assert not list(tmp_path.iterdir())


def test_a_dataset_that_has_changed_leaves_nothing_half_written(moving, tmp_path):
    shutil.copytree(moving.parent, tmp_path / "copy")
    shard = tmp_path / "copy" / "dataset.zarr" / "v" / "c" / "0" / "0" / "0" / "0"
    content = bytearray(shard.read_bytes())
    content[100] ^= 1
    shard.write_bytes(bytes(content))
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "v.hdf5").write_text("what was there before")
    with pytest.raises(DataError, match="chunk 0 of 'v' has changed"):
        pdebench.write(tmp_path / "copy" / "dataset.json", tmp_path / "out" / "v.hdf5", ["v"])
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["v.hdf5"]
    assert (tmp_path / "out" / "v.hdf5").read_text() == "what was there before"
