"""Gates between a simulator and everything else: a run that is not fit for use is a failed run.

NaN, infinities, absurd magnitudes and fields that are zero throughout are failures, whatever the
simulator says of itself; they are recorded with a message and never averaged in.

Zeros fail a run where every field that the simulator returned is zero throughout, or every field that the study
keeps: one field of several may well be zero, and so may a number.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from surecast.study.errors import SimulationError

if TYPE_CHECKING:
    import xarray as xr

WORST_SHOWN = 5
ALL_ZERO = "every field is zero throughout"
KEPT_ZERO = "every field that the study keeps is zero throughout"


def messages(raw: xr.Dataset, largest: float, ignored: Sequence[str] = (), kept: Sequence[str] = ()) -> np.ndarray:
    """Why each run failed.

    Parameters
    ----------
    raw : xarray.Dataset
        Variables with dimension ``run``; ``failure`` (run,), the simulator's own message, if it has one.
    largest : float
        Magnitude above which a value is absurd.
    ignored : sequence of str
        Variables that are not looked at (diagnostics of the solver).
    kept : sequence of str
        Those of the variables that are outputs of the study.

    Returns
    -------
    ndarray of str (object), shape (run,)
        Empty for runs that are fine.
    """
    runs = raw.sizes["run"]
    found: list[str] = [str(text) for text in raw["failure"].values] if "failure" in raw else [""] * runs
    zero: dict[str, np.ndarray] = {}  # of each field
    for name, variable in raw.data_vars.items():
        if name == "failure" or name in ignored:
            continue
        values = variable.transpose("run", ...).values.reshape(runs, -1)
        with np.errstate(invalid="ignore"):
            for row in np.flatnonzero(~(np.abs(values) <= largest).all(axis=1)):
                found[row] = found[row] or fault(str(name), values[row], largest)
        if variable.ndim > 1:
            zero[str(name)] = np.asarray(~values.any(axis=1))
    for message, fields in ((ALL_ZERO, list(zero)), (KEPT_ZERO, [name for name in kept if name in zero])):
        if fields:
            for row in np.flatnonzero(np.all([zero[name] for name in fields], axis=0)):
                found[row] = found[row] or message
    return np.array(found, dtype=object)


def fault(name: str, values: np.ndarray, largest: float) -> str:
    """What is wrong with values that are NaN, infinite or larger than that."""
    size = values.size
    if nans := int(np.isnan(values).sum()):
        return f"{name} is NaN" + (f" in {nans} of {size} places" if size > 1 else "")
    if infinite := int(np.isinf(values).sum()):
        return f"{name} is infinite" + (f" in {infinite} of {size} places" if size > 1 else "")
    return f"{name} has the magnitude {np.abs(values).max():.3g}, above {largest:g}"


def _badness(message: str) -> tuple[int, float]:
    """How bad a failure is: nothing computed, then NaN, infinity (each by its places), magnitude, zeros."""
    found = re.search(r" is (NaN|infinite)(?: in (\d+) of (\d+) places)?$", message)
    if found:
        share = int(found[2]) / int(found[3]) if found[2] else 1.0
        return (3 if found[1] == "NaN" else 2), share
    if found := re.search(r" has the magnitude (\S+), above \S+$", message):
        return 1, float(found[1])
    return (0, 0.0) if message in (ALL_ZERO, KEPT_ZERO) else (4, 0.0)


def stop_if_too_many(runs: xr.Dataset, total: int, max_share: float) -> None:
    """Stop the study if more than a share of its runs failed.

    Parameters
    ----------
    runs : xarray.Dataset
        Runs made so far (a part, or all): ``failed`` and ``message`` (run,), and their inputs.
    total : int
        Number of runs that the design has: a part alone stops the study only once the share of the whole
        design is exceeded for certain, so the size of parts decides nothing.
    max_share : float
        Largest share that is borne.

    Raises
    ------
    SimulationError
        Which lists the worst of them with inputs, seed and message.
    """
    failed = np.flatnonzero(runs["failed"].values != 0)
    if len(failed) <= max_share * total:
        return
    told = [str(text) for text in runs["message"].values]
    lines = []
    for row in sorted(failed, key=lambda row: _badness(told[row]), reverse=True)[:WORST_SHOWN]:
        run = runs.isel(run=int(row))
        inputs = [
            f"{name} = {value.values.item():.6g}" if value.dtype.kind == "f" else f"{name} = {value.values.item()}"
            for name, value in run.data_vars.items()
            if value.ndim == 0 and ("law" in value.attrs or name == "seed")
        ]
        label = f"run {int(run['run'])}" if "run" in run.coords else f"row {row}"
        lines.append(f"  {label} ({', '.join(inputs)}): {run['message'].values.item()}")
    more = len(failed) - len(lines)
    raise SimulationError(
        f"{len(failed)} of {total} runs failed, more than the share failures.max_share = {max_share:g}; the worst:\n"
        + "\n".join(lines)
        + (f"\n  and {more} more\n" if more > 0 else "\n"),
        "look at these inputs: correct the simulator or the laws, or raise failures.max_share.",
    )
