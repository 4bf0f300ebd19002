"""What of a dataset goes into another layout: runs, fields and numbers, read chunk by chunk."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from surecast.assemble.checked_store import CheckedStore
from surecast.assemble.contents import BOOKKEEPING, SPLIT_FLAGS
from surecast.assemble.formats.hdf5 import SPACE
from surecast.assemble.manifest import Manifest
from surecast.study.errors import DataError
from surecast.study.nearest import suggestion


@dataclass(frozen=True)
class Chosen:
    """Runs and variables of a dataset.

    Attributes
    ----------
    store : CheckedStore
        The dataset; every chunk is checked as it is read.
    runs : numpy.ndarray
        Numbers of the runs, ascending; none of them failed.
    fields, inputs_on_grid : tuple of str
        Outputs that lie on points of space, and inputs that do.
    series, numbers : tuple of str
        Outputs that lie on times alone, and outputs that are one number a run.
    parameters : tuple of str
        Inputs that are one number a run.
    notes : tuple of str
        Sentences on what was left out.
    """

    store: CheckedStore
    runs: np.ndarray
    fields: tuple[str, ...]
    inputs_on_grid: tuple[str, ...]
    series: tuple[str, ...]
    numbers: tuple[str, ...]
    parameters: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def content(self) -> dict[str, Any]:
        """Content of the manifest."""
        return self.store.manifest.content

    def dims(self, name: str) -> tuple[str, ...]:
        """Dimensions of a variable in the order of other layouts: run, time, x, y, z."""
        there = self.store.manifest.layout(name).dims
        return tuple(dim for dim in ("run", "time", *SPACE) if dim in there)

    def shape(self, name: str) -> tuple[int, ...]:
        """Shape of a variable in that order, of the chosen runs."""
        layout = self.store.manifest.layout(name)
        sizes = dict(zip(layout.dims, layout.shape, strict=True)) | {"run": len(self.runs)}
        return tuple(sizes[dim] for dim in self.dims(name))

    def coordinate(self, dim: str) -> np.ndarray:
        """Places of the points of a dimension."""
        return self.store.rows(dim, np.arange(self.store.manifest.layout(dim).shape[0]))

    def labels(self, name: str) -> dict[str, str]:
        """Units and long name of a variable."""
        attributes = self.store.attributes(name)
        return {key: str(attributes[key]) for key in ("units", "long_name") if key in attributes}

    def blocks(self, name: str) -> Iterator[tuple[int, np.ndarray]]:
        """Values of a variable, one chunk of the store after the other, as ``(place among the runs, values)``.

        The values have the dimensions of `dims`.
        """
        layout = self.store.manifest.layout(name)
        order = [layout.dims.index(dim) for dim in self.dims(name)]
        owner = self.runs // layout.chunk
        for number in np.unique(owner):
            places = np.flatnonzero(owner == number)
            yield int(places[0]), self.store.rows(name, self.runs[places]).transpose(order)

    def values(self, name: str) -> np.ndarray:
        """All values of a variable, in memory."""
        return np.concatenate([block for _, block in self.blocks(name)])


def choose(manifest: str | Path, outputs: Sequence[str] | None = None, split: str | None = None) -> Chosen:
    """Runs that did not fail, and the variables that were asked for.

    Parameters
    ----------
    manifest : str or Path
        ``dataset.json``.
    outputs : sequence of str, optional
        Outputs; all where none are named. Where inputs on the grid (``<input>_field``) are among them, the
        others are left out.
    split : {"train", "validation", "test"}, optional
        The runs of one split alone.

    Raises
    ------
    DataError
        If there is no such variable, split, or run, or a variable lies on something else than time and space.
    """
    store = CheckedStore(Manifest.read(manifest))
    names = [name for name in store.manifest.content["variables"] if name not in BOOKKEEPING]
    dims = {name: store.manifest.layout(name).dims for name in names}
    names = [name for name in names if dims[name][:1] == ("run",)]
    inputs = {name for name in names if "law" in store.attributes(name)}
    on_grid = [name for name in names if name in inputs and len(dims[name]) > 1 and name.endswith("_field")]
    coefficients = [name for name in names if name in inputs and len(dims[name]) > 1 and name not in on_grid]
    possible = [name for name in names if name not in inputs]
    for name in outputs or ():
        if name not in [*possible, *on_grid]:
            raise DataError(f"{manifest}: there is no output {name!r}.", suggestion(name, [*possible, *on_grid]))
    taken = possible if outputs is None else [name for name in possible if name in outputs]
    if outputs is not None and set(outputs) & set(on_grid):
        on_grid = [name for name in on_grid if name in outputs]
    for name in [*taken, *on_grid]:
        if strange := [dim for dim in dims[name][1:] if dim not in ("time", *SPACE)]:
            raise DataError(
                f"{manifest}: {name!r} lies on {strange[0]!r}, and the layout knows time, x, y and z alone.",
                "name other outputs (--outputs).",
            )
    runs, notes = _runs(store, split)
    if bare := [name for name in coefficients if f"{name}_field" not in on_grid]:
        notes.append(f"the coefficients of {', '.join(bare)} are left out: the layout has no place for them")
    scalar = {name for name in taken if len(dims[name]) == 1}
    series = {name for name in taken if dims[name] == ("run", "time")}
    return Chosen(
        store,
        runs,
        tuple(name for name in taken if name not in scalar | series),
        tuple(on_grid),
        tuple(name for name in taken if name in series),
        tuple(name for name in taken if name in scalar),
        tuple(name for name in names if name in inputs and len(dims[name]) == 1),
        tuple(notes),
    )


def _runs(store: CheckedStore, split: str | None) -> tuple[np.ndarray, list[str]]:
    everything = np.arange(int(store.manifest.content["runs"]))
    chosen = np.ones(len(everything), dtype=bool)
    if split is not None:
        if split not in SPLIT_FLAGS:
            raise DataError(f"there is no split {split!r}.", "use train, validation or test.")
        chosen = store.rows("split", everything) == SPLIT_FLAGS[split]
    fine = store.rows("failed", everything) == 0
    if not (chosen & fine).any():
        raise DataError(f"{store.manifest.path}: no run was chosen that did not fail.", "choose another split.")
    failed = int((chosen & ~fine).sum())
    return np.flatnonzero(chosen & fine), [f"{failed} failed runs are left out"] if failed else []


def one_space(manifest: str | Path, chosen: Chosen) -> tuple[str, ...]:
    """Dimensions of space that all chosen fields share, in the order x, y, z.

    Raises
    ------
    DataError
        If there is no field, or two of them lie on different dimensions.
    """
    if not chosen.fields:
        raise DataError(f"{manifest}: no output is a field.", "choose a study with an output on a grid.")
    forms = {name: chosen.dims(name)[1:] for name in chosen.fields}
    for name, form in forms.items():
        if form != forms[chosen.fields[0]]:
            raise DataError(
                f"{manifest}: {chosen.fields[0]!r} and {name!r} lie on different dimensions.",
                "name outputs of one grid (--outputs), and write one file each.",
            )
    return tuple(dim for dim in forms[chosen.fields[0]] if dim in SPACE)
