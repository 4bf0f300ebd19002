"""A dataset held against what it says of itself: a good one has no fault, and each fault is named."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
import zarr

from surecast.assemble.audit import Audit, _Look, audit
from surecast.assemble.layout import VariableLayout
from surecast.assemble.zarr_store import metadata_digests
from surecast.cli.main import main
from surecast.study import digest
from surecast.study.errors import DataError
from surecast.study.files import write_json


class Copy:
    """A copy of the assembled study whose content and statements a test may change, digests with them."""

    def __init__(self, root):
        self.root, self.manifest, self.store = root, root / "dataset.json", root / "dataset.zarr"

    def state(self, change):
        body = json.loads(self.manifest.read_text())
        del body["digest"]
        change(body)
        write_json(self.manifest, body)

    def write(self, name, values):
        """Other content, with the digests and statistics of the old one left but for the chunks."""
        array = zarr.open_group(str(self.store), mode="r+", zarr_format=3)[name]
        array[:] = values

        def restate(body):
            size = body["variables"][name]["chunk"]
            blocks = [np.asarray(array[start : start + size]) for start in range(0, len(values), size)]
            body["variables"][name]["chunks"] = [digest.of_array(block) for block in blocks]

        self.state(restate)

    def read(self, name):
        return np.asarray(zarr.open_group(str(self.store), mode="r", zarr_format=3)[name][:])

    def attributes(self, name, **changes):
        path = self.store / name / "zarr.json"
        content = json.loads(path.read_text())
        for key, value in changes.items():
            if value is None:
                content["attributes"].pop(key, None)
            else:
                content["attributes"][key] = value
        path.write_text(json.dumps(content))
        self.state(lambda body: body.update(metadata=metadata_digests(self.store)))


@pytest.fixture
def copy(made, tmp_path):
    shutil.copytree(made.paths.root, tmp_path / "copy")
    return Copy(tmp_path / "copy")


def test_a_dataset_as_it_is_made_has_no_fault(copy, capsys):
    found = audit(copy.root)
    assert found.faults == []
    assert found.remarks == [
        "no discretisation error is stated: the simulator knows no refined grid, or dataset.refined_runs is 0."
    ]
    assert (found.runs, found.chunks) == (88, 10)
    assert main(["check", "--dataset", str(copy.manifest)]) == 0
    assert "0 faults, 1 remarks" in capsys.readouterr().out


def fine_run(copy):
    return int(np.flatnonzero(copy.read("failed") == 0)[5])


def test_numbers_that_are_not_finite_are_found_where_no_run_failed(copy):
    u, run = copy.read("u"), fine_run(copy)
    assert np.isnan(u).any()  # failed runs are NaN, and no fault
    u[run, 3] = np.inf
    copy.write("u", u)
    assert f"u: NaN or infinite in runs that did not fail (run {run})." in audit(copy.manifest).faults


def test_statistics_are_those_of_the_training_runs(copy):
    copy.state(lambda body: body["statistics"]["top"].update(mean=body["statistics"]["top"]["mean"] + 1e-9))
    assert audit(copy.manifest).faults == ["top: the statistics stated are not those of the training runs."]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"units": None}, "top: has no units"),
        ({"units": "furlongs per"}, "'furlongs per' is no unit"),
        ({"long_name": " "}, "top: has no long_name"),
    ],
)
def test_labels_are_stated(copy, changes, words):
    copy.attributes("top", **changes)
    assert any(words in fault for fault in audit(copy.manifest).faults)


def test_a_grid_is_stated_and_grows(copy):
    x = copy.read("x")
    copy.write("x", x[::-1])
    assert audit(copy.manifest).faults == []
    copy.write("x", np.where(x > 0.5, 0.5, x))
    assert "x: the coordinate does not grow from point to point." in audit(copy.manifest).faults
    copy.state(lambda body: body["card"].pop("arguments"))
    assert "the card states no grid." in audit(copy.manifest).faults
    copy.state(lambda body: body["variables"].pop("x"))
    assert "u: its dimension 'x' has no coordinate." in audit(copy.manifest).faults


def test_splits_do_not_overlap(copy):
    copy.state(lambda body: body["splits"]["test"].update(runs=15))
    assert any("the split test is stated" in fault for fault in audit(copy.manifest).faults)


def test_a_run_that_is_tested_on_must_not_have_been_trained_on(copy):
    split = copy.read("split")
    one, two = int(np.flatnonzero(split == 0)[0]), int(np.flatnonzero(split == 2)[0])
    for name in ("a", "b"):
        values = copy.read(name)
        values[two] = values[one]
        copy.write(name, values)
    assert any(
        "runs of different splits have the same inputs (1 such" in fault for fault in audit(copy.manifest).faults
    )


def test_failed_runs_are_listed(copy):
    copy.state(lambda body: body["failed_runs"].pop())
    assert audit(copy.manifest).faults == ["the failed runs listed are not those that are marked as failed."]


def test_what_a_reader_should_look_at_is_remarked(copy):
    u, top, fine = copy.read("u"), copy.read("top"), np.flatnonzero(copy.read("failed") == 0)
    u[fine[3]] = 2.5
    u[fine[7]] = u[fine[4]]
    top[fine[1]] = 1e6
    copy.write("u", u)
    copy.write("top", top)
    remarks = audit(copy.manifest).remarks
    assert f"u: constant throughout in run {fine[3]}." in remarks
    assert f"u: 1 runs repeat another one, for example {fine[7]} that of {fine[4]}." in remarks
    assert f"top: values far from those of all other runs in run {fine[1]}." in remarks


@pytest.mark.parametrize("dims", [("run", "time", "x"), ("run", "x", "time")])
def test_frames_that_stand_still_are_remarked(dims):
    frames = np.random.default_rng(0).standard_normal((4, 5, 8))
    frames[2, 3] = frames[2, 2]
    if dims[-1] == "time":
        frames = np.ascontiguousarray(frames.transpose(0, 2, 1))
    look = _Look(VariableLayout("u", dims, frames.shape, "<f8"), np.zeros(4, dtype=bool))
    look.see(frames, 0)
    found = Audit()
    look.tell(found)
    assert found.remarks == ["u: a frame repeats the one before it in run 2."]


def test_changed_content_is_every_chunk_s_fault_and_the_rest_is_read(copy, capsys):
    path = copy.store / "u" / "c" / "0" / "0"
    data = bytearray(path.read_bytes())
    data[1000] ^= 1
    path.write_bytes(bytes(data))
    found = audit(copy.manifest)
    assert len(found.faults) == 1
    assert "chunk 0 of 'u' has changed" in found.faults[0]
    assert found.chunks == 9
    assert main(["check", "--dataset", str(copy.root)]) == 1
    assert "fault" in capsys.readouterr().out


def test_what_is_no_dataset_is_one_message(tmp_path, capsys):
    with pytest.raises(DataError, match=r"dataset\.json"):
        audit(tmp_path)
    assert main(["check", "--dataset", str(tmp_path / "nowhere")]) != 0
    assert capsys.readouterr().err.count("Error:") == 1
    write_json(tmp_path / "dataset.json", {"format": "another", "version": 1})
    with pytest.raises(DataError, match="is no manifest of a dataset"):
        audit(tmp_path)


def test_a_dataset_is_checked_alone(capsys):
    assert main(["check", "smoke", "--dataset", "x"]) == 2
    assert "a dataset is checked alone" in capsys.readouterr().err
    assert main(["check"]) == 2
    assert "no study is named" in capsys.readouterr().err


def test_where_most_runs_agree_nothing_is_an_outlier():
    values = np.array([[3.0], [3.0], [3.0], [3.0], [2.0], [4.0]])
    look = _Look(VariableLayout("n", ("run",), (6,), "<f8"), np.zeros(6, dtype=bool))
    look.see(values[:, 0], 0)
    found = Audit()
    look.tell(found)
    assert found.remarks == []
