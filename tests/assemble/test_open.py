"""A changed byte anywhere is noticed by whoever reads it; reading is lazy and indexes like NumPy."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest

from surecast.assemble.manifest import Manifest
from surecast.assemble.open import open_dataset
from surecast.study.errors import DataError
from surecast.study.files import write_json


@pytest.fixture
def copy(made, tmp_path):
    """A copy of the assembled study that a test may damage."""
    shutil.copytree(made.paths.root, tmp_path / "copy")
    return tmp_path / "copy"


def flip(path, offset):
    data = bytearray(path.read_bytes())
    data[offset] ^= 1
    path.write_bytes(bytes(data))


@pytest.mark.parametrize("offset", [0, 1000, -1, -8])
def test_a_flipped_byte_in_a_shard_is_noticed_at_first_reading(copy, offset):
    flip(copy / "dataset.zarr" / "u" / "c" / "0" / "0", offset)
    dataset = open_dataset(copy / "dataset.json")
    assert dataset["top"].values.size  # another variable is still fine
    with pytest.raises(DataError, match=r"chunk 0 of 'u' (has changed|cannot be read).*Remedy: delete the dataset"):
        dataset["u"].isel(run=3).load()


def test_a_missing_shard_is_noticed(copy):
    (copy / "dataset.zarr" / "u" / "c" / "0" / "0").unlink()
    with pytest.raises(DataError, match="chunk 0 of 'u' has changed"):
        open_dataset(copy / "dataset.json")["u"].load()


@pytest.mark.parametrize("key", ["runs", "statistics", "code"])
def test_a_change_in_the_manifest_is_noticed(copy, key):
    path = copy / "dataset.json"
    content = json.loads(path.read_text())
    content[key] = 3
    path.write_text(json.dumps(content))
    with pytest.raises(DataError, match=r"dataset.json: content has changed.*Remedy: delete it"):
        open_dataset(path)


def test_a_change_in_the_metadata_is_noticed(copy):
    path = copy / "dataset.zarr" / "u" / "zarr.json"
    path.write_text(path.read_text().replace("height", "weight"))
    with pytest.raises(DataError, match=r"zarr.json: content has changed"):
        open_dataset(copy / "dataset.json")


def test_a_manifest_of_another_version_or_kind_is_refused(copy):
    path = copy / "dataset.json"
    content = json.loads(path.read_text())
    write_json(path, content | {"version": 99})
    with pytest.raises(DataError, match="of version 99, this surecast reads version 1"):
        open_dataset(path)
    write_json(path, {"format": "other"})
    with pytest.raises(DataError, match="no manifest of a dataset"):
        open_dataset(path)


def test_a_dataset_that_is_not_there_is_refused(copy):
    shutil.rmtree(copy / "dataset.zarr")
    with pytest.raises(DataError, match="no such dataset"):
        open_dataset(copy / "dataset.json")


def test_an_unknown_variable_is_refused_with_those_there_are(made):
    with pytest.raises(DataError, match=r"no variable 'v'.*use one of a, b"):
        Manifest.read(made.paths.manifest).layout("v")


@pytest.mark.parametrize(
    "index",
    [
        {"run": 3},
        {"run": slice(5, 20, 3)},
        {"run": slice(None, None, -1)},
        {"run": [7, 2, 2, 80]},
        {"run": [1, 5], "x": [0, 3, 1]},
        {"run": 4, "x": 2},
        {"run": slice(2, 4), "x": slice(None, None, 5)},
        {"run": [], "x": 1},
    ],
)
def test_indexing_is_lazy_and_orthogonal(made, index):
    lazy = open_dataset(made.paths.manifest)["u"]
    whole = open_dataset(made.paths.manifest)["u"].load()
    np.testing.assert_array_equal(lazy.isel(index).values, whole.isel(index).values)
    assert not lazy.variable._in_memory
