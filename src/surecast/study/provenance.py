"""Provenance: what made an artefact, so that it can be made again."""

from __future__ import annotations

import platform
import shlex
import sys
from importlib import metadata
from typing import Any

PACKAGES = (
    "surecast",
    "torch",
    "numpy",
    "scipy",
    "xarray",
    "dask",
    "zarr",
    "netCDF4",
    "pydantic",
    "pint",
    "scikit-fem",
    "scikit-learn",
)
"""Whose versions may change a number."""


def provenance(*, study_seed: int, command: str | None = None, **digests: str) -> dict[str, Any]:
    """Versions, machine, command, seed and digests, as plain JSON values.

    Parameters
    ----------
    study_seed : int
        Seed of the study.
    command : str, optional
        What was called; this process's own command line if left out.
    **digests : str
        Digests of what the artefact was made from, by name.

    Returns
    -------
    dict
        There is no time in it, so that the same study gives the same file; the command and the machine
        are facts about this making and belong into no digest of results.
    """
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "machine": platform.machine(),
        "packages": versions(),
        "command": shlex.join(sys.orig_argv) if command is None else command,
        "study_seed": study_seed,
        "digests": dict(sorted(digests.items())),
    }


def versions() -> dict[str, str]:
    """Versions of the packages that compute; torch's holds its build, for example ``2.13.0+cpu``."""
    found = {}
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found
