"""`surecast runs`: what is listed, filtered and exported."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from surecast.cli.main import main
from surecast.simulate.store import DEFINITION, RunStore
from surecast.study.paths import Paths


@pytest.fixture
def study(tmp_path, monkeypatch):
    """The store of a study `made`: y = a^2, which fails above 3."""
    monkeypatch.chdir(tmp_path)
    a = np.array([0.5, 1.5, 2.5, 3.5])
    runs = xr.Dataset(
        {
            "y": ("run", np.where(a > 3, np.nan, a**2), {DEFINITION: "d", "units": "m"}),
            "failed": ("run", (a > 3).astype(np.int8)),
            "message": ("run", np.where(a > 3, "a is too large", "").astype(object)),
        }
    )
    inputs = xr.Dataset({"a": ("run", a, {"units": "s"}), "k": (("run", "term"), np.outer(a, [1, 2, 3]))})
    RunStore(Paths("made").store).add(np.array([f"{number:032d}" for number in range(4)]), runs, inputs)
    return tmp_path


def test_runs_are_counted_and_shown(study, capsys):
    assert main(["runs", "made", "--limit", "2"]) == 0
    out = capsys.readouterr().out
    assert "4 runs in 1 packs, 1 failed; 4 chosen" in out
    assert "a (s)" in out
    assert "y (m)" in out
    assert "k[" not in out
    assert len(out.splitlines()) == 1 + 2 + 2  # columns, and the name of the index
    assert main(["runs", "made", "--failed"]) == 0
    out = capsys.readouterr().out
    assert "a is too large" in out
    assert "1 chosen" in out


def test_chosen_runs_are_written(study, capsys):
    assert main(["runs", "made", "--where", "y > 1 and a < 2.6", "--export", "some.csv"]) == 0
    assert "2 runs written to some.csv" in capsys.readouterr().out
    table = pd.read_csv("some.csv", dtype={"identity": str})
    assert table["a"].tolist() == [1.5, 2.5]
    assert table["k[2]"].tolist() == [4.5, 7.5]
    assert main(["runs", "made", "--export", "all.nc"]) == 0
    with xr.open_dataset("all.nc") as dataset:
        assert dataset["y"].attrs["units"] == "m"
        np.testing.assert_array_equal(dataset["a"], [0.5, 1.5, 2.5, 3.5])
        assert dataset["failed"].values.tolist() == [0, 0, 0, 1]
    assert main(["runs", "made", "--where", "y > 100", "--export", "none.csv"]) == 0
    assert len(pd.read_csv("none.csv")) == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["made", "--where", "z > 1"], "no run has a number 'z'"),
        (["made", "--where", "y >"], "--where:"),
        (["made", "--export", "runs.xlsx"], "neither .csv nor .nc"),
        ([".."], "is no study"),
    ],
)
def test_what_cannot_be_done_is_one_message_and_leaves_nothing(study, capsys, arguments, words):
    assert main(["runs", *arguments]) != 0
    err = capsys.readouterr().err
    assert err.count("Error:") == 1
    assert words in err
    assert {path.name for path in study.iterdir()} == {"results"}


def test_no_runs(study, capsys):
    assert main(["runs", "other"]) == 0
    assert "No run is in" in capsys.readouterr().out
