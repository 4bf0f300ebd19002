"""The design of a study: numbering, seeds, splits and parts."""

from __future__ import annotations

import numpy as np
import pytest

from surecast.design.make import make_design
from surecast.design.parts import find_part, parts, select
from surecast.study import digest
from surecast.study.errors import DataError, StudyError
from surecast.study.files import read_dataset, write_dataset

KINDS = ["monte_carlo", "latin_hypercube", "sobol"]


@pytest.mark.parametrize("kind", KINDS)
def test_raising_train_keeps_every_run_byte_for_byte_and_its_number(make_study, kind):
    before, after = make_design(make_study(kind=kind, train=8)), make_design(make_study(kind=kind, train=21))
    assert before.sizes["run"] == 16
    assert after.sizes["run"] == 29
    for name in before.variables:
        assert digest.of_array(before[name].values) == digest.of_array(after[name].isel(run=slice(0, 16)).values), name


@pytest.mark.parametrize("kind", KINDS)
def test_raising_test_keeps_the_runs_of_every_split(make_study, kind):
    before, after = make_design(make_study(kind=kind)), make_design(make_study(kind=kind, test=9))
    for split, count in {"test": 5, "validation": 3, "train": 8}.items():
        old, new = (design.isel(run=np.flatnonzero(design["split"] == split)) for design in (before, after))
        for name in ("head", "well", "field", "seed"):
            assert old[name].values.tobytes() == new[name].values[:count].tobytes()


def test_splits_share_no_run_and_seeds_are_distinct(make_study):
    design = make_design(make_study(train=200, validation=50, test=50))
    assert len(np.unique(design["seed"].values)) == 300
    assert len(np.unique(design["head"].values)) == 300
    assert {split: int((design["split"] == split).sum()) for split in ("train", "validation", "test")} == {
        "train": 200,
        "validation": 50,
        "test": 50,
    }


def test_inputs_follow_their_laws_and_say_so(make_study):
    design = make_design(make_study(train=2048, validation=0, test=0))
    assert abs(design["head"].values.mean() - 1) < 1e-3
    assert abs(np.log(design["well"].values / 0.5).std() - 0.4) < 5e-3
    assert design["field"].dims == ("run", "field_term")
    assert design["head"].attrs["units"] == "m"
    assert '"kind":"uniform"' in design["head"].attrs["law"]
    assert all("units" in design[name].attrs for name in design.variables)


def test_size_of_parts_leaves_no_trace(make_study, tmp_path):
    one = write_dataset(tmp_path / "a.nc", make_design(make_study(runs_per_part=1)))
    assert one == write_dataset(tmp_path / "b.nc", make_design(make_study(runs_per_part=7)))
    assert read_dataset(tmp_path / "a.nc").sizes["run"] == 16


@pytest.mark.parametrize("size", [1, 3, 64])
def test_parts_hold_every_run_once(make_study, size):
    study = make_study(runs_per_part=size)
    design = make_design(study)
    pieces = [select(design, part)["run"].values for part in parts(study.build_design())]
    assert np.array_equal(np.concatenate(pieces), design["run"].values)
    assert all(len(piece) <= size for piece in pieces)


def test_parts_keep_their_name_and_runs_when_train_is_raised(make_study):
    before = parts(make_study(train=8, runs_per_part=4).build_design())
    after = parts(make_study(train=16, runs_per_part=4).build_design())
    assert after[: len(before)] == before
    assert [part.name for part in after[len(before) :]] == ["train-0002", "train-0003"]


def test_an_unknown_part_is_refused(make_study):
    with pytest.raises(DataError, match=r"no part 'train-0099'"):
        find_part(make_study().build_design(), "train-0099")


def test_a_design_that_lacks_runs_of_a_part_is_refused(make_study):
    study = make_study(runs_per_part=4)
    short = make_design(study).isel(run=slice(0, 14))
    with pytest.raises(DataError, match=r"lacks runs of part train-0001 \(train 4 to 7\)"):
        select(short, find_part(study.build_design(), "train-0001"))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"train": 0}, "design.train"),
        ({"train": 10**12}, "design.train"),
        ({"runs_per_part": 0}, "design.runs_per_part"),
        ({"kind": "latin_hypercube", "block": 1}, "design.block"),
        ({"trian": 8}, "trian"),
        ({"kind": "table", "file": "none.csv"}, "no such file"),
    ],
)
def test_bad_settings_are_refused_by_name(make_study, settings, message):
    with pytest.raises(StudyError, match=message):
        make_study(**settings).build_design()
