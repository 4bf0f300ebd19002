"""The truth on call: outputs, failures, and never the same run twice."""

import textwrap

import numpy as np
import pytest
import xarray as xr

from surecast.simulate import packs
from surecast.simulate.store import RunStore
from surecast.simulate.truth import Truth
from surecast.study.errors import SimulationError
from surecast.study.model import Study

FLOW = {
    "simulator": {"kind": "groundwater", "cells": 16},
    "inputs": {
        "permeability": {"kind": "gaussian_field", "variance": 1.0, "length": 0.3, "terms": 8},
        "head": {"kind": "uniform", "low": 0.5, "high": 1.5, "units": "m"},
        "well": {"kind": "lognorm", "s": 0.4, "scale": 0.5, "units": "m2/day"},
    },
    "outputs": {
        "pressure": {},
        "outflow": {"kind": "boundary_flux", "side": "right"},
        "peak": {"kind": "maximum", "of": "pressure", "units": "cm"},
    },
    "design": {"kind": "monte_carlo", "train": 8, "validation": 0, "test": 0},
}

MODULE = """
    import numpy as np
    import xarray as xr
    from pathlib import Path

    def model(inputs):
        with open(Path(__file__).with_name("calls.txt"), "a") as file:
            file.writelines(f"{value!r}\\n" for value in inputs["a"].values.tolist())
        a = inputs["a"]
        y = xr.where((a > 0.2) & (a < 0.3), np.nan, a)
        y = xr.where((a > 0.3) & (a < 0.4), np.inf, y)
        y = xr.where((a > 0.4) & (a < 0.5), 1e20, y)
        if ((a > 0.5) & (a < 0.6)).any():
            raise ValueError("a is in the forbidden band")
        u = a * xr.DataArray([1.0, 2.0, 3.0], dims="s")
        return xr.Dataset({"y": y, "u": u.where(a > 0.1, 0.0)})
"""


@pytest.fixture
def flow(tmp_path):
    return Study.from_content(FLOW, tmp_path / "flow.yaml")


@pytest.fixture
def user(tmp_path):
    name = f"truth_model_{abs(hash(str(tmp_path)))}"
    (tmp_path / f"{name}.py").write_text(textwrap.dedent(MODULE))
    content = {
        "simulator": {"kind": f"{name}:model"},
        "inputs": {"a": {"kind": "uniform", "low": 0.0, "high": 1.0}},
        "outputs": {"level": {"of": "y", "units": "m"}, "shape": {"of": "u", "dims": ["s"]}},
        "design": {"kind": "monte_carlo", "train": 8, "validation": 0, "test": 0},
    }
    return Study.from_content(content, tmp_path / "user.yaml")


def draw(study, runs, seed=0):
    law = study.joint_law()
    inputs = law.from_uniform(np.random.default_rng(seed).random((runs, law.dimension)))
    return inputs.assign_coords(run=np.arange(100, 100 + runs)).assign(seed=("run", np.arange(runs)))


def calls(study):
    path = study.folder / "calls.txt"
    return path.read_text().split() if path.exists() else []


def test_outputs_of_the_simulator(flow):
    inputs = draw(flow, 5)
    truth = Truth(flow)
    found = truth(inputs)
    simulator = flow.build_simulator()
    raw = simulator.run(flow.joint_law().realise(inputs.drop_vars("seed"), simulator.grids()))
    np.testing.assert_array_equal(found["pressure"], raw["pressure"].astype(np.float32))
    np.testing.assert_array_equal(found["outflow"], raw["boundary_flux"].sel(side="right"))
    np.testing.assert_allclose(found["peak"], 100 * raw["pressure"].max(("y", "x")), rtol=1e-14)
    assert {name: str(found[name].dtype) for name in ("pressure", "outflow", "failed")} == {
        "pressure": "float32",
        "outflow": "float64",
        "failed": "int8",
    }
    assert [found[name].attrs["units"] for name in ("pressure", "outflow", "peak")] == ["m", "m2/day", "cm"]
    assert not found["failed"].any()
    assert (found["message"] == "").all()
    assert (found["mass_balance"] < 1e-8).all()
    np.testing.assert_array_equal(found["run"], inputs["run"])
    assert (truth.runs_made, truth.runs_found) == (5, 0)


def test_only_what_is_asked_is_kept(flow, tmp_path):
    truth = Truth(flow, ["peak"], RunStore(tmp_path / "store"))
    assert set(truth(draw(flow, 4)).data_vars) == {"peak", "mass_balance", "iterations", "failed", "message"}
    (pack,) = (tmp_path / "store").glob("*.nc")
    assert "pressure" not in xr.load_dataset(pack)
    assert set(Truth(flow, fields=False).outputs) == {"outflow", "peak"}
    # The fields were not kept: who asks for them later has to make them, and scalars are found again.
    assert Truth(flow, store=RunStore(tmp_path / "store"))(draw(flow, 4))["pressure"].notnull().all()


def test_no_run_is_made_twice(flow, tmp_path):
    first = Truth(flow, store=RunStore(tmp_path / "store"))
    whole = first(draw(flow, 10))
    second = Truth(flow, ["outflow"], RunStore(tmp_path / "store"))
    order = [7, 2, 2, 9]
    again = second(draw(flow, 10).isel(run=order))
    assert (second.runs_made, second.runs_found) == (0, 4)
    xr.testing.assert_identical(again["outflow"], whole["outflow"].isel(run=order))
    third = Truth(flow, store=RunStore(tmp_path / "store"))
    assert third(draw(flow, 14)).isel(run=slice(0, 10)).identical(whole)
    assert (third.runs_made, third.runs_found) == (4, 10)


def test_repeated_inputs_are_run_once(user):
    truth = Truth(user)
    found = truth(draw(user, 2).assign(a=("run", [0.7, 0.8])).isel(run=[1, 1, 0, 1]))
    assert (truth.runs_made, truth.runs_found) == (2, 2)
    assert len(calls(user)) == 2
    assert found["level"].values.tolist() == [0.8, 0.8, 0.7, 0.8]


def test_pack_and_call_sizes_leave_no_trace(flow, tmp_path, monkeypatch):
    inputs = draw(flow, 11)
    whole = Truth(flow)(inputs)
    monkeypatch.setattr(packs, "RUNS_PER_PACK", 3)
    assert Truth(flow, store=RunStore(tmp_path / "store"))(inputs).identical(whole)
    assert len(list((tmp_path / "store").glob("*.nc"))) == 4
    singles = [Truth(flow)(inputs.isel(run=[row])) for row in range(11)]
    assert xr.concat(singles, "run", data_vars="all").identical(whole)


def test_an_interrupted_job_goes_on_where_it_was(user, tmp_path, monkeypatch):
    monkeypatch.setattr(packs, "RUNS_PER_PACK", 4)
    inputs = draw(user, 12)
    store = RunStore(tmp_path / "store")
    add, added = store.add, []

    def killed_in_the_third(*arguments):
        if len(added) == 2:
            raise KeyboardInterrupt
        added.append(add(*arguments))
        return added[-1]

    monkeypatch.setattr(store, "add", killed_in_the_third)
    with pytest.raises(KeyboardInterrupt):
        Truth(user, store=store)(inputs)
    truth = Truth(user, store=RunStore(tmp_path / "store"))
    assert truth(inputs).identical(Truth(user)(inputs))
    assert (truth.runs_made, truth.runs_found) == (4, 8)


def test_failed_runs_are_kept_with_their_message(user, tmp_path):
    inputs = draw(user, 1).isel(run=[0] * 7).assign_coords(run=np.arange(7))
    inputs["a"] = ("run", [0.05, 0.15, 0.25, 0.35, 0.45, 0.55, 0.65], inputs["a"].attrs)
    found = Truth(user, store=RunStore(tmp_path / "store"))(inputs)
    assert found["failed"].values.tolist() == [1, 0, 1, 1, 1, 1, 0]
    assert found["message"].values.tolist() == [
        "every field is zero throughout",
        "",
        "y is NaN",
        "y is infinite",
        "y has the magnitude 1e+20, above 1e+12",
        "ValueError: a is in the forbidden band",
        "",
    ]
    assert np.isnan(found["level"][found["failed"] == 1]).all()
    assert np.isnan(found["shape"][found["failed"] == 1]).all()
    np.testing.assert_array_equal(found["level"][[1, 6]], [0.15, 0.65])
    made = len(calls(user))
    again = Truth(user, store=RunStore(tmp_path / "store"))(inputs)
    assert again.identical(found)
    assert len(calls(user)) == made  # a failed run is a result: not tried again


@pytest.mark.parametrize("size", [1, 3, 64])
def test_runs_are_kept_with_inputs_and_seed(flow, tmp_path, monkeypatch, size):
    """Of the runs that a question makes there is no other record; fields by their coefficients."""
    monkeypatch.setattr(packs, "RUNS_PER_PACK", size)
    inputs = draw(flow, 6)
    inputs["permeability"][[1, 4]] *= 400  # no solver is equal to that
    truth = Truth(flow, ["outflow"], RunStore(tmp_path / "store"))
    found = truth(inputs)
    assert found["failed"].values.tolist() == [0, 1, 0, 0, 1, 0]
    identities = truth.identities(inputs)
    seen = []
    for pack in RunStore(tmp_path / "store").read():
        for row, identity in enumerate(pack["identity"].values):
            (run,) = np.flatnonzero(identities == identity)
            seen.append(int(run))
            assert pack["input seed"].values[row] == inputs["seed"].values[run]
            assert str(pack["message"].values[row]) == found["message"].values[run]
            for name in flow.inputs:
                np.testing.assert_array_equal(pack[f"input {name}"][row], inputs[name][run])
                assert pack[f"input {name}"].attrs.get("units") == inputs[name].attrs.get("units")
    assert sorted(seen) == list(range(6))
    again = Truth(flow, ["outflow"], RunStore(tmp_path / "store"))
    assert again(inputs).identical(found)
    assert again.runs_made == 0


def test_every_run_fails(user):
    inputs = draw(user, 2).assign(a=("run", [0.55, 0.56]))
    found = Truth(user)(inputs)
    assert found["failed"].values.tolist() == [1, 1]
    assert found["message"].values.tolist() == ["ValueError: a is in the forbidden band"] * 2
    assert np.isnan(found["level"]).all()
    assert found["level"].attrs == {"units": "m"}
    assert "shape" not in found  # nobody has seen its size


@pytest.mark.parametrize("size", [1, 2, 64])
def test_failed_runs_do_not_depend_on_their_pack(user, tmp_path, monkeypatch, size):
    """A pack none of whose calls came back knows no field: its runs have the form of the others."""
    inputs = draw(user, 5).assign(a=("run", [0.55, 0.56, 0.7, 0.57, 0.8]))
    whole = Truth(user)(inputs)
    monkeypatch.setattr(packs, "RUNS_PER_PACK", size)
    store = RunStore(tmp_path / "store")
    assert Truth(user, store=store)(inputs).identical(whole)
    assert whole["failed"].values.tolist() == [1, 1, 0, 1, 0]
    assert np.isnan(whole["shape"][[0, 1, 3]]).all()
    np.testing.assert_allclose(whole["shape"][2], [0.7, 1.4, 2.1], rtol=1e-6)
    made = len(calls(user))
    again = Truth(user, store=RunStore(tmp_path / "store"))
    assert again(inputs).identical(whole)
    assert again(inputs.isel(run=[3, 0]))["shape"].shape == (2, 3)  # seen a call ago
    assert len(calls(user)) == made


def test_a_kept_field_of_zeros_beside_another_fails_the_run_whoever_asks(user, tmp_path):
    (tmp_path / "two_fields.py").write_text(
        "import xarray as xr\n\n"
        "def model(inputs):\n"
        "    line = xr.DataArray([1.0, 2.0], dims='s')\n"
        "    a = inputs['a']\n"
        "    return xr.Dataset({'u': a.where(a > 0.5, 0.0) * line, 'v': 1 + a * line, 'y': a.where(a > 0.7, 0.0)})\n"
    )
    content = {
        "simulator": {"kind": "two_fields:model"},
        "inputs": {"a": {"kind": "uniform", "low": 0.0, "high": 1.0}},
        "outputs": {"u": {"dims": ["s"]}, "y": {}},
        "design": {"kind": "monte_carlo", "train": 8, "validation": 0, "test": 0},
    }
    study = Study.from_content(content, tmp_path / "two.yaml")
    inputs = draw(study, 3).assign(a=("run", [0.4, 0.6, 0.8]))
    for outputs in (None, ["y"]):
        found = Truth(study, outputs)(inputs)
        assert found["failed"].values.tolist() == [1, 0, 0]
        assert found["message"].values[0] == "every field that the study keeps is zero throughout"
        np.testing.assert_array_equal(found["y"], [np.nan, 0.0, 0.8])


def test_dimensions_have_to_be_stated(tmp_path, user):
    wrong = Study.from_content(
        {
            "simulator": {"kind": user.simulator.kind},
            "inputs": {"a": {"kind": "uniform", "low": 0.6, "high": 1.0}},
            "outputs": {"u": {}},
            "design": {"kind": "monte_carlo", "train": 8, "validation": 0, "test": 0},
        },
        tmp_path / "wrong.yaml",
    )
    with pytest.raises(SimulationError, match=r"outputs\.u\.dims: \[s\]"):
        Truth(wrong)(draw(wrong, 2))


def test_unknown_output(flow):
    with pytest.raises(SimulationError, match="no output 'peek'"):
        Truth(flow, ["peek"])
