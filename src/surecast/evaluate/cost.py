"""What a call costs in processor seconds, kept apart from what can be reproduced.

Times depend on the machine and on the moment. A variable that holds one has the attribute
``reproducible = "no"``, and the digest of scores leaves such variables out.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from surecast.study import digest

if TYPE_CHECKING:
    import xarray as xr

NOT_REPRODUCIBLE = {"reproducible": "no"}
"""Attribute of every variable that depends on how fast the machine was."""


def cpu_seconds_per_run(call: Callable[[xr.Dataset], Any], inputs: xr.Dataset, enough: float = 0.3) -> float:
    """Processor seconds of one run, all threads of this process together, at its least disturbed.

    A first call with one run is not counted (it imports, allocates, plans transforms) unless it takes so long that
    none of this matters. Then the number of runs grows until a call takes `enough` seconds, so that what works in
    batches is judged in batches; of three such calls the cheapest counts, since whatever else runs on the machine
    can only add.

    Parameters
    ----------
    call : callable
        Takes inputs of some runs; its result is dropped.
    inputs : xarray.Dataset
        Inputs with dimension ``run``.
    enough : float
        Seconds that a timed call should take.
    """
    first = _timed(call, inputs.isel(run=[0]))
    if first > 30 * enough:
        return first
    runs, count = inputs.sizes["run"], 1
    while (seconds := _timed(call, inputs.isel(run=slice(count)))) < enough and count < runs:
        count = min(runs, 4 * count)
    piece = inputs.isel(run=slice(count))
    return min(seconds, _timed(call, piece), _timed(call, piece)) / count


def _timed(call: Callable[[xr.Dataset], Any], inputs: xr.Dataset) -> float:
    start = time.process_time()
    call(inputs)
    return time.process_time() - start


def scores_digest(scores: xr.Dataset) -> str:
    """Digest of an evaluation without its times: equal for equal scores, however fast the machine was."""
    timed = [name for name, variable in scores.variables.items() if variable.attrs.get("reproducible") == "no"]
    plain = scores.drop_vars(timed)
    plain.attrs = {key: value for key, value in plain.attrs.items() if key != "scores_digest"}
    return digest.of_dataset(plain)
