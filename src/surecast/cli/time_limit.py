"""When a job of a cluster is ended from outside, so that a long estimate can stop before it and be tried again."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping


def time_limit(runtime: float | None, environment: Mapping[str, str] = os.environ) -> float | None:
    """End of this job, seconds since 1970; None where nothing ends it.

    Slurm says it (``SLURM_JOB_END_TIME``), or it follows from the rule's resource `runtime` counted from the
    job's start. Without Slurm nobody enforces `runtime`: a job on one's own machine takes the time that it takes.

    Parameters
    ----------
    runtime : float, optional
        The rule's resource, minutes.
    environment : mapping
        Environment variables.
    """
    if "SLURM_JOB_ID" not in environment:
        return None
    try:
        return float(environment["SLURM_JOB_END_TIME"])
    except (KeyError, ValueError):
        pass
    if runtime is None:
        return None
    try:
        start = float(environment["SLURM_JOB_START_TIME"])
    except (KeyError, ValueError):
        start = time.time()
    return start + 60.0 * runtime
