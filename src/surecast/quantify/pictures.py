"""Small arrays beside an answer, for its figures: a part of the final sample of a rare event, and pairs of runs.

A weighted sample is shown in two directions of the standard-normal space: u1 and u2 in two dimensions, else those of
the singular vectors of the proposal's centres (where the event was found), filled up by those of the events seen.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from surecast.quantify.estimators.gaussians import Mixture
from surecast.quantify.sampling import Model

if TYPE_CHECKING:
    import xarray as xr

MOST_DRAWS = 300
MOST_WEIGHTS = 200
MOST_PAIRS = 400


def tail_picture(event: np.ndarray, weights: np.ndarray, proposal: Mixture, z: np.ndarray) -> dict[str, Any]:
    """What the figures of a weighted sample need.

    Parameters
    ----------
    event, weights : (n,) arrays
        Event of each draw (NaN where the run failed), and its weight.
    proposal : Mixture
        The last two of its components are defensive.
    z : (n, d) array
        The draws, in random order.

    Returns
    -------
    dict
        ``points`` (k, 2) and ``event`` (k,) of the first draws, ``modes`` (m, 2) and ``mode_shares`` (m,) of the
        aimed components, ``contributions``: the largest w 1{event} over their sum, in descending order,
        ``dimension``: d.
    """
    aimed = slice(0, len(proposal.components) - 2)
    centres = np.stack([component.mean for component in proposal.components])[aimed].reshape(-1, z.shape[1])
    happened = np.nan_to_num(event) > 0
    axes = directions(centres, z[happened])
    weighted = np.sort(np.where(happened, weights, 0.0))[::-1]
    total = float(weighted.sum())
    return {
        "points": _rounded(z[:MOST_DRAWS] @ axes),
        "event": happened[:MOST_DRAWS].astype(int).tolist(),
        "modes": _rounded(centres @ axes),
        "mode_shares": _rounded(np.asarray(proposal.shares)[aimed]),
        "contributions": _rounded(weighted[weighted > 0][:MOST_WEIGHTS] / total) if total > 0 else [],
        "dimension": z.shape[1],
    }


def directions(centres: np.ndarray, events: np.ndarray) -> np.ndarray:
    """Two orthonormal directions (d, 2) that show centres (m, d) and events (n, d) best; signs are fixed."""
    d = centres.shape[1] if centres.size else events.shape[1]
    if d <= 2:
        return np.eye(d, 2)
    found = np.zeros((0, d))
    for cloud in (centres, events, np.eye(d)):
        left = cloud - (cloud @ found.T) @ found
        if len(found) < 2 and left.size:
            _, size, vectors = np.linalg.svd(left, full_matrices=False)
            found = np.concatenate([found, vectors[size > 1e-6 * max(1.0, float(size[0]))]])[:2]
    largest = np.abs(found).argmax(axis=1)
    return np.asarray((found * np.sign(found[[0, 1], largest])[:, None]).T)


def agreement(inputs: xr.Dataset, simulated: xr.Dataset, surrogate: Model, outputs: Sequence[str]) -> xr.Dataset:
    """Simulator and surrogate at the same runs, none of which the surrogate was fitted to.

    Returns
    -------
    xarray.Dataset
        ``simulator_<output>`` and ``surrogate_<output>`` of dimension ``pair``; runs that failed are left out.
    """
    values = np.stack([np.asarray(simulated[name].values, dtype=np.float64) for name in outputs])
    done = np.flatnonzero(np.isfinite(values).all(axis=0))[-MOST_PAIRS:]
    predicted = surrogate(inputs.isel(run=done))
    import xarray as xr

    made = xr.Dataset()
    for name in outputs:
        attributes = dict(simulated[name].attrs)
        title = attributes.get("long_name", name)
        for who, array in (("simulator", simulated[name].values[done]), ("surrogate", predicted[name].values)):
            made[f"{who}_{name}"] = ("pair", np.asarray(array), attributes | {"long_name": f"{title}, by the {who}"})
    return made


def agreement_of_test_runs(
    manifest: str | Path, inputs: Sequence[str], surrogate: Model, outputs: Sequence[str]
) -> xr.Dataset:
    """`agreement` at the test runs of a study's dataset; empty where it has fewer than two that did not fail."""
    from surecast.assemble.open import open_dataset
    from surecast.evaluate.split import in_split

    dataset = open_dataset(manifest)
    names = [name for name in outputs if dataset[name].dims == ("run",)]
    good = in_split(dataset, "test") & ~dataset["failed"].values.astype(bool)
    runs = dataset.isel(run=np.flatnonzero(good)).reset_coords(drop=True)
    if runs.sizes["run"] < 2 or not names:
        import xarray as xr

        return xr.Dataset()
    return agreement(runs[list(inputs)].load(), runs[names].load(), surrogate, names)


def _rounded(values: np.ndarray) -> list[Any]:
    """Five digits are enough to draw."""
    found: list[Any] = [float(f"{value:.5g}") for value in np.ravel(values)]
    return found if values.ndim == 1 else np.reshape(found, values.shape).tolist()
