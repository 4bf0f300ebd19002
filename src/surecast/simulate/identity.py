"""Identity of a run: the digest of everything that decides its result.

Simulator class and settings, digest of its code, resolution, the inputs as the simulator sees them (fields
realised on its grid, float64 bytes) and, for stochastic simulators only, the run's seed. Part, job, study
name and the order of runs are not in it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from surecast.simulate.simulator import Simulator
from surecast.study import digest
from surecast.study.errors import SimulationError

if TYPE_CHECKING:
    import xarray as xr


def simulator_digest(simulator: Simulator, code: str) -> str:
    """Digest of a simulator: class, settings, resolution and the digest of its code."""
    kind = f"{type(simulator).__module__}:{type(simulator).__qualname__}"
    return digest.of_json([kind, simulator.settings(), simulator.resolution(), code])


def run_identities(simulator: Simulator, code: str, inputs: xr.Dataset) -> np.ndarray:
    """Identities of runs.

    Parameters
    ----------
    simulator : Simulator
        The simulator.
    code : str
        Digest of its code.
    inputs : xarray.Dataset
        Inputs with dimension ``run``, fields realised; ``seed`` (run,) if the simulator is stochastic.

    Returns
    -------
    ndarray of str, shape (run,)
        32 hexadecimal digits each.

    Raises
    ------
    SimulationError
        If a stochastic simulator's inputs have no seed.
    """
    if simulator.stochastic and "seed" not in inputs:
        raise SimulationError("a stochastic simulator needs the variable seed.", "give every run a seed.")
    names = sorted(str(name) for name in inputs.data_vars if name != "seed" or simulator.stochastic)
    head = simulator_digest(simulator, code)
    runs = inputs.sizes["run"]
    parts: list[list[str]] = [[head] for _ in range(runs)]
    for name in names:
        others = sorted(str(dim) for dim in inputs[name].dims if dim != "run")
        values = inputs[name].transpose("run", *others).values
        if values.dtype.kind == "f":
            values = values.astype(np.float64)
        elif values.dtype.kind in "iub":
            values = values.astype(np.int64)
        for row in range(runs):
            parts[row] += [name, digest.of_array(values[row])]
    return np.array([digest.of_json(part) for part in parts], dtype="U32")
