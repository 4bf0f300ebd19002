"""The parts in the order of the design, checked against it: every run there once, with the inputs it should have."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from surecast.assemble.part_files import PartFacts
from surecast.study.errors import DataError, SimulationError

if TYPE_CHECKING:
    import xarray as xr

_REMEDY = "run snakemake again: it makes the parts that are missing or out of date."


@dataclass(frozen=True)
class Gathered:
    """All parts of a design.

    Attributes
    ----------
    parts : list of PartFacts
        In the order of the design's runs.
    starts : list of int
        First run of each part, and the number of all runs at the end.
    """

    parts: list[PartFacts]
    starts: list[int]

    @property
    def paths(self) -> list[str]:
        """Files of the parts."""
        return [part.path for part in self.parts]

    def variable(self, name: str) -> tuple[tuple[str, ...], tuple[int, ...], str, dict[str, Any]]:
        """Dimensions, shape (of all runs, where it has runs), dtype and attributes of a variable.

        A part all of whose runs failed may lack it: nobody has seen there what it looks like.

        Raises
        ------
        DataError
            If another part lacks it, or one has it in another form.
        SimulationError
            If no part has it.
        """
        first, *others = self._holders(name)
        dims, shape, dtype, attributes = first.variables[name]
        for part in others:
            other = part.variables[name]
            text = dtype[:2] == other[2][:2] == "<U"
            if text:  # as wide as its longest: where every run went well, messages are empty
                dtype = max(dtype, other[2], key=lambda width: int(width[2:]))
            if other[0] != dims or other[1][1:] != shape[1:] or (other[2] != dtype and not text):
                raise DataError(
                    f"{part.path}: {name!r} is {other[2]} {other[0]} {other[1]}, elsewhere {dtype} {dims} {shape}.",
                    f"delete it (rm {part.path}) and run snakemake again.",
                )
        if dims[:1] == ("run",):
            shape = (self.starts[-1], *shape[1:])
        return dims, shape, dtype, attributes

    def has(self, name: str) -> bool:
        """Whether a part has a variable (`variable` refuses differences)."""
        return any(name in part.variables for part in self.parts)

    def small(self, name: str) -> np.ndarray | None:
        """A variable over all runs (or a coordinate without runs) if it is in memory, else None."""
        holders = self._holders(name)
        if not all(name in part.small for part in holders):
            return None
        dims, shape, dtype, _ = self.variable(name)
        if dims[:1] != ("run",):
            return holders[0].small[name]
        if len(holders) == len(self.parts):  # of whatever type
            return np.concatenate([part.small[name] for part in self.parts])
        blank = np.full(shape[1:], np.nan, dtype)
        return np.concatenate([part.small.get(name, np.stack([blank] * part.runs)) for part in self.parts])

    def _holders(self, name: str) -> list[PartFacts]:
        """Parts that have a variable; first one with a run that went well, which shows all of its attributes."""
        for part in self.parts:
            if name not in part.variables and not part.all_failed:
                raise DataError(f"{part.path}: has no variable {name!r}.", f"delete it (rm {part.path}) and run again.")
        holders = [part for part in self.parts if name in part.variables]
        if not holders:
            raise SimulationError(
                f"no run of the design gave {name!r}: every one of {self.starts[-1]} failed.",
                "read their messages in the parts; run the simulator on one of these inputs by hand.",
            )
        return sorted(holders, key=lambda part: part.all_failed)


def gather(design: xr.Dataset, facts: Sequence[PartFacts], inputs: Sequence[str]) -> Gathered:
    """Put the parts in order and check them against the design.

    Parameters
    ----------
    design : xarray.Dataset
        The design.
    facts : sequence of PartFacts
        The parts, in any order.
    inputs : sequence of str
        Names of the inputs.

    Raises
    ------
    DataError
        If a run is missing or there twice, or a part's seeds or inputs are not those of the design.
    """
    keys = zip(design["split"].values.tolist(), design["index_in_split"].values.tolist(), strict=True)
    place = {key: run for run, key in enumerate(keys)}
    firsts = [_first_run(part, place) for part in facts]
    order = sorted(range(len(facts)), key=lambda number: firsts[number])
    starts = [0]
    for number in order:
        if firsts[number] != starts[-1]:
            problem = "is there twice" if firsts[number] < starts[-1] else "is missing"
            raise DataError(f"run {min(firsts[number], starts[-1])} {problem} (at {facts[number].path}).", _REMEDY)
        starts.append(starts[-1] + facts[number].runs)
    if starts[-1] != len(place):
        raise DataError(f"the parts hold {starts[-1]} runs, the design {len(place)}.", _REMEDY)
    gathered = Gathered([facts[number] for number in order], starts)
    for name in ("seed", *inputs):
        values = gathered.small(name) if gathered.has(name) else None
        if values is not None and not np.array_equal(values, design[name].values):
            raise DataError(f"the parts' {name!r} is not that of the design: they were made for another one.", _REMEDY)
    return gathered


def _first_run(part: PartFacts, place: dict[tuple[str, int], int]) -> int:
    for name in ("split", "index_in_split"):
        if name not in part.small or len(part.small[name]) != part.runs or not part.runs:
            raise DataError(f"{part.path}: does not say which runs it holds ({name!r}).", _REMEDY)
    keys = zip(map(str, part.small["split"].tolist()), part.small["index_in_split"].tolist(), strict=True)
    runs = [place.get(key, -1) for key in keys]
    if runs[0] < 0 or runs != list(range(runs[0], runs[0] + part.runs)):
        raise DataError(f"{part.path}: its runs are no piece of the design.", _REMEDY)
    return runs[0]
