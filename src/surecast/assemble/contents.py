"""What the dataset holds: coordinates, inputs, fields on the grid, outputs and diagnostics, with their sources."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from surecast.assemble.gathered import Gathered
from surecast.assemble.layout import VariableLayout, base_runs, lay_out
from surecast.assemble.part_files import RunReader
from surecast.assemble.sources import ArraySource, FieldSource, Source

if TYPE_CHECKING:
    import xarray as xr

    from surecast.study.model import Study

SPLIT_FLAGS = {"train": 0, "validation": 1, "test": 2}
COORDINATES = ("run", "split", "index_in_split")
BOOKKEEPING = (*COORDINATES, "seed", "failed")

_Entry = tuple[tuple[str, ...], tuple[int, ...], Any, Mapping[str, Any], Source]


def contents(study: Study, design: xr.Dataset, gathered: Gathered) -> dict[str, tuple[VariableLayout, Source]]:
    """Every variable of the dataset by name: how it lies in the store, and where its runs come from."""
    entries = _bookkeeping(design, gathered)
    for name in study.inputs:
        variable = design[name].variable
        entries[name] = _in_memory(variable.dims, variable.values, variable.attrs)
    diagnostics = [name for name in study.build_simulator().diagnostics if gathered.has(name)]
    found = {name: gathered.variable(name) for name in [*study.outputs, *diagnostics]}
    forms = {name: (shape, dtype) for name, (_, shape, dtype, _) in found.items()}
    # One reader for all: variables with the same source are written together, so that a file is opened once.
    reader = RunReader(gathered.paths, gathered.starts, forms)
    for name, (dims, shape, dtype, attributes) in found.items():
        values = gathered.small(name)
        source = reader if values is None else ArraySource(values)
        entries[name] = (dims, shape, dtype, attributes, source)
        for dim in dims[1:]:
            if dim not in entries and gathered.has(dim):
                entries[dim] = _in_memory((dim,), gathered.small(dim), gathered.variable(dim)[3])
    # Where outputs lie on the same grid, its coordinates have been described by the simulator already.
    entries = _realised(study, design) | entries
    largest = max(_bytes_per_run(entry) for entry in entries.values())
    base = base_runs(largest, study.dataset.chunk_mib)
    return {
        name: (
            lay_out(name, dims, shape, dtype, attributes, base, study.dataset.chunk_mib, study.dataset.shard_mib),
            source,
        )
        for name, (dims, shape, dtype, attributes, source) in entries.items()
    }


def statistical(name: str, layout: VariableLayout) -> bool:
    """Whether a variable has statistics: those with runs that are not bookkeeping."""
    return layout.dims[:1] == ("run",) and name not in BOOKKEEPING


def _bookkeeping(design: xr.Dataset, gathered: Gathered) -> dict[str, _Entry]:
    split = np.array([SPLIT_FLAGS[str(text)] for text in design["split"].values], dtype=np.int8)
    flags = {
        "long_name": "what the run is for",
        "units": "1",
        "flag_values": list(SPLIT_FLAGS.values()),
        "flag_meanings": " ".join(SPLIT_FLAGS),
    }
    failed = gathered.small("failed")
    return {
        "run": _in_memory(("run",), design["run"].values, design["run"].attrs),
        "split": _in_memory(("run",), split, flags),
        "index_in_split": _in_memory(("run",), design["index_in_split"].values, design["index_in_split"].attrs),
        "seed": _in_memory(("run",), design["seed"].values, design["seed"].attrs),
        "failed": _in_memory(("run",), failed, gathered.variable("failed")[3]),
    }


def _realised(study: Study, design: xr.Dataset) -> dict[str, _Entry]:
    """Field inputs on the simulator's grid, as ``<name>_field``."""
    law = study.joint_law()
    entries: dict[str, _Entry] = {}
    for name, grid in study.build_simulator().grids().items():
        inputs = design[list(study.inputs)]
        sample = law.realise(inputs.isel(run=slice(0, 1)), {name: grid})
        shape = (design.sizes["run"], *(len(points) for points in grid.values()))
        source = FieldSource(law, inputs, name, grid)
        entries[f"{name}_field"] = (("run", *grid), shape, np.float32, sample[name].attrs, source)
        for dim, points in grid.items():
            attributes = sample[dim].attrs if dim in sample.coords else {}
            entries[dim] = _in_memory((dim,), np.asarray(points, dtype=np.float64), attributes)
    return entries


def _in_memory(dims: tuple[Any, ...], values: np.ndarray | None, attributes: Mapping[Any, Any]) -> _Entry:
    values = np.asarray(values)
    named = {str(key): value for key, value in attributes.items()}
    return (tuple(map(str, dims)), values.shape, values.dtype, named, ArraySource(values))


def _bytes_per_run(entry: _Entry) -> int:
    dims, shape, dtype, _, _ = entry
    return int(np.dtype(dtype).itemsize * np.prod(shape[1:])) if dims[:1] == ("run",) else 0
