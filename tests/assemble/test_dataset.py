"""Assembly against closed forms: values, statistics, splits, failed runs, digests, restarts."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys

import dask.threaded
import numpy as np
import pytest
import xarray as xr

from surecast.assemble import task as tasks
from surecast.assemble.dataset import assemble
from surecast.assemble.open import open_dataset
from surecast.design.make import make_design
from surecast.design.parts import parts
from surecast.simulate.part import simulate_part
from surecast.study.errors import DataError, SimulationError
from surecast.study.files import read_dataset, write_dataset
from surecast.study.model import Study
from surecast.study.paths import Paths
from surecast.study.settings import Failures


def test_values_are_those_of_the_closed_form_and_zarr_opens_with_xarray(made):
    dataset = open_dataset(made.paths.manifest).load()
    np.testing.assert_allclose(dataset["u"].values, made.truth(), rtol=1e-6)
    np.testing.assert_array_equal(dataset["a"].values, made.design["a"].values)
    assert dataset["u"].attrs == {"units": "m", "long_name": "height"} | dataset["u"].attrs
    assert dataset["b"].attrs["units"] == "m"
    assert dataset["x"].attrs["units"] == "m"
    plain = xr.open_zarr(made.paths.dataset, consolidated=False, chunks=None)
    xr.testing.assert_identical(plain.load(), dataset)


def test_statistics_are_those_of_the_training_runs_that_did_not_fail(made):
    wanted = made.design["split"].values == "train"
    truth = made.truth().astype(np.float64)
    good = wanted & np.isfinite(truth[:, 0])
    assert 0 < good.sum() < wanted.sum()
    found = made.manifest["statistics"]["u"]
    assert found["mean"] == pytest.approx(truth[good].mean(), rel=1e-7)
    assert found["std"] == pytest.approx(truth[good].std(), rel=1e-6)
    assert found["minimum"] == pytest.approx(truth[good].min())
    assert found["runs"] == good.sum()
    assert found["values"] == 32 * good.sum()
    assert made.manifest["statistics"]["a"]["mean"] == pytest.approx(made.design["a"].values[good].mean(), rel=1e-12)
    assert "failed" not in made.manifest["statistics"]


def test_failed_runs_are_recorded_with_inputs_seed_and_message(made):
    failed = np.flatnonzero(made.design["a"].values >= 0.98)
    assert failed.size
    listed = made.manifest["failed_runs"]
    assert [entry["run"] for entry in listed] == failed.tolist()
    for entry in listed:
        run = entry["run"]
        assert entry["inputs"] == {name: made.design[name].values[run] for name in ("a", "b")}
        assert entry["seed"] == made.design["seed"].values[run]
        assert entry["split"] == made.design["split"].values[run]
        assert entry["message"]
    dataset = open_dataset(made.paths.manifest)
    assert np.array_equal(np.flatnonzero(dataset["failed"].values), failed)
    assert np.isnan(dataset["u"].values[failed]).all()
    assert sum(split["failed"] for split in made.manifest["splits"].values()) == failed.size


def test_fields_are_evaluated_by_any_number_of_workers(tmp_path, pieces):
    """Inputs on the grid are computed while they are written: by threads beside each other, to the same bytes."""
    content = {
        "simulator": {"kind": "groundwater", "cells": 16},
        "inputs": {
            "permeability": {"kind": "gaussian_field", "variance": 1.0, "length": 0.3, "terms": 8},
            "head": {"kind": "uniform", "low": 0.5, "high": 1.5, "units": "m"},
            "well": {"kind": "lognorm", "s": 0.4, "scale": 0.5, "units": "m2/day"},
        },
        "outputs": {"pressure": {}, "outflow": {"kind": "boundary_flux", "side": "right"}},
        "design": {"kind": "sobol", "train": 16, "validation": 4, "test": 4, "runs_per_part": 6},
        "dataset": {"refined_runs": 2, "chunk_mib": 1, "shard_mib": 3},
    }
    study = Study.from_content(content, tmp_path / "flow.yaml")
    paths = Paths("flow", tmp_path / "results")
    write_dataset(paths.design, make_design(study))
    files = [paths.part(part.name) for part in parts(study.build_design())]
    for file in files:
        simulate_part(study, file.stem, paths.design, file, paths.store)
    found = []
    for workers in (1, 2, 5):
        assemble(study, paths.design, files, paths.dataset, paths.manifest, workers)
        written = sorted(path for path in paths.dataset.rglob("*") if path.is_file())
        found.append({path.relative_to(tmp_path): path.read_bytes() for path in [*written, paths.manifest]})
    assert len(found[0]) > 20
    assert found[0] == found[1] == found[2]


@pytest.mark.parametrize("in_memory", [True, False])
def test_runs_that_raise_do_not_depend_on_the_size_of_parts(make, request, in_memory):
    if not in_memory:
        request.getfixturevalue("pieces")
    few = {"train": 6, "validation": 2, "test": 4}
    whole, single = (make(name, 2.0, **few, runs_per_part=size) for name, size in (("whole", 6), ("single", 1)))
    alone = [read_dataset(part) for part in single.parts]
    assert any("u" not in part for part in alone)
    assert all("u" in part for part in alone if not part["failed"].all())
    manifests = [made.assemble() for made in (whole, single)]
    b = whole.design["b"].values
    raised = np.flatnonzero(b < 2.0)
    assert 0 in raised  # the first part shows neither dimensions nor attributes
    told = {entry["run"]: entry["message"] for entry in manifests[1]["failed_runs"]}
    assert all(told[run] == "ValueError: b is too small" for run in raised)
    assert {key: value for key, value in manifests[0].items() if key != "store"} == {
        key: value for key, value in manifests[1].items() if key != "store"
    }
    dataset = open_dataset(single.paths.manifest).load()
    expected = np.where(b[:, None] < 2.0, np.nan, single.truth())
    np.testing.assert_allclose(dataset["u"].values, expected, rtol=1e-6)
    assert dataset["x"].attrs["units"] == "m"


def test_a_field_that_no_run_gives_is_an_error(make):
    made = make("none", 99, runs_per_part=1, train=4, validation=0, test=0)
    with pytest.raises(SimulationError, match="no run of the design gave 'u': every one of 4 failed"):
        made.assemble()


def test_a_part_that_lacks_a_field_though_runs_went_well_is_refused(make):
    made = make()
    content = read_dataset(made.parts[1]).drop_vars("u")
    write_dataset(made.parts[1], content)
    with pytest.raises(DataError, match="has no variable 'u'"):
        made.assemble()


def test_too_many_failed_runs_stop_the_study_before_anything_is_written(make):
    made = make()
    failed = int((made.design["a"].values >= 0.98).sum())
    runs = made.design.sizes["run"]
    made.study = made.study.model_copy(update={"failures": Failures(max_share=(failed - 0.5) / runs)})
    with pytest.raises(
        SimulationError, match=rf"{failed} of {runs} runs failed.*\n.*a = 0\.9[89]\d*.*seed = \d+.*u is NaN"
    ):
        made.assemble()
    assert not made.paths.dataset.exists()
    assert not made.paths.manifest.exists()
    made.study = made.study.model_copy(update={"failures": Failures(max_share=(failed + 0.5) / runs)})
    assert len(made.assemble()["failed_runs"]) == failed


def test_splits_are_disjoint_and_cover_all_runs(made):
    dataset = open_dataset(made.paths.manifest)
    flags = dict(
        zip(dataset["split"].attrs["flag_meanings"].split(), dataset["split"].attrs["flag_values"], strict=True)
    )
    runs = []
    for name, split in made.manifest["splits"].items():
        inside = np.flatnonzero(dataset["split"].values == flags[name])
        assert inside.tolist() == list(range(split["start"], split["stop"]))
        assert made.design["split"].values[inside].tolist() == [name] * split["runs"]
        runs += inside.tolist()
    assert sorted(runs) == list(range(made.manifest["runs"]))


def test_digests_do_not_depend_on_parts_workers_or_their_order(make):
    one = make("one", runs_per_part=16)
    two = make("two", runs_per_part=5)
    two.parts.reverse()
    assert one.assemble(workers=1) == two.assemble(workers=3)
    assert one.paths.manifest.read_bytes() == two.paths.manifest.read_bytes()


def test_nothing_depends_on_parts_or_workers_when_files_are_read_in_pieces(make, pieces):
    one, two = make("one", runs_per_part=16), make("two", runs_per_part=5)
    assert one.assemble(workers=1) == two.assemble(workers=4)
    entry = one.manifest["variables"]["u"]
    assert (entry["chunk"], entry["shard"], len(entry["chunks"])) == (8, 24, 11)
    dataset = open_dataset(one.paths.manifest)
    np.testing.assert_allclose(dataset["u"].values, one.truth(), rtol=1e-6)
    np.testing.assert_allclose(dataset["u"].isel(run=[70, 3, 50]).values, one.truth()[[70, 3, 50]], rtol=1e-6)
    plain = xr.open_zarr(one.paths.dataset, consolidated=False, chunks=None)
    xr.testing.assert_identical(plain.load(), dataset.load())


def test_statistics_do_not_depend_on_chunks(make, made, pieces):
    assert make().assemble()["statistics"] == made.manifest["statistics"]


def test_raising_train_keeps_the_bytes_of_the_first_runs(make, pieces):
    """Training runs come last in the dataset: all full chunks before the new ones keep their digests too."""
    before, after = make("before", train=64), make("after", train=100)
    entries = before.assemble()["variables"], after.assemble()["variables"]
    old, new = open_dataset(before.paths.manifest).load(), open_dataset(after.paths.manifest).load()
    for name in old.variables:
        if "run" in old[name].dims:
            assert old[name].values.tobytes() == new[name].values[: old.sizes["run"]].tobytes(), name
    full = 0
    for one, two in ((entries[0][name], entries[1][name]) for name in old.variables if "run" in old[name].dims):
        if one["chunk"] == two["chunk"]:  # else all its runs were less than a chunk
            chunks = one["shape"][0] // one["chunk"]
            assert two["chunks"][:chunks] == one["chunks"][:chunks]
            full += chunks
    assert full >= entries[0]["u"]["shape"][0] // entries[0]["u"]["chunk"] == 11


def test_a_study_without_failed_runs_lists_none(make):
    made = make(train=1, validation=0, test=0)
    manifest = made.assemble()
    assert made.design["a"].values[0] < 0.98
    assert manifest["failed_runs"] == []
    assert manifest["splits"]["test"]["runs"] == 0


def test_an_assembly_that_is_killed_goes_on_after_its_last_finished_shard(make, monkeypatch):
    made = make()
    wanted = make("other").assemble()
    aside = made.paths.root / ".dataset.zarr.partial"
    run, calls, shards = tasks.ShardTask.run, [], []

    def killed(self):
        if len(calls) == 5:
            raise KeyboardInterrupt
        calls.append(self.layouts[0].name)
        shards.append(self.store / self.layouts[0].shard_path(self.number))
        return run(self)

    monkeypatch.setattr(tasks.ShardTask, "run", killed)
    with pytest.raises(KeyboardInterrupt):
        made.assemble()
    assert not made.paths.dataset.exists()
    assert not made.paths.manifest.exists()
    # One finished shard is torn after the fact: it has to be written anew, the others must not.
    torn = shards[0]
    torn.write_bytes(torn.read_bytes()[:3])
    (torn.parent / ".0.abc.aside").write_bytes(b"half a shard")
    written = []
    write_record = tasks.ShardTask._write_record

    def counted(self, found):
        written.append(self.layouts[0].name)
        write_record(self, found)

    monkeypatch.setattr(tasks.ShardTask, "run", run)
    monkeypatch.setattr(tasks.ShardTask, "_write_record", counted)
    assert made.assemble() == wanted
    assert set(written) & set(calls) == {calls[0]}
    assert not aside.exists()
    assert not list(made.paths.dataset.rglob("*.aside"))


@pytest.mark.skipif(sys.platform != "linux", reason="what is killed is a fork")
def test_killed_by_the_system_it_goes_on_and_writes_no_finished_shard_again(make, pieces):
    """SIGKILL, with two threads at work: the files that were whole are the very same ones afterwards."""
    made = make()

    def killed() -> None:
        dask.threaded.pools.clear()  # threads of the process that was forked are not here
        run, calls = tasks.ShardTask.run, []

        def counted(self):
            calls.append(self)
            if len(calls) == 10:
                os.kill(os.getpid(), signal.SIGKILL)
            return run(self)

        tasks.ShardTask.run = counted
        made.assemble(workers=2)

    process = multiprocessing.get_context("fork").Process(target=killed)
    process.start()
    process.join(300)
    assert process.exitcode == -signal.SIGKILL
    unfinished = made.paths.root / ".dataset.zarr.partial"
    finished = {}
    for record in (unfinished / "records").glob("*.nc"):
        number = record.name.split(".")[1]
        for name in read_dataset(record)["variable"].values:
            place = unfinished / "store" / str(name) / "c" / number
            for shard in [place] if place.is_file() else place.rglob("0"):
                finished[shard.relative_to(unfinished / "store")] = shard.stat().st_ino
    assert len(finished) >= 8
    made.assemble(workers=2)
    assert {path: (made.paths.dataset / path).stat().st_ino for path in finished} == finished
    np.testing.assert_allclose(open_dataset(made.paths.manifest)["u"].values, made.truth(), rtol=1e-6)


def test_an_unfinished_store_of_other_runs_is_not_used(make):
    made = make()
    aside = made.paths.root / ".dataset.zarr.partial"
    (aside / "store").mkdir(parents=True)
    (aside / "store" / "left.over").write_text("")
    made.assemble()
    assert not (made.paths.dataset / "left.over").exists()
    np.testing.assert_allclose(open_dataset(made.paths.manifest)["u"].values, made.truth(), rtol=1e-6)


@pytest.mark.parametrize("in_pieces", [False, True])
def test_a_changed_byte_in_a_part_is_noticed(make, request, in_pieces):
    if in_pieces:
        request.getfixturevalue("pieces")
    made = make()
    path = made.parts[2]
    content = read_dataset(path)
    attributes = dict(content.attrs)
    content["u"][0, 0] += 1e-6
    write_dataset(path, content)
    with xr.open_dataset(path, engine="netcdf4") as file:
        content = file.load()
    content.attrs["digest"] = attributes["digest"]
    content.to_netcdf(path, engine="netcdf4")
    with pytest.raises(DataError, match=rf"{path.name}: content has changed.*Remedy: delete it \(rm"):
        made.assemble()
    assert not made.paths.manifest.exists()


def test_a_torn_part_is_noticed(make):
    made = make()
    made.parts[1].write_bytes(made.parts[1].read_bytes()[:2000])
    with pytest.raises(DataError, match=rf"{made.parts[1].name}: cannot be read as NetCDF"):
        made.assemble()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda parts: parts[:2] + parts[3:], "run .* is missing"),
        (lambda parts: parts[:-1], "the parts hold .* runs, the design"),
        (lambda parts: [*parts, parts[0]], "run 0 is there twice"),
    ],
)
def test_missing_and_doubled_parts_are_noticed(make, change, message):
    made = make()
    made.parts = change(made.parts)
    with pytest.raises(DataError, match=message):
        made.assemble()


def test_parts_of_another_design_are_refused(make):
    made, other = make("one"), make("two", kind="monte_carlo")
    made.parts = other.parts
    with pytest.raises(DataError, match="'a' is not that of the design"):
        made.assemble()
