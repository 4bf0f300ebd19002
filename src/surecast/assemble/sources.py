"""Where the runs of variables come from: memory, part files (`RunReader`), or an input law evaluated on a grid."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

import numpy as np

if TYPE_CHECKING:
    import xarray as xr

    from surecast.study.laws.joint import JointLaw


class Source(Protocol):
    """Blocks of runs of one or several variables."""

    def blocks(self, names: Sequence[str], ranges: Sequence[tuple[int, int]]) -> Iterator[tuple[str, np.ndarray]]:
        """For each range in turn (ascending), and in it each name: the name and its runs ``start <= run < stop``."""
        ...


class ArraySource:
    """A variable that is in memory."""

    def __init__(self, values: np.ndarray) -> None:
        self.values = values

    def blocks(self, names: Sequence[str], ranges: Sequence[tuple[int, int]]) -> Iterator[tuple[str, np.ndarray]]:
        """See `Source.blocks`; there is one name."""
        for start, stop in ranges:
            yield names[0], self.values[start:stop]


class FieldSource:
    """Field inputs evaluated on the simulator's grid, float32, named ``<input>_field``.

    Parameters
    ----------
    law : JointLaw
        Joint law of the inputs.
    inputs : xarray.Dataset
        The inputs of all runs, as the design holds them.
    name : str
        The field input.
    grid : mapping
        Its coordinates, for example ``{"y": ..., "x": ...}``.
    """

    def __init__(self, law: JointLaw, inputs: xr.Dataset, name: str, grid: Mapping[str, np.ndarray]) -> None:
        self.law, self.inputs, self.name, self.grid = law, inputs, name, dict(grid)

    def blocks(self, names: Sequence[str], ranges: Sequence[tuple[int, int]]) -> Iterator[tuple[str, np.ndarray]]:
        """See `Source.blocks`; a run's values do not depend on the range that it is in."""
        for start, stop in ranges:
            realised = self.law.realise(self.inputs.isel(run=slice(start, stop)), {self.name: self.grid})
            yield names[0], realised[self.name].transpose("run", *self.grid).values.astype(np.float32)
