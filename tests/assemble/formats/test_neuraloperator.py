"""Tensors as neuraloperator has them are read, others refused, and nothing but tensors is ever built."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from surecast.assemble.formats import neuraloperator
from surecast.assemble.open import open_dataset
from surecast.study.errors import DataError

DARCY = {"x": torch.tensor([[[True, False, True]] * 2] * 4), "y": torch.arange(24.0).reshape(4, 2, 3)}


class Trap:
    """What runs code when it is unpickled."""

    def __reduce__(self):
        return (open, ("sprung", "w"))


def test_darcy_flow_is_read(tmp_path):
    torch.save(DARCY, tmp_path / "darcy_train_16.pt")
    found = neuraloperator.read(tmp_path / "darcy_train_16.pt")
    assert found["input"].dims == found["output"].dims == ("run", "y", "x")
    assert found["input"].dtype == np.int8
    np.testing.assert_array_equal(found["input"], DARCY["x"].numpy())
    np.testing.assert_array_equal(found["output"], DARCY["y"].numpy())
    assert found.attrs["units"] == "the layout states no units"
    assert not found.coords


def test_burgers_equation_is_read(tmp_path):
    x, y = torch.arange(12.0).reshape(3, 4).double(), torch.arange(60.0).reshape(3, 5, 4).double()
    torch.save({"x": x, "y": y, "visc": torch.tensor([[0.01]])}, tmp_path / "file.pt")
    found = neuraloperator.read(tmp_path / "file.pt")
    assert found["input"].dims == ("run", "x")
    assert found["output"].dims == ("run", "time", "x")
    np.testing.assert_array_equal(found["output"], y.numpy())
    assert found.attrs["visc"] == pytest.approx(0.01)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ([1, 2], "holds no dict of tensors, but list"),
        ({"x": DARCY["x"]}, "there is no 'y'; the file holds x"),
        (DARCY | {"y": [1.0]}, "'y' is no tensor of real numbers"),
        (DARCY | {"y": torch.zeros(3, 2, 3)}, r"'x' has shape \(4, 2, 3\), 'y' \(3, 2, 3\)"),
        (DARCY | {"y": torch.zeros(4, 1, 2, 3)}, "no dimension for channels"),
        (DARCY | {"y": torch.zeros(4, 3, 2)}, "'x' has shape"),
        (DARCY | {"z": torch.zeros(4)}, "'z' has shape .* and no known meaning"),
        (DARCY | {"y": torch.zeros(4, 2, 3, dtype=torch.complex64)}, "'y' is no tensor of real numbers"),
    ],
)
def test_what_is_no_such_file_is_one_clear_error(tmp_path, content, words):
    torch.save(content, tmp_path / "file.pt")
    with pytest.raises(DataError, match=words) as error:
        neuraloperator.read(tmp_path / "file.pt")
    assert "file.pt" in error.value.message
    assert error.value.remedy


def test_a_file_that_would_run_code_is_refused_and_does_not(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    torch.save(DARCY | {"y": Trap()}, tmp_path / "trap.pt")
    with pytest.raises(
        DataError, match=r"trap.pt: cannot be read as tensors alone.*would run code of whoever"
    ) as error:
        neuraloperator.read(tmp_path / "trap.pt")
    assert not (tmp_path / "sprung").exists()
    # Nor does the message hand on torch's advice to trust the file.
    assert "weights_only" not in str(error.value)


def test_torn_files_are_refused(tmp_path):
    path = tmp_path / "file.pt"
    with pytest.raises(DataError, match="there is no such file"):
        neuraloperator.read(path)
    torch.save(DARCY, path)
    content = path.read_bytes()
    for share in (0.0, 0.3, 0.9):
        path.write_bytes(content[: int(share * len(content))])
        with pytest.raises(DataError, match=r"file.pt: cannot be read as tensors alone"):
            neuraloperator.read(path)


def test_a_dataset_is_written_and_read_again(steady, tmp_path):
    notes = neuraloperator.write(steady, tmp_path / "darcy_train_8.pt", ["pressure"], split="train")
    assert any(note.startswith("head, well: left out") for note in notes)
    truth = open_dataset(steady).load()
    truth = truth.isel(run=np.flatnonzero((truth["failed"] == 0) & (truth["split"] == 0)))
    content = torch.load(tmp_path / "darcy_train_8.pt", weights_only=True)
    assert set(content) == {"x", "y"}
    assert content["x"].shape == content["y"].shape == (8, 8, 8)
    assert content["x"].dtype == content["y"].dtype == torch.float32
    found = neuraloperator.read(tmp_path / "darcy_train_8.pt")
    np.testing.assert_array_equal(found["input"], truth["permeability_field"])
    np.testing.assert_array_equal(found["output"], truth["pressure"])
    neuraloperator.write(steady, tmp_path / "again.pt", ["pressure"], split="train")
    assert (tmp_path / "again.pt").read_bytes() == (tmp_path / "darcy_train_8.pt").read_bytes()


@pytest.mark.parametrize(
    ("study", "name", "outputs", "words"),
    [
        ("steady", "file.pth", ["pressure"], "neuraloperator reads files ending in .pt alone"),
        ("steady", "file.pt", None, "a place for one output that is a field, not for"),
        ("moving", "file.pt", ["u"], "a place for one input on the grid, not for none"),
    ],
)
def test_what_cannot_be_written_is_one_clear_error_and_leaves_nothing(request, tmp_path, study, name, outputs, words):
    with pytest.raises(DataError, match=words) as error:
        neuraloperator.write(request.getfixturevalue(study), tmp_path / name, outputs)
    assert error.value.remedy
    assert not list(tmp_path.iterdir())
