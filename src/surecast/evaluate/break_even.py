"""When does a surrogate pay? Against the coarsest grid of the simulator that is as accurate as it is.

Let c be the processor time of a run on the dataset's grid, b <= c that on the coarsest grid whose error is not
larger than the surrogate's (the dataset's own grid if no coarser one is), s the surrogate's for one prediction, T its
training and D the number of runs for training and validation. The surrogate has paid after the smallest number of
solves N with

    D c + T + N s <= N b,      N = ceil((D c + T) / (b - s)),      never if s >= b.

For a simulator of another cost per run C (one that takes hours), b is scaled alike: c -> C, b -> C b / c.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from surecast.evaluate import metrics
from surecast.evaluate.cost import NOT_REPRODUCIBLE
from surecast.study.errors import DataError

if TYPE_CHECKING:
    import xarray as xr

STATED_COSTS = {"1 s": 1.0, "1 min": 60.0, "1 h": 3600.0}
"""Costs of a run of other simulators, for which the break-even is stated too."""


def solves_until_paid(investment: float, baseline: float, surrogate: float) -> float:
    """Smallest number of solves after which the surrogate has paid; infinite if it never does.

    Parameters
    ----------
    investment : float
        Cost of generating the data and of training, D c + T.
    baseline, surrogate : float
        Cost of one solve, b, and of one prediction, s, in the same unit.
    """
    return math.inf if not surrogate < baseline else float(math.ceil(investment / (baseline - surrogate)))


def break_even(scores: xr.Dataset, baselines: xr.Dataset) -> xr.Dataset:
    """Compare one surrogate with the simulator of the same error.

    Errors are relative L2 for fields and relative RMSE for scalars, both on the runs of the baselines alone, the
    surrogate's as mean over its seeds; its costs are means over its seeds too.

    Parameters
    ----------
    scores : xarray.Dataset
        ``evaluation/<name>.nc``.
    baselines : xarray.Dataset
        ``evaluation/baselines.nc``.

    Returns
    -------
    xarray.Dataset
        Along ``target`` (the predicted outputs): ``surrogate_error``, ``equal_grid`` (label of the grid),
        ``equal_error``, ``equal_cpu_seconds`` (b), ``speed_ratio`` (b / s: above 1 the surrogate is faster),
        ``coarsest_tried`` (1 where a still coarser grid might do), ``solves`` (infinite for never) and ``verdict`` in
        words; ``stated_solves`` (target, stated_cost) for simulators of other costs.

    Raises
    ------
    DataError
        If the two were not computed on the same dataset.
    """
    import xarray as xr

    own = float(baselines["simulator_cpu_seconds"])
    prediction = float(scores["prediction_cpu_seconds"].mean())
    training = float(scores["training_cpu_seconds"].mean())
    runs = int(baselines.attrs["runs_for_training"])
    rows = []
    for target, error in _errors(scores, baselines).items():
        label, equal_error, equal, coarsest = _equal_grid(target, error, own, baselines)
        solves = solves_until_paid(runs * own + training, equal, prediction)
        stated = [
            solves_until_paid(runs * cost + training, cost * equal / own, prediction) for cost in STATED_COSTS.values()
        ]
        verdict = _verdict(solves, label, equal / prediction)
        rows.append((target, error, label, equal_error, equal, equal / prediction, coarsest, solves, verdict, stated))
    names, errors, labels, equals, costs, ratios, tried, paid, verdicts, others = map(list, zip(*rows, strict=True))
    timed = NOT_REPRODUCIBLE
    return xr.Dataset(
        {
            "surrogate_error": ("target", errors, {"long_name": "error of the surrogate", "units": "1"}),
            "equal_grid": ("target", labels, {"long_name": "coarsest grid as accurate", "units": "1"}),
            "equal_error": ("target", equals, {"long_name": "error of the simulator on that grid", "units": "1"}),
            "equal_cpu_seconds": ("target", costs, {"long_name": "cost of a run on that grid", "units": "s", **timed}),
            "speed_ratio": ("target", ratios, {"long_name": "that cost over a prediction's", "units": "1", **timed}),
            "coarsest_tried": (
                "target",
                np.array(tried, dtype=np.int8),
                {"long_name": "1 where no coarser grid was tried", "units": "1"},
            ),
            "solves": ("target", paid, {"long_name": "solves until the surrogate has paid", "units": "1", **timed}),
            "verdict": ("target", verdicts, {"long_name": "the same in words", "units": "1", **timed}),
            "stated_solves": (
                ("target", "stated_cost"),
                others,
                {"long_name": "solves until paid, for a simulator of another cost a run", "units": "1", **timed},
            ),
        },
        coords={
            "target": ("target", names, {"long_name": "predicted output", "units": "1"}),
            "stated_cost": ("stated_cost", list(STATED_COSTS), {"long_name": "processor time of a run", "units": "1"}),
        },
        attrs={
            "long_name": "cost of the surrogate against the simulator of the same error",
            "surrogate": str(scores.attrs.get("surrogate", "")),
            "prediction_cpu_seconds": prediction,
            "training_cpu_seconds": training,
            "simulator_cpu_seconds": own,
            "runs_for_training": runs,
        },
    )


def _errors(scores: xr.Dataset, baselines: xr.Dataset) -> dict[str, float]:
    """Error of the surrogate for each target, on the runs that the baselines were measured on."""
    runs = baselines["run"].values if "run" in baselines.coords else scores["run"].values
    if not np.isin(runs, scores["run"].values).all():
        raise DataError("surrogate and baselines were judged on different runs.", "run the evaluate stage again.")
    chosen = scores.sel(run=runs)
    errors: dict[str, float] = {}
    for name in chosen["output"].values.tolist() if "output" in chosen.coords else []:
        errors[name] = float(
            chosen["relative_l2_run"].sel(output=name).mean("run", skipna=False).mean("seed", skipna=False)
        )
    for name in chosen["scalar"].values.tolist() if "scalar" in chosen.coords else []:
        truth = chosen["scalar_truth"].sel(scalar=name).values
        predictions = chosen["scalar_prediction"].sel(scalar=name).values
        errors[name] = float(np.mean([metrics.relative_rmse(truth, of_seed) for of_seed in predictions]))
    return errors


def _equal_grid(target: str, error: float, own: float, baselines: xr.Dataset) -> tuple[str, float, float, bool]:
    """Label, error and cost of the coarsest grid that is as accurate, and whether no coarser one was tried."""
    label = f"{baselines.attrs['dataset_grid']} (its own)"
    if "grid" not in baselines.coords:
        return label, 0.0, own, True
    dim, metric = (
        ("output", "relative_l2") if target in baselines.get("output", ()) else ("scalar", "scalar_relative_rmse")
    )
    of_grids = baselines[metric].sel({dim: target}).values
    accurate = [index for index in range(len(of_grids)) if of_grids[index] <= error]  # NaN, a failed run, is not
    if not accurate:
        return label, 0.0, own, False
    coarsest = accurate[-1]  # grids go from the finest to the coarsest
    cost = float(baselines["run_cpu_seconds"].values[coarsest])
    return str(baselines["grid"].values[coarsest]), float(of_grids[coarsest]), cost, coarsest == len(of_grids) - 1


def _verdict(solves: float, label: str, ratio: float) -> str:
    grid = f"the simulator on {label}"
    if math.isinf(solves):
        return f"never on this machine at this grid: {grid} is as accurate and {1 / ratio:.2g} times faster"
    return f"after {solves:,.0f} solves: {ratio:.2g} times faster than {grid}, which is as accurate"
