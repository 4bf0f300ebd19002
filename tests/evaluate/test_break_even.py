"""The break-even against arithmetic by hand, for a surrogate that pays and for one that never does."""

import math

import numpy as np
import pytest
import xarray as xr

from surecast.evaluate.break_even import break_even, solves_until_paid
from surecast.study.errors import DataError


def scores(seconds: float, error: float = 0.02) -> xr.Dataset:
    runs = np.arange(4)
    truth = np.array([1.0, 2.0, 3.0, 4.0])
    return xr.Dataset(
        {
            "relative_l2_run": (("seed", "output", "run"), np.full((2, 1, 4), error)),
            "scalar_truth": (("scalar", "run"), truth[None]),
            "scalar_prediction": (("seed", "scalar", "run"), np.stack([truth[None] * 1.001, truth[None] * 1.003])),
            "prediction_cpu_seconds": ("seed", [seconds, seconds]),
            "training_cpu_seconds": ("seed", [50.0, 70.0]),
        },
        coords={"seed": [0, 1], "output": ["pressure"], "scalar": ["peak"], "run": runs},
        attrs={"surrogate": "fno", "dataset": "digest"},
    )


def grids() -> xr.Dataset:
    """Errors shrink by four with each grid; the dataset's own grid costs 8 ms a run."""
    return xr.Dataset(
        {
            "relative_l2": (("grid", "output"), [[0.004], [0.016], [0.064]]),
            "scalar_relative_rmse": (("grid", "scalar"), [[0.003], [0.012], [np.nan]]),
            "run_cpu_seconds": ("grid", [2e-3, 5e-4, 1e-4]),
            "simulator_cpu_seconds": ((), 8e-3),
        },
        coords={
            "grid": ["cells 32", "cells 16", "cells 8"],
            "output": ["pressure"],
            "scalar": ["peak"],
            "run": np.arange(3),
        },
        attrs={"dataset_grid": "cells 64", "runs_for_training": 500, "dataset": "digest"},
    )


def test_solves_until_paid():
    assert solves_until_paid(100.0, 2.0, 1.0) == 100
    assert solves_until_paid(100.0, 1.0, 0.3) == math.ceil(100 / 0.7)
    assert solves_until_paid(100.0, 1.0, 1.0) == math.inf
    assert solves_until_paid(100.0, 1.0, 2.0) == math.inf


def test_a_fast_surrogate_pays_against_the_coarsest_grid_as_accurate():
    table = break_even(scores(1e-4), grids())
    pressure = table.sel(target="pressure")
    assert pressure["equal_grid"] == "cells 16"
    assert float(pressure["equal_error"]) == 0.016
    assert float(pressure["surrogate_error"]) == pytest.approx(0.02)
    assert float(pressure["speed_ratio"]) == pytest.approx(5.0)
    assert int(pressure["coarsest_tried"]) == 0
    # 500 runs at 8 ms and a training of 60 s, against 0.5 ms and 0.1 ms.
    assert float(pressure["solves"]) == math.ceil(64 / 4e-4)
    assert str(pressure["verdict"].values) == (
        "after 160,000 solves: 5 times faster than the simulator on cells 16, which is as accurate"
    )


def test_a_simulator_of_another_cost_keeps_the_ratio_between_its_grids():
    table = break_even(scores(1e-4), grids())
    stated = table["stated_solves"].sel(target="pressure")
    for label, cost in (("1 s", 1.0), ("1 min", 60.0), ("1 h", 3600.0)):
        assert float(stated.sel(stated_cost=label)) == math.ceil((500 * cost + 60) / (cost / 16 - 1e-4))


def test_a_slow_surrogate_never_pays_and_says_so():
    table = break_even(scores(1e-2), grids()).sel(target="pressure")
    assert math.isinf(float(table["solves"]))
    assert str(table["verdict"].values) == (
        "never on this machine at this grid: the simulator on cells 16 is as accurate and 20 times faster"
    )
    assert math.isfinite(float(table["stated_solves"].sel(stated_cost="1 h")))


def test_a_surrogate_better_than_every_coarser_grid_meets_the_own_grid():
    table = break_even(scores(1e-4, error=0.001), grids()).sel(target="pressure")
    assert table["equal_grid"] == "cells 64 (its own)"
    assert float(table["equal_cpu_seconds"]) == 8e-3
    assert float(table["equal_error"]) == 0.0


def test_a_grid_with_failed_runs_is_not_as_accurate():
    table = break_even(scores(1e-4), grids()).sel(target="peak")
    # Errors 0.1 % and 0.3 % of the seeds: 0.2 % on average, below every grid; NaN does not count as accurate.
    assert float(table["surrogate_error"]) == pytest.approx(0.002)
    assert table["equal_grid"] == "cells 64 (its own)"


def test_the_coarsest_grid_of_all_is_marked_as_a_bound():
    table = break_even(scores(1e-5, error=0.1), grids()).sel(target="pressure")
    assert table["equal_grid"] == "cells 8"
    assert int(table["coarsest_tried"]) == 1
    assert "cells 8, the coarsest tried, which" in str(table["verdict"].values)


def test_a_simulator_without_coarser_grids_is_compared_with_itself():
    alone = grids()[["simulator_cpu_seconds"]]
    table = break_even(scores(1e-4), alone).sel(target="peak")
    assert float(table["speed_ratio"]) == pytest.approx(80.0)


def test_a_surrogate_that_predicts_no_number_never_pays():
    table = break_even(scores(1e-4, error=math.nan), grids()).sel(target="pressure")
    assert math.isinf(float(table["solves"]))
    assert np.isinf(table["stated_solves"].values).all()
    assert str(table["verdict"].values) == "never: some of its predictions are not finite numbers"


def test_other_datasets_are_refused():
    with pytest.raises(DataError, match="'fno' and the coarser grids were judged on different datasets"):
        break_even(scores(1e-4).assign_attrs(dataset="another"), grids())
