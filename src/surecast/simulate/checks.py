"""What every simulator passes, built-in or the user's own.

    from surecast.simulate.checks import check_simulator
    check_simulator(my_simulator, inputs)       # inputs of five runs or so, fields realised on its grids

They test what the rest of surecast relies on: the dimension ``run``, the declared variables, finite numbers, and that
a run depends on its own inputs (and seed) alone. `surecast check --simulator` makes them from the command line.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING

import numpy as np

from surecast.simulate import gates
from surecast.simulate.simulator import Simulator
from surecast.study import digest
from surecast.study.errors import SimulationError
from surecast.study.settings import Failures
from surecast.study.units import UnitError, check_unit

if TYPE_CHECKING:
    import xarray as xr

LARGEST = Failures().largest
"""Magnitude above which a value is absurd, as a study has it by default."""


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
    for _ in checks(simulator, inputs):
        pass


def checks(
    simulator: Simulator, inputs: xr.Dataset, with_units: Collection[str] | None = (), largest: float = LARGEST
) -> Iterator[str]:
    """The same one by one: what is checked next, in words.

    Parameters
    ----------
    simulator, inputs
        As `check_simulator` takes them.
    with_units : collection of str, optional
        Variables that must have units among their attributes; None: all of them.
    largest : float
        Magnitude above which a value is absurd.

    Raises
    ------
    SimulationError
        If what was announced last fails.
    """
    runs = inputs.sizes["run"]
    if runs < 2:
        raise SimulationError(f"{runs} runs cannot be compared with each other.", "give two or more.")
    given = digest.of_dataset(inputs)
    yield "shapes: every run comes back, run first, with what is declared"
    raw = simulator.run(inputs)
    _check_shape(simulator, raw, runs)
    yield "inputs: they are left as they are"
    _check_inputs(inputs, given)
    yield "units: they are there and can be read"
    _check_units(simulator, raw, with_units)
    yield "values: every run finishes with finite numbers"
    _check_values(simulator, raw, inputs, largest)
    yield "repetition: a second call gives the same bits" + (" for the same seeds" if simulator.stochastic else "")
    own = "draw random numbers from the variable seed alone, and say `stochastic: true`"
    _compare(raw, simulator.run(inputs), "a second call", own)
    if simulator.stochastic:
        yield "seeds: others give other numbers"
        other = simulator.run(inputs.assign(seed=inputs["seed"] + 1))
        if all(_same(raw, other, name) for name in raw.data_vars):
            raise SimulationError("other seeds change nothing.", "use the variable seed, or do not say `stochastic`.")
    alone = "keep runs apart: no sums, means or fits over the dimension run"
    yield "one by one: each run by itself gives the same bits"
    for row in range(runs):
        _compare(raw.isel(run=[row]), simulator.run(inputs.isel(run=[row])), f"run {row} by itself", alone)
    yield "order: the runs in reverse give the same bits"
    order = np.arange(runs)[::-1]
    _compare(raw.isel(run=order), simulator.run(inputs.isel(run=order)), "the runs in reverse order", alone)
    _check_inputs(inputs, given)
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


def _check_inputs(inputs: xr.Dataset, given: str) -> None:
    if digest.of_dataset(inputs) != given:
        raise SimulationError("the simulator changes its inputs.", "work on a copy.")


def _check_units(simulator: Simulator, raw: xr.Dataset, wanted: Collection[str] | None) -> None:
    for name, variable in raw.data_vars.items():
        if name == "failure" or name in simulator.diagnostics:
            continue
        if "units" not in variable.attrs:
            if wanted is None or name in wanted:
                raise SimulationError(
                    f"{name!r} has no units.",
                    "set attrs['units'] ('1' for none), or state them among the outputs of a study.",
                )
            continue
        try:
            check_unit(str(variable.attrs["units"]))
        except UnitError as error:
            raise SimulationError(f"units of {name!r}: {error.message}", error.remedy) from error


def _check_values(simulator: Simulator, raw: xr.Dataset, inputs: xr.Dataset, largest: float) -> None:
    messages = gates.messages(raw, largest, simulator.diagnostics)
    for row in np.flatnonzero(messages != ""):
        at = [f"{name} = {value.values[row]:.6g}" for name, value in inputs.data_vars.items() if value.ndim == 1]
        raise SimulationError(
            f"run {row} ({', '.join(at)}) fails: {messages[row]}.",
            "correct the simulator, or the laws; a study bears a share `failures.max_share` of such runs.",
        )


def _same(first: xr.Dataset, second: xr.Dataset, name: object) -> bool:
    return name in second and digest.of_array(first[name].values) == digest.of_array(second[name].values)


def _compare(first: xr.Dataset, second: xr.Dataset, what: str, remedy: str) -> None:
    for name in first.data_vars:
        if not _same(first, second, name):
            raise SimulationError(f"{what} gives other bits of {name!r}.", f"{remedy}.")
