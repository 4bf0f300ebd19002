"""The form of outputs: dimensions, grid and attributes, which a user's function shows only by a call that comes back.

A pack whose calls all raised holds every output as NaN (run,), marked as unknown, so that the store finds its failed
runs as it finds others. Where they are put beside other runs they take on the form that those have; so neither the
size of packs nor that of parts decides what is kept of a run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from surecast.simulate.outputs import Output
from surecast.simulate.simulator import Simulator

if TYPE_CHECKING:
    import xarray as xr

UNKNOWN = "unknown"  # attribute of a variable whose dimensions and attributes no run has shown


class Forms:
    """Forms of outputs and diagnostics as far as runs have shown them.

    Parameters
    ----------
    outputs : mapping of str to Output
        The outputs by name.
    simulator : Simulator
        The simulator.
    """

    def __init__(self, outputs: Mapping[str, Output], simulator: Simulator) -> None:
        self._units = {name: output.unit(simulator) or "1" for name, output in outputs.items()}
        self._units |= dict.fromkeys(simulator.diagnostics, "1")
        self._fields = {name for name, output in outputs.items() if output.is_field(simulator)}
        self._seen: dict[str, xr.DataArray] = {}

    def unknown(self, runs: int) -> dict[str, tuple[str, np.ndarray, dict[str, Any]]]:
        """Every variable of runs none of which came back."""
        mark = {UNKNOWN: "no run of the pack gave it"}
        return {name: ("run", np.full(runs, np.nan), {"units": unit, **mark}) for name, unit in self._units.items()}

    def complete(self, blocks: Sequence[xr.Dataset]) -> list[xr.Dataset]:
        """Blocks in which unknown variables have the form that other runs, of these blocks or earlier ones, have shown.

        A field that no run has shown yet is left out; a scalar has no other form than it has already.
        """
        for block in blocks:
            for name in self._units.keys() - self._seen.keys():
                if UNKNOWN not in block[name].attrs:
                    self._seen[name] = block[name].isel(run=[0])
        return [self._completed(block) for block in blocks]

    def _completed(self, block: xr.Dataset) -> xr.Dataset:
        import xarray as xr

        runs = block.sizes["run"]
        for name in [name for name in self._units if UNKNOWN in block[name].attrs]:
            if name in self._seen:
                block = block.assign({name: xr.full_like(self._seen[name].isel(run=[0] * runs), np.nan)})
            elif name in self._fields:
                block = block.drop_vars(name)
            else:
                known = {key: value for key, value in block[name].attrs.items() if key != UNKNOWN}
                block = block.assign({name: ("run", block[name].values, known)})
        return block
