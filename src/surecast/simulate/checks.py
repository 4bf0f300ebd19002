"""Checks that every simulator passes, built-in or the user's own.

    from surecast.simulate.checks import check_simulator
    check_simulator(my_simulator, inputs)       # inputs of five runs or so, fields realised on its grids

They test what the rest of surecast relies on: the dimension ``run``, the declared variables, and that a run
depends on its own inputs alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from surecast.simulate.simulator import Simulator
from surecast.study import digest
from surecast.study.errors import SimulationError

if TYPE_CHECKING:
    import xarray as xr


def check_simulator(simulator: Simulator, inputs: xr.Dataset) -> None:
    """Run a simulator a few times and check what it returns.

    Parameters
    ----------
    simulator : Simulator
        The simulator.
    inputs : xarray.Dataset
        Inputs of two runs or more, fields realised on `Simulator.grids`.

    Raises
    ------
    SimulationError
        For the first check that fails.
    """
    runs = inputs.sizes["run"]
    if runs < 2:
        raise SimulationError(f"{runs} runs cannot be compared with each other.", "give two or more.")
    given = digest.of_dataset(inputs)
    raw = simulator.run(inputs)
    _check_shape(simulator, raw, runs)
    _compare(raw, simulator.run(inputs), "a second call", "draw random numbers from the variable seed alone")
    alone = "keep runs apart: no sums, means or fits over the dimension run"
    for row in range(runs):
        _compare(raw.isel(run=[row]), simulator.run(inputs.isel(run=[row])), f"run {row} by itself", alone)
    order = np.arange(runs)[::-1]
    _compare(raw.isel(run=order), simulator.run(inputs.isel(run=order)), "the runs in reverse order", alone)
    if digest.of_dataset(inputs) != given:
        raise SimulationError("the simulator changes its inputs.", "work on a copy.")
    digest.of_json(simulator.card())


def _check_shape(simulator: Simulator, raw: xr.Dataset, runs: int) -> None:
    if "failure" not in raw or raw["failure"].dims != ("run",):
        raise SimulationError("the simulator returns no failure (run,).", "return empty text where all is well.")
    for name, variable in raw.data_vars.items():
        if variable.dims[:1] != ("run",) or variable.sizes["run"] != runs:
            raise SimulationError(
                f"{name!r} has dimensions {dict(variable.sizes)}, not run: {runs} first.", "return every run in order."
            )
    declared = simulator.variables()
    for name, info in declared.items():
        if name not in raw:
            raise SimulationError(f"{name!r} is declared but not returned.", "correct variables() or run().")
        found = (raw[name].dims[1:], raw[name].attrs.get("units"))
        if found != (tuple(info["dims"]), info["units"]):
            raise SimulationError(
                f"{name!r} has dimensions and units {found}, not {(info['dims'], info['units'])} as declared.",
                "correct variables() or run().",
            )
    if absent := [name for name in simulator.diagnostics if name not in raw]:
        raise SimulationError(f"the diagnostic {absent[0]!r} is not returned.", "correct diagnostics or run().")


def _compare(first: xr.Dataset, second: xr.Dataset, what: str, remedy: str) -> None:
    for name in first.data_vars:
        if name not in second or digest.of_array(first[name].values) != digest.of_array(second[name].values):
            raise SimulationError(f"{what} gives other bits of {name!r}.", f"{remedy}.")
