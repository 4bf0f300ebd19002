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


def cpu_seconds(call: Callable[[], Any], *, enough: float = 0.5, most: int = 3) -> float:
    """Processor seconds of one call, all threads of this process together, at its least disturbed.

    The call is made once without looking (first calls import, allocate and plan transforms), then until
    `enough` seconds were spent or `most` calls were made; the smallest time counts, since whatever else runs on
    the machine can only add.

    Parameters
    ----------
    call : callable
        What is timed; its result is dropped.
    enough : float
        Seconds after which no further call is made.
    most : int
        Largest number of timed calls.
    """
    call()
    times: list[float] = []
    while not times or (len(times) < most and sum(times) < enough):
        start = time.process_time()
        call()
        times.append(time.process_time() - start)
    return min(times)


def scores_digest(scores: xr.Dataset) -> str:
    """Digest of an evaluation without its times: equal for equal scores, however fast the machine was."""
    timed = [name for name, variable in scores.variables.items() if variable.attrs.get("reproducible") == "no"]
    plain = scores.drop_vars(timed)
    plain.attrs = {key: value for key, value in plain.attrs.items() if key not in ("scores_digest", "provenance")}
    return digest.of_dataset(plain)
