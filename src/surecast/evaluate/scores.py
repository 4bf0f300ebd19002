"""Scores of predictions against the truth: the metrics of every output, per seed and over seeds.

Truth and predictions go through memory a batch of runs at a time; what is kept is a few numbers per run, and
means over runs are taken at the end. So the size of the batch bounds the memory and changes no bit of a score.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from surecast.evaluate import metrics
from surecast.evaluate.split import fields_and_scalars
from surecast.study.errors import DataError
from surecast.study.progress import progress

if TYPE_CHECKING:
    import xarray as xr

Predict = Callable[["xr.Dataset"], "xr.Dataset"]

MEANINGS = {
    "relative_l2": ("relative L2 error: per run over space, then mean over runs", "1"),
    "rmse": ("root mean square error over runs and cells", "as output_units"),
    "maximum_error": ("largest absolute error over runs and cells", "as output_units"),
    "band_error": ("error in a band of wave numbers relative to the norm of the truth, mean over runs", "1"),
    "band_relative_error": ("error in a band of wave numbers relative to the truth in that band, mean over runs", "1"),
    "scalar_relative_rmse": ("root mean square error over runs relative to the root mean square of the truth", "1"),
    "scalar_rmse": ("root mean square error over runs", "as scalar_units"),
    "scalar_maximum_error": ("largest absolute error over runs", "as scalar_units"),
    "squared_correlation": ("squared correlation of prediction and truth over runs", "1"),
}


def score(
    predictors: Mapping[int, Predict],
    test: xr.Dataset,
    inputs: Sequence[str],
    *,
    periodic: bool = False,
    batch: int = 32,
) -> xr.Dataset:
    """Scores of one surrogate over its seeds.

    Parameters
    ----------
    predictors : mapping of seed to callable
        Each takes the inputs of some runs and returns a Dataset of outputs with the same ``run``.
    test : xarray.Dataset
        Inputs and true outputs of the test runs, lazy or not; only outputs that are predicted are read.
    inputs : sequence of str
        Names of the inputs.
    periodic : bool
        Whether the domain of the fields is: Fourier instead of cosine transform for the wave-number bands.
    batch : int
        Number of runs in memory at a time.

    Returns
    -------
    xarray.Dataset
        The variables listed in `surecast.evaluate.evaluate`, without costs and examples.
    """
    seeds = list(predictors)
    collected: dict[str, dict[int, dict[str, list[np.ndarray]]]] = {}
    truths: dict[str, list[np.ndarray]] = {}
    count = test.sizes["run"]
    for start in progress(range(0, count, batch), "evaluate"):
        piece = test.isel(run=slice(start, start + batch))
        given = piece[list(inputs)].load()
        for seed in seeds:
            predicted = predictors[seed](given)
            for name in map(str, predicted.data_vars):
                if name not in test:
                    raise DataError(f"the surrogate predicts {name!r}, which the dataset does not hold.", "retrain it.")
                truth = piece[name].load()
                values = predicted[name].transpose(*truth.dims).values
                table = collected.setdefault(name, {}).setdefault(seed, {})
                for metric, numbers in _per_run(truth, values, periodic).items():
                    table.setdefault(metric, []).append(numbers)
                if seed == seeds[0] and truth.ndim == 1:
                    truths.setdefault(name, []).append(np.asarray(truth.values, dtype=np.float64))
    fields, scalars = fields_and_scalars(test, list(collected))
    tables = {
        name: {metric: np.stack([np.concatenate(of[seed][metric]) for seed in seeds]) for metric in of[seeds[0]]}
        for name, of in collected.items()
    }
    return _dataset(
        test, seeds, {name: tables[name] for name in fields}, {name: tables[name] for name in scalars}, truths
    )


def _per_run(truth: xr.DataArray, values: np.ndarray, periodic: bool) -> dict[str, np.ndarray]:
    finite = np.isfinite(values).reshape(len(values), -1).all(axis=1)
    if truth.ndim == 1:
        return {"prediction": np.asarray(values, dtype=np.float64), "finite": finite}
    wraps = [periodic] * (truth.ndim - 1)
    return {
        "relative_l2": metrics.relative_l2(truth.values, values),
        "mean_square_error": metrics.mean_square_error(truth.values, values),
        "largest_error": metrics.largest_error(truth.values, values),
        "band_error": metrics.band_error(truth.values, values, wraps),
        "band_relative_error": metrics.band_relative_error(truth.values, values, wraps),
        "finite": finite,
    }


def _dataset(
    test: xr.Dataset,
    seeds: list[int],
    fields: dict[str, dict[str, np.ndarray]],
    scalars: dict[str, dict[str, np.ndarray]],
    truths: dict[str, list[np.ndarray]],
) -> xr.Dataset:
    import xarray as xr

    scores = xr.Dataset(
        coords={
            "seed": ("seed", np.asarray(seeds, dtype=np.int64), {"long_name": "seed of the training", "units": "1"}),
            "run": ("run", test["run"].values, {"long_name": "number of the run", "units": "1"}),
        }
    )
    if fields:
        _add_fields(scores, test, fields)
    if scalars:
        _add_scalars(scores, test, scalars, np.stack([np.concatenate(truths[name]) for name in scalars]))
    finite = np.logical_and.reduce([of["finite"] for of in (*fields.values(), *scalars.values())])
    about = {"long_name": "test runs with a predicted value that is not finite", "units": "1"}
    scores["runs_not_finite"] = ("seed", np.sum(~finite, axis=1).astype(np.int64), about)
    scores.attrs["test_runs"] = int(test.sizes["run"])
    return scores


def _add_fields(scores: xr.Dataset, test: xr.Dataset, fields: dict[str, dict[str, np.ndarray]]) -> None:
    _name(scores, test, "output", list(fields), "field")
    edges = "; ".join(f"{band}: {low:g} < k <= {high:g}" for band, (low, high) in metrics.BANDS.items())
    about = f"band of radial wave numbers k in cycles per domain edge ({edges}; low includes 0)"
    scores.coords["band"] = ("band", list(metrics.BANDS), {"long_name": about, "units": "1"})
    # (seed, output, run) and, for the bands, (seed, output, run, band).
    per_run = {name: np.stack([of[name] for of in fields.values()], axis=1) for name in next(iter(fields.values()))}
    about = "relative L2 error of each run over space"
    dims = ("seed", "output", "run")
    scores["relative_l2_run"] = (dims, per_run["relative_l2"], {"long_name": about, "units": "1"})
    _add(scores, "relative_l2", ("output",), np.mean(per_run["relative_l2"], axis=2))
    _add(scores, "rmse", ("output",), np.sqrt(np.mean(per_run["mean_square_error"], axis=2)))
    _add(scores, "maximum_error", ("output",), np.max(per_run["largest_error"], axis=2))
    for metric in ("band_error", "band_relative_error"):
        _add(scores, metric, ("output", "band"), np.mean(per_run[metric], axis=2))


def _add_scalars(
    scores: xr.Dataset, test: xr.Dataset, scalars: dict[str, dict[str, np.ndarray]], truth: np.ndarray
) -> None:
    _name(scores, test, "scalar", list(scalars), "scalar")
    prediction = np.stack([of["prediction"] for of in scalars.values()], axis=1)
    units = "as scalar_units"
    scores["scalar_truth"] = (("scalar", "run"), truth, {"long_name": "true scalar of each run", "units": units})
    about = {"long_name": "predicted scalar of each run", "units": units}
    scores["scalar_prediction"] = (("seed", "scalar", "run"), prediction, about)
    for metric, function in (
        ("scalar_relative_rmse", metrics.relative_rmse),
        ("scalar_rmse", metrics.rmse),
        ("scalar_maximum_error", metrics.maximum_error),
        ("squared_correlation", metrics.squared_correlation),
    ):
        values = [[function(u, v) for u, v in zip(truth, of_seed, strict=True)] for of_seed in prediction]
        _add(scores, metric, ("scalar",), np.array(values))


def _name(scores: xr.Dataset, test: xr.Dataset, dim: str, names: list[str], what: str) -> None:
    scores.coords[dim] = (dim, names, {"long_name": f"name of the {what}", "units": "1"})
    units = [str(test[name].attrs.get("units", "1")) for name in names]
    scores.coords[f"{dim}_units"] = (dim, units, {"long_name": f"unit of the {what}", "units": "1"})


def _add(scores: xr.Dataset, metric: str, dims: tuple[str, ...], values: np.ndarray) -> None:
    meaning, units = MEANINGS[metric]
    mean, spread = metrics.over_seeds(values)
    about = f"{meaning}; mean over seeds", f"{meaning}; sample standard deviation over seeds"
    scores[metric] = (("seed", *dims), values, {"long_name": meaning, "units": units})
    scores[f"{metric}_mean"] = (dims, mean, {"long_name": about[0], "units": units})
    scores[f"{metric}_spread"] = (dims, spread, {"long_name": about[1], "units": units})
