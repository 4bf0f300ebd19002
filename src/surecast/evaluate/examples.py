"""Fields of a few test runs, side by side: truth, prediction and error of a typical, the best and the worst run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import xarray as xr

EXAMPLES = ("typical", "best", "worst")


def example_runs(errors: np.ndarray) -> list[int]:
    """Positions of the run with the median error (the lower one of two), the smallest and the largest.

    Parameters
    ----------
    errors : array (run,)
        Relative L2 error of each run; what is not a number counts as the largest.
    """
    order = np.argsort(errors, kind="stable")
    return [int(order[(len(order) - 1) // 2]), int(order[0]), int(order[-1])]


def examples(
    predict: Callable[[xr.Dataset], xr.Dataset], test: xr.Dataset, inputs: Sequence[str], scores: xr.Dataset
) -> xr.Dataset:
    """Truth, prediction and error of the example runs of every predicted field, for the first seed.

    Parameters
    ----------
    predict : callable
        The surrogate of the first seed: inputs to outputs.
    test : xarray.Dataset
        Inputs and true outputs of the test runs.
    inputs : sequence of str
        Names of the inputs.
    scores : xarray.Dataset
        With ``relative_l2_run`` (seed, output, run); empty result without it.

    Returns
    -------
    xarray.Dataset
        ``<output>_truth``, ``<output>_prediction``, ``<output>_error`` (example, grid ...) and
        ``<output>_example_run`` (example).
    """
    import xarray as xr

    result = xr.Dataset()
    if "relative_l2_run" not in scores:
        return result
    result.coords["example"] = (
        "example",
        list(EXAMPLES),
        {"long_name": "median, smallest and largest relative L2 error of the first seed", "units": "1"},
    )
    for position, name in enumerate(scores["output"].values.tolist()):
        chosen = example_runs(scores["relative_l2_run"].values[0, position])
        piece = test.isel(run=chosen)
        truth = piece[name].load()
        prediction = predict(piece[list(inputs)].load())[name].transpose(*truth.dims)
        dims = ("example", *truth.dims[1:])
        for dim in truth.dims[1:]:
            if dim in truth.coords:
                result.coords[str(dim)] = truth[dim].variable
        error = prediction.values.astype(np.float64) - truth.values.astype(np.float64)
        label, units = str(truth.attrs.get("long_name", name)), str(truth.attrs.get("units", "1"))
        for kind, values in (("truth", truth.values), ("prediction", prediction.values), ("error", error)):
            about = {"long_name": f"{label}: {kind}", "units": units}
            result[f"{name}_{kind}"] = (dims, np.asarray(values, dtype=np.float32), about)
        about = {"long_name": f"number of the run, for {label}", "units": "1"}
        result[f"{name}_example_run"] = ("example", piece["run"].values, about)
    return result
