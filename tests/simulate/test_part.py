"""Parts of a study, simulated and written."""

import textwrap

import numpy as np
import pytest
import xarray as xr

from surecast.design.make import make_design
from surecast.design.parts import parts
from surecast.simulate.part import simulate_part
from surecast.simulate.store import RunStore
from surecast.study.errors import DataError, SimulationError
from surecast.study.files import read_dataset, write_dataset
from surecast.study.model import Study

MODULE = """
    import xarray as xr
    from pathlib import Path

    def model(inputs, limit=2.0):
        with open(Path(__file__).with_name("calls.txt"), "a") as file:
            file.writelines(f"{value!r}\\n" for value in inputs["a"].values.tolist())
        return xr.Dataset({"y": (inputs["a"] ** 2).where(inputs["a"] < limit)})
"""


@pytest.fixture
def make(tmp_path):
    name = f"part_model_{abs(hash(str(tmp_path)))}"
    (tmp_path / f"{name}.py").write_text(textwrap.dedent(MODULE))

    def study(design=None, limit=2.0, **more):
        content = {
            "simulator": {"kind": f"{name}:model", "limit": limit},
            "inputs": {"a": {"kind": "uniform", "low": 0.0, "high": 1.0}},
            "outputs": {"y": {"units": "1"}},
            "design": {"kind": "monte_carlo", "train": 12, "validation": 4, "test": 4, "runs_per_part": 5}
            | (design or {}),
        }
        return Study.from_content(content | more, tmp_path / "study.yaml")

    return study


def calls(study):
    path = study.folder / "calls.txt"
    return path.read_text().split() if path.exists() else []


def simulate(study, folder, name="study"):
    """All parts of a study, joined."""
    design = folder / f"{name}-design.nc"
    write_dataset(design, make_design(study))
    pieces = []
    for part in parts(study.build_design()):
        path = folder / name / f"{part.name}.nc"
        simulate_part(study, part.name, design, path, folder / "store")
        pieces.append(read_dataset(path))
    return xr.concat(pieces, "run", data_vars="all", combine_attrs="drop")


def test_a_part_says_what_it_is(make, tmp_path):
    study = make()
    design = tmp_path / "design.nc"
    write_dataset(design, make_design(study))
    runs = simulate_part(study, "train-0001", design, tmp_path / "part.nc", tmp_path / "store")
    written = read_dataset(tmp_path / "part.nc")
    assert written.drop_attrs(deep=False).identical(runs.drop_attrs(deep=False))
    assert {"a", "seed", "y", "failed", "message", "identity"} <= set(written.data_vars)
    assert written["index_in_split"].values.tolist() == [5, 6, 7, 8, 9]
    np.testing.assert_allclose(written["y"], written["a"] ** 2)
    assert written.attrs["part"] == "train-0001"
    assert written.attrs["design"] == read_dataset(design).attrs["digest"]
    assert len(set(written["identity"].values)) == 5


def test_part_sizes_leave_no_trace_and_no_run_is_made_twice(make, tmp_path):
    first = simulate(make(), tmp_path, "first")
    assert len(calls(make())) == 20
    other = simulate(make({"runs_per_part": 3}), tmp_path, "other")
    assert other.sortby("run").identical(first.sortby("run"))
    assert len(calls(make())) == 20
    more = simulate(make({"train": 15}), tmp_path, "more")
    assert len(calls(make())) == 23  # raising train simulates the new ones only
    kept = more.where((more["split"] != "train") | (more["index_in_split"] < 12), drop=True)
    np.testing.assert_array_equal(kept.sortby("run")["y"], first.sortby("run")["y"])


def test_parts_without_a_store_in_common_are_equal(make, tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    first, second = simulate(make(), tmp_path / "a"), simulate(make({"runs_per_part": 20}), tmp_path / "b")
    assert second.sortby("run").identical(first.sortby("run"))


def test_a_torn_pack_is_made_again(make, tmp_path):
    first = simulate(make(), tmp_path, "first")
    pack = sorted((tmp_path / "store").glob("*.nc"))[0]
    lost = xr.load_dataset(pack).sizes["run"]
    pack.write_bytes(pack.read_bytes()[:1000])
    with pytest.warns(RuntimeWarning, match="set aside"):
        again = simulate(make(), tmp_path, "again")
    assert again.identical(first)
    assert len(calls(make())) == 20 + lost
    assert len(RunStore(tmp_path / "store")) == 20


def test_too_many_failed_runs_stop_the_study(make, tmp_path):
    study = make({"runs_per_part": 20}, limit=0.5)
    with pytest.raises(SimulationError, match=r"of 20 runs failed.*max_share = 0\.05") as caught:
        simulate(study, tmp_path)
    assert "y is NaN" in str(caught.value)
    assert "a = 0." in str(caught.value)
    assert not list((tmp_path / "study").glob("train*"))
    borne = make({"runs_per_part": 20}, limit=0.5, failures={"max_share": 1.0})
    runs = simulate(borne, tmp_path)
    np.testing.assert_array_equal(runs["failed"], (runs["a"] >= 0.5).astype(np.int8))
    assert (runs["message"].values[runs["failed"].values == 1] == "y is NaN").all()


def test_imported_outputs_are_never_repeated(make, tmp_path):
    a = np.linspace(0.01, 0.96, 20)
    y = 1000 + a  # what the user says, not what the function would give
    y[[2, 11]] = np.nan  # not computed yet
    rows = [
        "a,y",
        *(f"{x!r},{'' if np.isnan(value) else repr(float(value))}" for x, value in zip(a.tolist(), y, strict=True)),
    ]
    (tmp_path / "table.csv").write_text("\n".join(rows) + "\n")
    study = make({"kind": "table", "file": "table.csv"})
    runs = simulate(study, tmp_path)
    made = runs["y"].values < 1000
    assert made.sum() == len(calls(study)) == 2
    np.testing.assert_allclose(runs["y"].values[made], runs["a"].values[made] ** 2)
    np.testing.assert_allclose(runs["y"].values[~made], 1000 + runs["a"].values[~made])
    assert not runs["failed"].any()
    assert (runs["message"] == "").all()


def test_an_infinite_output_of_the_table_is_a_failed_run(make, tmp_path):
    cells = {3: "inf", 7: "-inf", 8: "", 9: "nan", 12: "1e30"}
    a = np.linspace(0.01, 0.96, 20)
    lines = [f"{x!r},{cells.get(row, 5.0)}" for row, x in enumerate(a.tolist())]
    (tmp_path / "table.csv").write_text("\n".join(["a,y", *lines]) + "\n")
    study = make({"kind": "table", "file": "table.csv"}, failures={"max_share": 1.0})
    runs = simulate(study, tmp_path)
    assert sorted(map(float, calls(study))) == pytest.approx([a[8], a[9]])
    failed = runs.isel(run=runs["failed"].values != 0)
    rows = [int(np.argmin(abs(a - value))) for value in failed["a"].values]
    told = dict(zip(rows, map(str, failed["message"].values), strict=True))
    assert told == {3: "y is infinite", 7: "y is infinite", 12: "y has the magnitude 1e+30, above 1e+12"}
    assert np.isnan(failed["y"].values).all()


def test_a_changed_design_is_noticed(make, tmp_path):
    design = tmp_path / "design.nc"
    study = make()
    write_dataset(design, make_design(study))
    with xr.open_dataset(design) as file:
        changed = file.load()
    changed["a"][0] += 1e-12
    changed.to_netcdf(design)
    with pytest.raises(DataError, match="has changed"):
        simulate_part(study, "train-0000", design, tmp_path / "part.nc", tmp_path / "store")
    assert not calls(study)
