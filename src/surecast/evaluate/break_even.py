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
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

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
    errors = _errors(scores, baselines)
    opponents = [_opponent(target, error, own, baselines) for target, error in errors.items()]
    # A surrogate whose error is not known (a prediction was no number) never pays.
    against = [of.seconds if np.isfinite(error) else 0.0 for of, error in zip(opponents, errors.values(), strict=True)]
    solves = [solves_until_paid(runs * own + training, cost, prediction) for cost in against]
    stated = [
        [solves_until_paid(runs * other + training, other * cost / own, prediction) for other in STATED_COSTS.values()]
        for cost in against
    ]
    verdicts = [
        _verdict(error, number, of, of.seconds / prediction)
        for error, number, of in zip(errors.values(), solves, opponents, strict=True)
    ]
    columns: dict[str, tuple[list[Any], str, str, dict[str, str]]] = {
        "surrogate_error": (list(errors.values()), "error of the surrogate", "1", {}),
        "equal_grid": ([of.label for of in opponents], "coarsest grid of the simulator as accurate", "1", {}),
        "equal_error": ([of.error for of in opponents], "error of the simulator on that grid", "1", {}),
        "coarsest_tried": ([int(of.coarsest) for of in opponents], "1 where no coarser grid was tried", "1", {}),
        "equal_cpu_seconds": ([of.seconds for of in opponents], "cost of a run on that grid", "s", NOT_REPRODUCIBLE),
        "speed_ratio": (
            [of.seconds / prediction for of in opponents],
            "that cost over a prediction's",
            "1",
            NOT_REPRODUCIBLE,
        ),
        "solves": (solves, "solves until the surrogate has paid", "1", NOT_REPRODUCIBLE),
        "verdict": (verdicts, "the same in words", "1", NOT_REPRODUCIBLE),
    }
    table = xr.Dataset(
        {
            name: ("target", values, {"long_name": meaning, "units": units, **more})
            for name, (values, meaning, units, more) in columns.items()
        },
        coords={
            "target": ("target", list(errors), {"long_name": "predicted output", "units": "1"}),
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
    about = {"long_name": "solves until paid, for a simulator of another cost a run", "units": "1", **NOT_REPRODUCIBLE}
    table["stated_solves"] = (("target", "stated_cost"), stated, about)
    return table


@dataclass(frozen=True)
class Opponent:
    """The grid of the simulator that a surrogate has to beat, and whether no coarser one was tried."""

    label: str
    error: float
    seconds: float
    coarsest: bool


def _errors(scores: xr.Dataset, baselines: xr.Dataset) -> dict[str, float]:
    """Error of the surrogate for each target, on the runs that the baselines were measured on."""
    runs = baselines["run"].values if "run" in baselines.coords else scores["run"].values
    if scores.attrs.get("dataset") != baselines.attrs.get("dataset"):
        raise DataError(
            f"the surrogate {scores.attrs.get('surrogate')!r} and the coarser grids were judged on different datasets.",
            "delete the folder evaluation and run snakemake again.",
        )
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


def _opponent(target: str, error: float, own: float, baselines: xr.Dataset) -> Opponent:
    """The coarsest grid that is as accurate, or the dataset's own."""
    itself = Opponent(f"{baselines.attrs['dataset_grid']} (its own)", 0.0, own, "grid" not in baselines.coords)
    if itself.coarsest:
        return itself
    dim, metric = (
        ("output", "relative_l2") if target in baselines.get("output", ()) else ("scalar", "scalar_relative_rmse")
    )
    of_grids = baselines[metric].sel({dim: target}).values
    accurate = [index for index in range(len(of_grids)) if of_grids[index] <= error]  # NaN, a failed run, is not
    if not accurate:
        return itself
    last = accurate[-1]  # grids go from the finest to the coarsest
    label, seconds = str(baselines["grid"].values[last]), float(baselines["run_cpu_seconds"].values[last])
    return Opponent(label, float(of_grids[last]), seconds, last == len(of_grids) - 1)


def _verdict(error: float, solves: float, opponent: Opponent, ratio: float) -> str:
    if not math.isfinite(error):
        return "never: some of its predictions are not finite numbers"
    bound = ", the coarsest tried" if opponent.coarsest else ""
    grid = f"the simulator on {opponent.label}{bound}"
    if math.isinf(solves):
        return f"never on this machine at this grid: {grid} is as accurate and {1 / ratio:.2g} times faster"
    return f"after {solves:,.0f} solves: {ratio:.2g} times faster than {grid}, which is as accurate"
