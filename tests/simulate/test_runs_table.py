"""The run store as a table: one row a run, whatever packs it lies in."""

from __future__ import annotations

import numpy as np
import xarray as xr

from surecast.simulate.runs_table import runs_table
from surecast.simulate.store import DEFINITION, RunStore


def pack(numbers, **outputs):
    numbers = np.asarray(numbers, dtype=float)
    runs = {name: ("run", values, {DEFINITION: "d", "units": "m"}) for name, values in outputs.items()}
    status = {
        "failed": ("run", (numbers > 8).astype(np.int8)),
        "message": ("run", np.array([""] * len(numbers), object)),
    }
    inputs = xr.Dataset(
        {
            "a": ("run", numbers, {"units": "kg"}),
            "k": (("run", "term"), np.stack([numbers, -numbers], axis=1)),
            "seed": ("run", numbers.astype(np.int64)),
        }
    )
    return np.array([f"{int(number):032d}" for number in numbers]), xr.Dataset({**runs, **status}), inputs


def test_a_run_is_one_row_with_all_that_any_pack_holds(tmp_path):
    store = RunStore(tmp_path)
    store.add(*pack([1, 2, 9], y=[1.0, 4.0, np.nan]))
    store.add(*pack([2, 3], y=[4.0, 9.0], z=[8.0, 27.0]))
    table, units = runs_table(RunStore(tmp_path))
    assert table.index.tolist() == [f"{number:032d}" for number in (1, 2, 3, 9)]
    assert table["a"].tolist() == [1, 2, 3, 9]
    assert table["k[1]"].tolist() == [-1, -2, -3, -9]
    np.testing.assert_array_equal(table["y"], [1, 4, 9, np.nan])
    np.testing.assert_array_equal(table["z"], [np.nan, 8, 27, np.nan])
    assert table["failed"].tolist() == [False, False, False, True]
    assert units == {"a": "kg", "y": "m", "z": "m"}


def test_fields_are_left_out_and_an_empty_store_is_an_empty_table(tmp_path):
    identities, runs, inputs = pack([1, 2], y=[1.0, 4.0])
    runs["u"] = (("run", "x"), np.zeros((2, 5)), {DEFINITION: "d"})
    RunStore(tmp_path).add(identities, runs, inputs)
    table, _ = runs_table(RunStore(tmp_path))
    assert "u" not in table
    assert len(runs_table(RunStore(tmp_path / "nowhere"))[0]) == 0
