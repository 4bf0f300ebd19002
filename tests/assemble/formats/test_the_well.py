"""Files written by hand to The Well's specification are read as they are meant; datasets are written to it."""

from __future__ import annotations

import h5py
import numpy as np
import pytest
import xarray as xr

from surecast.assemble.formats import the_well
from surecast.assemble.open import open_dataset
from surecast.design.table_file import column, read_table
from surecast.study.errors import DataError

RUNS, TIMES, WIDTH, HEIGHT = 2, 4, 3, 5


def field(*shape: int) -> np.ndarray:
    return np.arange(np.prod(shape), dtype=np.float32).reshape(shape)


FIELDS = {  # by group and name: values, whether they vary with the run, with time, and with x and y
    "t0_fields/density": (field(RUNS, TIMES, WIDTH, HEIGHT), True, True, [True, True]),
    "t0_fields/depth": (field(WIDTH, HEIGHT), False, False, [True, True]),
    "t0_fields/profile": (field(RUNS, TIMES, HEIGHT), True, True, [False, True]),
    "t1_fields/velocity": (field(RUNS, TIMES, WIDTH, HEIGHT, 2), True, True, [True, True]),
    "t2_fields/stress": (field(RUNS, TIMES, WIDTH, HEIGHT, 2, 2), True, True, [True, True]),
    "t2_fields/strain": (field(RUNS, TIMES, WIDTH, HEIGHT, 4), True, True, [True, True]),
}


@pytest.fixture
def sound(tmp_path):
    """A file with something of everything that the specification has."""
    path = tmp_path / "sound.hdf5"
    with h5py.File(path, "w") as file:
        file.attrs.update(
            {"dataset_name": "sound", "grid_type": "cartesian", "n_spatial_dims": 2, "n_trajectories": RUNS}
        )
        file.attrs["simulation_parameters"] = ["gamma"]
        file.attrs["gamma"] = 1.4
        dimensions = file.create_group("dimensions")
        dimensions.attrs["spatial_dims"] = ["x", "y"]
        for name, points in {"time": TIMES, "x": WIDTH, "y": HEIGHT}.items():
            dimensions[name] = np.linspace(0, 1, points, dtype=np.float32)
            dimensions[name].attrs.update({"sample_varying": False, "time_varying": name == "time"})
        boundary = file.create_group("boundary_conditions/x_wall")
        boundary.attrs.update({"associated_dims": ["x"], "associated_fields": ["density"], "bc_type": "WALL"})
        boundary.attrs.update({"sample_varying": False, "time_varying": False})
        boundary["mask"] = np.array([True, False, True])
        scalars = file.create_group("scalars")
        scalars.attrs["field_names"] = ["gamma", "force", "energy"]
        values = {"gamma": np.float32([1.4]), "force": field(TIMES), "energy": field(RUNS, TIMES)}
        for name, value in values.items():
            scalars[name] = value
            scalars[name].attrs.update({"sample_varying": name == "energy", "time_varying": name != "gamma"})
        for order in range(3):
            names = [key.partition("/")[2] for key in FIELDS if key.startswith(f"t{order}")]
            file.create_group(f"t{order}_fields").attrs["field_names"] = names
        for key, (value, run, time, along) in FIELDS.items():
            file[key] = value
            file[key].attrs.update({"sample_varying": run, "time_varying": time, "dim_varying": along})
    return path


def test_everything_is_read(sound):
    found = the_well.read(sound)
    values = {key.partition("/")[2]: value for key, (value, *_) in FIELDS.items()}
    assert found["density"].dims == ("run", "time", "y", "x")
    np.testing.assert_array_equal(found["density"], values["density"].transpose(0, 1, 3, 2))
    assert found["depth"].dims == ("y", "x")
    np.testing.assert_array_equal(found["depth"], values["depth"].T)
    assert found["profile"].dims == ("run", "time", "y")
    assert found["velocity"].dims == ("run", "time", "y", "x", "component")
    np.testing.assert_array_equal(found["velocity"], values["velocity"].transpose(0, 1, 3, 2, 4))
    assert found["stress"].dims == ("run", "time", "y", "x", "row", "column")
    np.testing.assert_array_equal(found["stress"], values["stress"].transpose(0, 1, 3, 2, 4, 5))
    assert found["strain"].dims == ("run", "time", "y", "x", "row_column")
    assert found["force"].dims == ("time",)
    assert found["energy"].dims == ("run", "time")
    assert found["boundary_x_wall"].values.tolist() == [1, 0, 1]
    assert found["boundary_x_wall"].attrs["bc_type"] == "wall"
    assert found.attrs["gamma"] == 1.4
    assert found.attrs["dataset_name"] == "sound"
    assert found.attrs["units"].startswith("the file states no units of time, x, y, density")
    np.testing.assert_array_equal(found["y"], np.linspace(0, 1, HEIGHT, dtype=np.float32))


def test_times_of_each_run_are_read(sound):
    with h5py.File(sound, "a") as file:
        del file["dimensions/time"]
        file["dimensions/time"] = field(RUNS, TIMES)
        file["dimensions/time"].attrs["sample_varying"] = True
    found = the_well.read(sound)
    assert "time" not in found.coords
    np.testing.assert_array_equal(found.coords["time_of_run"], field(RUNS, TIMES))


def without(key):
    return lambda file: file.__delitem__(key)


def attribute(node, key, value):
    return lambda file: file[node].attrs.__setitem__(key, value)


def other(key, value):
    def change(file):
        attributes = dict(file[key].attrs)
        del file[key]
        file[key] = value
        file[key].attrs.update(attributes)

    return change


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (without("dimensions"), "there is no 'dimensions' in '/'"),
        (without("dimensions/x"), "there is no 'x' in '/dimensions'"),
        (without("t2_fields"), "there is no 't2_fields'"),
        (without("t0_fields/density"), "there is no 'density' in '/t0_fields'"),
        (without("boundary_conditions/x_wall/mask"), "there is no 'mask' in '/boundary_conditions/x_wall'"),
        (lambda file: file.attrs.__delitem__("n_trajectories"), "'/' lacks the attribute 'n_trajectories'"),
        (lambda file: file["t0_fields/density"].attrs.__delitem__("time_varying"), "'time_varying'"),
        (attribute("/", "n_trajectories", 3), r"has shape \(2, 4, 3, 5\), not \(3, 4, 3, 5\)"),
        (attribute("/", "n_spatial_dims", 3), "does not name n_spatial_dims dimensions"),
        (attribute("t0_fields/depth", "dim_varying", [True]), "'dim_varying' of '/t0_fields/depth'"),
        (attribute("dimensions/x", "sample_varying", True), "grids that vary are not read"),
        (attribute("boundary_conditions/x_wall", "associated_dims", ["q"]), "lies on 'q', which is no dimension"),
        (other("t1_fields/velocity", field(RUNS, TIMES, WIDTH, HEIGHT, 3)), r"'/t1_fields/velocity' has shape"),
        (other("scalars/energy", field(RUNS)), r"'/scalars/energy' has shape \(2,\), not \(2, 4\)"),
    ],
)
def test_what_is_no_such_file_is_one_clear_error(sound, change, words):
    with h5py.File(sound, "a") as file:
        change(file)
    with pytest.raises(DataError, match=words) as error:
        the_well.read(sound)
    assert str(sound) in error.value.message
    assert error.value.remedy


def good(manifest):
    """The dataset without runs that failed."""
    whole = open_dataset(manifest).load()
    return whole.isel(run=np.flatnonzero(whole["failed"] == 0))


def test_a_dataset_is_written_and_read_again(moving, tmp_path):
    notes = the_well.write(moving, tmp_path / "moving.hdf5")
    assert notes == ["6 failed runs are left out"]
    truth, found = good(moving), the_well.read(tmp_path / "moving.hdf5")
    for name in ("u", "v", "total", "top", "a"):
        np.testing.assert_array_equal(found[name], truth[name].astype(np.float32))
        assert found[name].dims == truth[name].dims
        assert found[name].attrs["units"] == truth[name].attrs["units"]
    for dim in ("time", "y", "x"):
        np.testing.assert_array_equal(found[dim], truth[dim].astype(np.float32))
    assert found.attrs["n"] == 3
    assert found.attrs["simulation_parameters"] == ["n"]
    assert "units" not in found.attrs


def test_what_is_written_is_what_the_specification_says(moving, tmp_path):
    """The rules of The Well's own checker."""
    the_well.write(moving, tmp_path / "moving.hdf5", split="train")
    with h5py.File(tmp_path / "moving.hdf5") as file:
        assert file.attrs["n_trajectories"] == 14
        assert file.attrs["n_spatial_dims"] == 2
        assert file["dimensions"].attrs["spatial_dims"].tolist() == ["x", "y"]
        for name in ("time", "x", "y"):
            assert isinstance(file["dimensions"][name].attrs["sample_varying"], np.bool_)
        assert file["t0_fields"].attrs["field_names"].tolist() == ["u", "v"]
        assert file["t1_fields"].attrs["field_names"].tolist() == []
        assert file["t2_fields"].attrs["field_names"].tolist() == []
        density = file["t0_fields/u"]
        assert density.shape == (14, 5, 3, 4)
        assert density.dtype == np.float32
        assert density.attrs["dim_varying"].tolist() == [True, True]
        assert file["scalars"].attrs["field_names"].tolist() == ["a", "n", "top", "total"]
        assert file["scalars/n"].shape == ()
        assert file["scalars/a"].shape == (14,)
        assert file["scalars/total"].shape == (14, 5)


def test_a_steady_dataset_has_one_step_and_its_input_on_the_grid(steady, tmp_path):
    notes = the_well.write(steady, tmp_path / "steady.h5")
    assert any("one step at 0" in note for note in notes)
    truth, found = good(steady), the_well.read(tmp_path / "steady.h5")
    for name in ("pressure", "flux_x", "permeability_field"):
        assert found[name].dims == ("run", "y", "x")
        np.testing.assert_array_equal(found[name], truth[name])
    with h5py.File(tmp_path / "steady.h5") as file:
        assert file["boundary_conditions"].attrs["boundary_conditions"].startswith("p = head at x = 0")
        assert not list(file["boundary_conditions"])


def test_numbers_of_every_run_are_a_table_of_runs(moving, tmp_path):
    the_well.write(moving, tmp_path / "moving.hdf5")
    the_well.read(tmp_path / "moving.hdf5")[["a", "top"]].to_netcdf(tmp_path / "table.nc")
    table, truth = read_table(tmp_path / "table.nc"), good(moving)
    for name in ("a", "top"):
        shape = xr.DataArray([0.0], dims="run", attrs={"units": "km/s"})
        found = column(table, name, shape, "table.nc")
        np.testing.assert_allclose(found, truth[name].values / 1000, rtol=1e-6)


def test_the_same_dataset_gives_the_same_bytes(moving, tmp_path):
    for name in ("one.hdf5", "two.hdf5"):
        the_well.write(moving, tmp_path / name)
    assert (tmp_path / "one.hdf5").read_bytes() == (tmp_path / "two.hdf5").read_bytes()


@pytest.mark.parametrize(
    ("name", "outputs", "words"),
    [
        ("file.nc", None, "The Well reads files ending in .hdf5 or .h5 alone"),
        ("file.h5", ["top"], "no output is a field"),
        ("file.h5", ["U"], "no output 'U'.*did you mean 'u'"),
    ],
)
def test_what_cannot_be_written_is_one_clear_error_and_leaves_nothing(moving, tmp_path, name, outputs, words):
    with pytest.raises(DataError, match=words) as error:
        the_well.write(moving, tmp_path / name, outputs)
    assert error.value.remedy
    assert not list(tmp_path.iterdir())
