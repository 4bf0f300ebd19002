"""Parts: the runs of one job each, a range of one split.

A part is a view for the scheduler: nothing that a run returns depends on the part it is in.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from surecast.design.design import Design
from surecast.study.errors import DataError

if TYPE_CHECKING:
    import xarray as xr


@dataclass(frozen=True)
class Part:
    """Runs ``start <= index_in_split < stop`` of a split.

    Attributes
    ----------
    name : str
        For example ``train-0003``; names its file.
    split : str
        ``train``, ``validation`` or ``test``.
    start, stop : int
        Range of `index_in_split`.
    """

    name: str
    split: str
    start: int
    stop: int

    @property
    def runs(self) -> int:
        """Number of runs."""
        return self.stop - self.start


def parts(design: Design) -> list[Part]:
    """All parts of a design, in the order of its runs."""
    return [
        Part(f"{split}-{number:04d}", split, start, min(start + design.runs_per_part, count))
        for split, count in design.counts().items()
        for number, start in enumerate(range(0, count, design.runs_per_part))
    ]


def find_part(design: Design, name: str) -> Part:
    """The part of that name.

    Raises
    ------
    DataError
        If the design has no such part.
    """
    for part in parts(design):
        if part.name == name:
            return part
    raise DataError(f"the design has no part {name!r}.", "run snakemake again: it plans the parts anew.")


def select(design: xr.Dataset, part: Part) -> xr.Dataset:
    """The runs of one part out of the design's Dataset.

    Raises
    ------
    DataError
        If the design lacks some of them.
    """
    index = design["index_in_split"].values
    chosen = np.flatnonzero((design["split"].values == part.split) & (index >= part.start) & (index < part.stop))
    if not np.array_equal(index[chosen], np.arange(part.start, part.stop)):
        raise DataError(
            f"the design lacks runs of part {part.name} ({part.split} {part.start} to {part.stop - 1}).",
            "delete design.nc and run snakemake again.",
        )
    return design.isel(run=chosen)
